//! Emergencies as they lie ready: what is said, where, for how long, and what is said when it is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ContentHash, ZoneId};
use crate::run_sheet::Piece;

/// An emergency that lies ready. There is none without its retraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyTemplate {
    /// Name shown to people; no other template has it.
    pub title: String,
    /// What is said.
    pub warning: Message,
    /// What is said when it is over, or was wrong.
    pub retraction: Message,
    /// Where it is meant to be heard; whoever releases it may choose otherwise.
    pub zones: Vec<ZoneId>,
    /// Whether the attention signal sounds before each time it is said.
    pub signal: bool,
    /// How often it is said; zero for as often as there is time for.
    pub repeats: u16,
    /// It is over after this long, minutes.
    pub minutes: u16,
}

/// What is said: a text, and its sound in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The text, for people who read it.
    pub text: String,
    /// Said one after another.
    pub spoken: Vec<ContentHash>,
}

/// Why a template cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateFault {
    /// It has no name, or one that is too long.
    #[error("it needs a name of at most {TITLE_CHARS_MAX} characters")]
    Title,
    /// The warning has no text, or one that is too long.
    #[error("the warning needs a text of at most {TEXT_CHARS_MAX} characters")]
    WarningText,
    /// The warning has no sound.
    #[error("the warning needs at least one recording, and at most {SPOKEN_MAX}")]
    WarningSound,
    /// The retraction has no text, or one that is too long.
    #[error("the retraction needs a text of at most {TEXT_CHARS_MAX} characters")]
    RetractionText,
    /// The retraction has no sound.
    #[error("the retraction needs at least one recording, and at most {SPOKEN_MAX}")]
    RetractionSound,
    /// It says the same when it is over.
    #[error("the retraction must not sound like the warning")]
    SameSound,
    /// It ends too soon or too late.
    #[error("it must end after 1 to {MINUTES_MAX} minutes")]
    Minutes,
    /// It is said too often.
    #[error("it can be said at most {REPEATS_MAX} times")]
    Repeats,
}

impl EmergencyTemplate {
    /// Returns the recordings that it cannot do without.
    pub fn recordings(&self) -> impl Iterator<Item = ContentHash> {
        let spoken = self.warning.spoken.iter().chain(&self.retraction.spoken);
        spoken.copied()
    }

    /// Checks what can be checked without the library.
    ///
    /// # Errors
    ///
    /// The first fault found.
    pub fn check(&self) -> Result<(), TemplateFault> {
        let fits = |text: &str, most| (1..=most).contains(&text.trim().chars().count());
        let sounds = |message: &Message| (1..=SPOKEN_MAX).contains(&message.spoken.len());
        let rules = [
            (fits(&self.title, TITLE_CHARS_MAX), TemplateFault::Title),
            (
                fits(&self.warning.text, TEXT_CHARS_MAX),
                TemplateFault::WarningText,
            ),
            (sounds(&self.warning), TemplateFault::WarningSound),
            (
                fits(&self.retraction.text, TEXT_CHARS_MAX),
                TemplateFault::RetractionText,
            ),
            (sounds(&self.retraction), TemplateFault::RetractionSound),
            (
                self.warning.spoken != self.retraction.spoken,
                TemplateFault::SameSound,
            ),
            ((1..=MINUTES_MAX).contains(&self.minutes), TemplateFault::Minutes),
            (self.repeats <= REPEATS_MAX, TemplateFault::Repeats),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, fault)) => Err(fault),
            None => Ok(()),
        }
    }
}

/// Returns the title under which something is put on the air in an emergency: so it is told from the others, and found
/// again.
pub fn aired_title(title: &str, is_retraction: bool, is_drill: bool) -> String {
    let drill = if is_drill { DRILL } else { "" };
    let retraction = if is_retraction { RETRACTION } else { "" };
    format!("{drill}{retraction}{title}")
}

