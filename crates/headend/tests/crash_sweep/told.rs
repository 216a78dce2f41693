//! What was heard and what the as-run log says of it, and whether the two agree with each other and with a day on which
//! nothing was killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use loa_model::{SessionId, WallTime, ZoneId};
use loa_store::{AsRunRow, Store};

use crate::day::{END_S, Event, RELAY, RELAY_AT_S, T0, at, part_of};
use crate::life::{BEAT, Fed, LATE, Note, database};

/// How long the head-end is away after each kill.
pub(crate) const AWAY: Duration = Duration::from_secs(3);
/// From its start until the first sound it can make: a playout delay and the room for a fade.
const BACK: Duration = Duration::from_millis(1_300);
/// From the release of an emergency until it sounds.
const URGENT: Duration = Duration::from_millis(300);
/// A programme sounds this long after it is sent.
const SENT_AHEAD: Duration = Duration::from_millis(600);
/// Positions agree to within a frame.
const FRAME: Duration = Duration::from_millis(20);

/// One stretch of a programme that receivers played.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    zone: ZoneId,
    title: &'static str,
    from: WallTime,
    to: WallTime,
    /// How far into the programme `from` is.
    offset: Duration,
    session: SessionId,
}

impl Heard {
    fn reached(&self) -> Duration {
        self.offset + self.to.since(self.from)
    }
}

/// Works out what receivers played of what a life sent until it was killed.
pub(crate) fn heard(notes: &[Note], killed: Option<WallTime>) -> Vec<Heard> {
    let mut heard: BTreeMap<(SessionId, u32), (Heard, Duration)> = BTreeMap::new();
    for note in notes {
        match note {
            Note::Start {
                session,
                part,
                zone,
                feed,
                from,
                to,
                delay,
            } => {
                let (title, offset) = match feed {
                    Fed::Media(media, offset) => {
                        let (title, begins) = part_of(*media);
                        (title, begins + *offset)
                    }
                    Fed::Relay => (RELAY, from.since(at(RELAY_AT_S))),
                };
                let stretch = Heard {
                    zone: *zone,
                    title,
                    from: *from,
                    to: *to,
                    offset,
                    session: *session,
                };
                heard.insert((*session, *part), (stretch, *delay));
            }
            Note::Stop { session, part, at } => {
                if let Some((stretch, _)) = heard.get_mut(&(*session, *part)) {
                    stretch.to = stretch.to.min(*at);
                }
            }
            Note::Now(_) | Note::Done(_) => {}
        }
    }
    let cut = |(mut stretch, delay): (Heard, Duration)| {
        if let Some(killed) = killed {
            stretch.to = stretch.to.min(killed + delay);
        }
        (stretch.from < stretch.to).then_some(stretch)
    };
    let mut heard: Vec<_> = heard.into_values().filter_map(cut).collect();
    heard.sort_by_key(|stretch| stretch.from);
    heard
}

pub(crate) fn last_moment(notes: &[Note]) -> Option<WallTime> {
    let moments = notes.iter().filter_map(|note| match note {
        Note::Now(now) => Some(*now),
        _ => None,
    });
    moments.max()
}

pub(crate) fn done(notes: &[Note]) -> Vec<Event> {
    let done = notes.iter().filter_map(|note| match note {
        Note::Done(event) => Some(*event),
        _ => None,
    });
    done.collect()
}

/// A day: what was heard of it, and what the log says.
pub(crate) struct Told {
    pub(crate) heard: Vec<Heard>,
    pub(crate) rows: Vec<AsRunRow>,
    pub(crate) not_aired: BTreeMap<String, String>,
}

impl Told {
    pub(crate) fn read(dir: &Path, heard: Vec<Heard>) -> Self {
        let store = Store::open(&database(dir)).unwrap();
        let end = T0 + Duration::from_secs(END_S);
        let not_aired = store.not_aired(T0, end).unwrap().into_iter();
        Self {
            heard,
            rows: store.as_run(T0, end).unwrap(),
            not_aired: not_aired.map(|row| (row.title, row.reason.to_string())).collect(),
        }
    }

    fn of<'a>(&'a self, title: &'a str) -> impl Iterator<Item = &'a Heard> {
        self.heard.iter().filter(move |stretch| stretch.title == title)
    }

    pub(crate) fn heard_titles(&self) -> Vec<&str> {
        let titles: std::collections::BTreeSet<_> = self.heard.iter().map(|stretch| stretch.title).collect();
        titles.into_iter().collect()
    }

    fn titles(&self) -> std::collections::BTreeSet<&str> {
        let rows = self.rows.iter().map(|row| row.started.title.as_str());
        rows.chain(self.not_aired.keys().map(String::as_str)).collect()
    }

    /// Returns how far each programme came, and how it ended.
    fn end(&self, title: &str) -> (Duration, String) {
        let reached = self.of(title).map(Heard::reached).max().unwrap_or_default();
        let rows = self.rows.iter().filter(|row| row.started.title == title);
        let last = rows.max_by_key(|row| (row.started.at, row.started.part));
        let cause = last
            .and_then(|row| row.ended.as_ref())
            .map(|end| end.reason.code().to_owned());
        (
            reached,
            cause
                .or_else(|| self.not_aired.get(title).cloned())
                .unwrap_or_default(),
        )
    }

