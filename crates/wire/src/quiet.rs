//! Quiet hours as the beacon carries them: a few bytes for a weekly rule in local time.

use loa_model::{Days, QUIET_RULES_MAX, QuietHours, QuietPolicy, VolumeStep, Window};

use crate::WireError;
use crate::fields::Fields;

/// Writes what restricts a zone, or that nothing does, as a whole number of 32-bit words.
///
/// # Errors
///
/// [`WireError::Value`] for hours that cannot be in force, see [`QuietPolicy::check`].
pub(crate) fn encode(quiet: Option<&QuietHours>, out: &mut Vec<u8>) -> Result<(), WireError> {
    let Some(hours) = quiet else {
        out.extend([UNRESTRICTED, 0, 0, 0]);
        return Ok(());
    };
    check(hours)?;
    let policy = &hours.policy;
    let count = |rules: usize| u8::try_from(rules).map_err(|_| INVALID);
    out.extend([
        RESTRICTED,
        count(policy.windows.len())?,
        count(policy.volume.len())?,
        0,
    ]);
    out.extend(hours.utc_offset_min.to_be_bytes());
    out.extend(policy.minutes_a_day.unwrap_or(ANY_MINUTES).to_be_bytes());
    for window in &policy.windows {
        out.push(window.days.0);
        out.extend(window.from.to_be_bytes());
        out.extend(window.to.to_be_bytes());
    }
    for step in &policy.volume {
        out.extend(step.from.to_be_bytes());
        out.extend(step.gain_db.to_be_bytes());
    }
    out.resize(out.len() + padding(policy.windows.len(), policy.volume.len()), 0);
    Ok(())
}

/// Reads it. Allocates no more than [`QUIET_RULES_MAX`] rules of each kind, whatever the bytes say.
pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Option<QuietHours>, WireError> {
    let [how, windows, steps, zero] = fields.array()?;
    let (windows, steps) = (usize::from(windows), usize::from(steps));
    match how {
        UNRESTRICTED if windows == 0 && steps == 0 && zero == 0 => return Ok(None),
        RESTRICTED if windows.max(steps) <= QUIET_RULES_MAX && zero == 0 => {}
        _ => return Err(INVALID),
    }
    let utc_offset_min = i16::from_be_bytes(fields.array()?);
    let minutes = fields.u16()?;
    let mut policy = QuietPolicy {
        minutes_a_day: (minutes != ANY_MINUTES).then_some(minutes),
        ..QuietPolicy::default()
    };
    for _ in 0..windows {
        policy.windows.push(Window {
            days: Days(fields.u8()?),
            from: fields.u16()?,
            to: fields.u16()?,
        });
    }
    for _ in 0..steps {
        policy.volume.push(VolumeStep {
            from: fields.u16()?,
            gain_db: i8::from_be_bytes(fields.array()?),
        });
    }
    for _ in 0..padding(windows, steps) {
        if fields.u8()? != 0 {
            return Err(INVALID);
        }
    }
    let hours = QuietHours {
        policy,
        utc_offset_min,
    };
    check(&hours)?;
    Ok(Some(hours))
}

fn check(hours: &QuietHours) -> Result<(), WireError> {
    let offset_sane = hours.utc_offset_min.unsigned_abs() < loa_model::MINUTES_A_DAY;
    if offset_sane && hours.policy.check().is_ok() {
        Ok(())
    } else {
        Err(INVALID)
    }
}

/// Bytes of zero that fill up the last word.
const fn padding(windows: usize, steps: usize) -> usize {
    let bytes = windows * WINDOW_BYTES + steps * STEP_BYTES;
    bytes.next_multiple_of(4) - bytes
}

const INVALID: WireError = WireError::Value("quiet hours");
const UNRESTRICTED: u8 = 0;
const RESTRICTED: u8 = 1;
/// No day has as many: stands for no limit.
const ANY_MINUTES: u16 = u16::MAX;
const WINDOW_BYTES: usize = 5;
const STEP_BYTES: usize = 3;
/// The longest: head, offset and minutes, rules. A whole number of words.
pub(crate) const QUIET_BYTES_MAX: usize = 8 + QUIET_RULES_MAX * (WINDOW_BYTES + STEP_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn hours() -> QuietHours {
        let window = Window {
            days: Days(0b11_1111),
            from: 300,
            to: 420,
        };
        let step = VolumeStep {
            from: 1_260,
            gain_db: -12,
        };
        QuietHours {
            policy: QuietPolicy {
                windows: vec![window],
                minutes_a_day: Some(60),
                volume: vec![step],
            },
            utc_offset_min: -90,
        }
    }

    fn encoded(quiet: Option<&QuietHours>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(quiet, &mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Option<QuietHours>, WireError> {
        let mut fields = Fields::new(bytes, "beacon");
        let quiet = decode(&mut fields)?;
        fields.end().map(|()| quiet)
    }

    #[test]
    fn every_length_reads_back_and_fills_its_words() {
        assert_eq!(read(&encoded(None)), Ok(None));
        for windows in 0..=QUIET_RULES_MAX {
            for steps in 0..=QUIET_RULES_MAX {
                let mut hours = hours();
                hours.policy.windows = vec![hours.policy.windows[0]; windows];
                let step = |from| VolumeStep { from, gain_db: -60 };
                hours.policy.volume = (0..steps)
                    .map(|from| step(u16::try_from(from).unwrap()))
                    .collect();
                hours.policy.minutes_a_day = (steps % 2 == 0).then_some(1_440);
                let bytes = encoded(Some(&hours));
                assert!(bytes.len().is_multiple_of(4) && bytes.len() <= QUIET_BYTES_MAX);
                assert_eq!(read(&bytes), Ok(Some(hours)));
            }
        }
    }

    #[test]
    fn what_cannot_be_in_force_is_neither_written_nor_read() {
        let mut far = hours();
        far.utc_offset_min = i16::MIN;
        let mut backwards = hours();
        backwards.policy.windows[0].to = 300;
        let mut many = hours();
        many.policy.windows = vec![hours().policy.windows[0]; QUIET_RULES_MAX + 1];
        for hours in [far, backwards, many] {
            assert_eq!(encode(Some(&hours), &mut Vec::new()), Err(INVALID));
        }
        let good = encoded(Some(&hours()));
        // Each row: a byte, and what it may not be.
        let rows = [
            (0, 2),
            (0, 0),
            (1, 13),
            (2, 255),
            (3, 1),
            (4, 0x80),
            (6, 6),
            (8, 0),
            (15, 1),
        ];
        for (at, value) in rows {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert!(read(&bytes).is_err(), "byte {at} is {value}");
        }
        assert!(read(&good[..good.len() - 1]).is_err());
        assert!(read(&[0, 0, 1, 0]).is_err());
    }
}