/// Lays out what sounds: `before` and then `message`, `repeats` times, or as often as begins within `lasts` if that is
/// zero; never more than begins within `lasts`.
///
/// The last time is cut at `lasts`.
pub fn repeated(before: &[Piece], message: &[Piece], repeats: u16, lasts: Duration) -> Vec<Piece> {
    let once: Duration = before.iter().chain(message).map(|piece| piece.duration).sum();
    if once.is_zero() {
        return Vec::new();
    }
    let fits = usize::try_from(lasts.as_nanos().div_ceil(once.as_nanos())).unwrap_or(usize::MAX);
    let wanted = if repeats == 0 {
        usize::MAX
    } else {
        usize::from(repeats)
    };
    let times = fits
        .min(wanted)
        .min(PIECES_MAX / (before.len() + message.len()).max(1));
    std::iter::repeat_n(before.iter().chain(message), times.max(1))
        .flatten()
        .copied()
        .collect()
}

/// Before the title of a drill.
const DRILL: &str = "DIỄN TẬP – ";
/// Before the title of a retraction.
const RETRACTION: &str = "Hết báo động – ";
const TITLE_CHARS_MAX: usize = 120;
const TEXT_CHARS_MAX: usize = 2_000;
const SPOKEN_MAX: usize = 8;
const MINUTES_MAX: u16 = 720;
const REPEATS_MAX: u16 = 200;
/// Bounds what an emergency takes in memory and in the log: of 10 s each they last two hours.
const PIECES_MAX: usize = 720;

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> EmergencyTemplate {
        let message = |text: &str, number| Message {
            text: text.into(),
            spoken: vec![ContentHash([number; 32])],
        };
        EmergencyTemplate {
            title: "Lũ".into(),
            warning: message("Nước lên nhanh.", 1),
            retraction: message("Hết báo động.", 2),
            zones: vec![ZoneId(1)],
            signal: true,
            repeats: 0,
            minutes: 30,
        }
    }

    #[test]
    fn nothing_is_kept_that_could_not_be_taken_back() {
        type Spoil = fn(&mut EmergencyTemplate);
        let rows: [(Spoil, TemplateFault); 9] = [
            (|it| it.title = "  ".into(), TemplateFault::Title),
            (|it| it.warning.text.clear(), TemplateFault::WarningText),
            (|it| it.warning.spoken.clear(), TemplateFault::WarningSound),
            (
                |it| it.retraction.text = " ".into(),
                TemplateFault::RetractionText,
            ),
            (|it| it.retraction.spoken.clear(), TemplateFault::RetractionSound),
            (
                |it| it.retraction.spoken.clone_from(&it.warning.spoken),
                TemplateFault::SameSound,
            ),
            (|it| it.minutes = 0, TemplateFault::Minutes),
            (|it| it.minutes = 721, TemplateFault::Minutes),
            (|it| it.repeats = 201, TemplateFault::Repeats),
        ];
        assert_eq!(template().check(), Ok(()));
        for (spoil, fault) in rows {
            let mut spoilt = template();
            spoil(&mut spoilt);
            assert_eq!(spoilt.check(), Err(fault));
        }
    }

    #[test]
    fn it_is_said_as_often_as_asked_and_never_beyond_its_end() {
        let piece = |number, s| Piece {
            media: ContentHash([number; 32]),
            duration: Duration::from_secs(s),
        };
        let (signal, message) = ([piece(1, 4)], [piece(2, 5), piece(3, 6)]);
        // Each row: how often it is asked for, how long it may last, and how many pieces sound.
        let rows = [
            (1, 600, 3),
            (3, 600, 9),
            (0, 60, 12),
            (0, 61, 15),
            (10, 31, 9),
            (2, 1, 3),
            (0, 24 * 3_600, PIECES_MAX),
        ];
        for (repeats, lasts, pieces) in rows {
            let laid = repeated(&signal, &message, repeats, Duration::from_secs(lasts));
            assert_eq!(laid.len(), pieces, "{repeats} times in {lasts} s");
            assert_eq!(laid[..3], [signal[0], message[0], message[1]]);
        }
        assert_eq!(repeated(&[], &[], 3, Duration::from_secs(9)), []);
    }
}