    /// Tells what is wrong with the day by itself: the log without an end, two at once, another air than the log's.
    ///
    /// `killed` is when a head-end died in it; what it began within [`LATE`] before that is in no log.
    pub(crate) fn check(&self, killed: Option<WallTime>) -> Result<(), String> {
        for (index, one) in self.heard.iter().enumerate() {
            for other in &self.heard[index + 1..] {
                if one.zone == other.zone && one.from < other.to && other.from < one.to {
                    return Err(format!("two at once: {one:?} {other:?}"));
                }
            }
            let rows: Vec<_> = self
                .rows
                .iter()
                .filter(|row| row.started.session == one.session)
                .collect();
            let unwritten = killed.is_some_and(|killed| one.from + LATE >= killed);
            if rows.is_empty() && !unwritten {
                return Err(format!("heard and not in the log: {one:?}"));
            }
        }
        for row in &self.rows {
            let end = row.ended.as_ref().ok_or_else(|| format!("no end: {row:?}"))?;
            // A relay changes its source within one stretch.
            // Where two meet it is the later one.
            let stretch = self.heard.iter().rev().find(|stretch| {
                let within = stretch.from <= row.started.at && row.started.at <= stretch.to;
                stretch.session == row.started.session && within
            });
            let empty = end.at == row.started.at;
            let Some(stretch) = stretch else {
                if empty {
                    continue;
                }
                return Err(format!("in the log and not heard: {row:?}"));
            };
            let offset = stretch.offset + row.started.at.since(stretch.from);
            if offset.abs_diff(row.started.media_offset) > FRAME {
                return Err(format!("heard from {offset:?} on, and not as in {row:?}"));
            }
            // The last that a killed head-end is known to have sent is its last sign of life.
            let lost = end.reason.code() == "head_end_lost";
            let (early, late) = if lost {
                (FRAME, BEAT + LATE + BACK)
            } else {
                (FRAME, FRAME)
            };
            let ends_within =
                end.at <= stretch.to + early && (stretch.to <= end.at + late || stretch.title == RELAY);
            if !ends_within {
                return Err(format!("heard until {}, and not as in {row:?}", stretch.to));
            }
        }
        Ok(())
    }

    /// Compares with a day on which nothing was killed: nothing is lost but what would have sounded while the
    /// head-end was away, and nothing sounds twice.
    pub(crate) fn compare(&self, model: &Self, killed: WallTime, done: &[Event]) -> Result<(), String> {
        let mut titles = model.titles();
        // Killed before its first sound was written down, it is not on the air again by itself: whoever released it saw
        // the panel go half a second later.
        let unwritten = done.contains(&Event::Emergency) && killed <= at(60.0) + URGENT + LATE;
        if unwritten && !self.titles().contains("khẩn cấp") {
            titles.remove("khẩn cấp");
        }
        if titles != self.titles() {
            return Err(format!("{:?}, and {titles:?} without", self.titles()));
        }
        for title in titles {
            let ((reached, cause), (whole, model_cause)) = (self.end(title), model.end(title));
            let left = whole.saturating_sub(reached);
            let over_meanwhile = left > FRAME && left <= AWAY + BACK;
            if left > FRAME && !over_meanwhile {
                return Err(format!("{title} ends {left:?} before its end"));
            }
            let own: Vec<_> = self.of(title).collect();
            // All of it was sent before the kill, and its end was not written down.
            let end_unwritten = own
                .last()
                .is_some_and(|last| last.to <= killed + SENT_AHEAD && killed <= last.to + LATE);
            let lost = cause == "head_end_lost" && (over_meanwhile || end_unwritten);
            if cause != model_cause && !lost {
                return Err(format!("{title} ends as {cause}, and as {model_cause} without"));
            }
            for pair in own.windows(2) {
                let again = pair[0].reached().saturating_sub(pair[1].offset);
                // What began just before the kill, and was not written down, begins anew.
                let written = self
                    .rows
                    .iter()
                    .any(|row| row.started.session == pair[0].session && row.started.at == pair[0].from);
                let most = if written { FRAME } else { LATE + BACK };
                if again > most {
                    return Err(format!("{again:?} of {title} sound twice: {pair:?}"));
                }
            }
            let more = missing(&own).saturating_sub(missing(&model.of(title).collect::<Vec<_>>()));
            if more > AWAY + BACK {
                return Err(format!("{more:?} of {title} are missing: {own:?}"));
            }
        }
        Ok(())
    }
}

/// Returns how much of a programme did not sound, before the last of it that did.
fn missing(stretches: &[&Heard]) -> Duration {
    let ends = std::iter::once(Duration::ZERO).chain(stretches.iter().map(|stretch| stretch.reached()));
    ends.zip(stretches)
        .map(|(end, stretch)| stretch.offset.saturating_sub(end))
        .sum()
}
