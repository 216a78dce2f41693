//! What a receiver says of a session: a word for each of its own starts, and all of them together.

use loa_model::{Receipt, Silenced};

use crate::StoreError;
use crate::column::from_json;

/// Joins what a receiver says of one session, in the JSON of a receipt for each start, in the order of their rows.
///
/// That is the order in which they were first heard of: a receiver's clock may be set between two starts.
///
/// # Errors
///
/// [`StoreError::Damaged`].
pub(crate) fn joined(starts: &[String]) -> Result<Option<Receipt>, StoreError> {
    let receipts = starts.iter().map(|body| from_json::<Receipt>(body, "receipt"));
    let receipts = receipts.collect::<Result<Vec<_>, _>>()?;
    Ok(receipts.into_iter().reduce(|before, after| join(&before, &after)))
}

/// Joins one start with the next one. Numbers come from the network: sums stay within their type.
fn join(before: &Receipt, after: &Receipt) -> Receipt {
    // Where nothing sounded, the times are of what came and was kept silent.
    let (first, last) = match (before.sounded.is_zero(), after.sounded.is_zero()) {
        (false, true) => (before.first, before.last),
        (true, false) => (after.first, after.last),
        _ => (before.first.min(after.first), before.last.max(after.last)),
    };
    let silenced = match (before.silenced, after.silenced) {
        (Some(before), Some(after)) => Some(Silenced {
            why: after.why,
            span: before.span.saturating_add(after.span),
        }),
        (before, after) => after.or(before),
    };
    Receipt {
        session: after.session,
        channel: after.channel,
        class: after.class,
        drill: after.drill,
        first,
        last,
        sounded: before.sounded.saturating_add(after.sounded),
        concealed: before.concealed.saturating_add(after.concealed),
        packets: before.packets.saturating_add(after.packets),
        lost: before.lost.saturating_add(after.lost),
        output_dbfs: output_dbfs(before, after),
        over: after.over,
        silenced,
    }
}

/// Returns the mean square over both, each for as long as it sounded, dBFS.
fn output_dbfs(before: &Receipt, after: &Receipt) -> f64 {
    if before.sounded.is_zero() {
        return after.output_dbfs;
    }
    if after.sounded.is_zero() {
        return before.output_dbfs;
    }
    let energy = |receipt: &Receipt| receipt.sounded.as_secs_f64() * 10f64.powf(receipt.output_dbfs / 10.0);
    let sounded = before.sounded.as_secs_f64() + after.sounded.as_secs_f64();
    10.0 * ((energy(before) + energy(after)) / sounded).log10()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use loa_model::{BulletinClass, Channel, SessionId, Silence, WallTime};

    use super::*;
    use crate::column::json;

    fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn receipt(first_s: i64, sounded_s: u64, output_dbfs: f64, silenced: Option<Silenced>) -> Receipt {
        let first = WallTime::from_unix_s(first_s);
        Receipt {
            session: SessionId(7),
            channel: Channel(1),
            class: BulletinClass::Normal,
            drill: false,
            first,
            last: first + s(sounded_s),
            sounded: s(sounded_s),
            concealed: s(1),
            packets: 50,
            lost: 3,
            output_dbfs,
            over: false,
            silenced,
        }
    }

    fn silenced(why: Silence, span_s: u64) -> Option<Silenced> {
        Some(Silenced { why, span: s(span_s) })
    }

    fn all(receipts: &[Receipt]) -> Option<Receipt> {
        let bodies: Vec<_> = receipts.iter().map(json).collect();
        joined(&bodies).unwrap()
    }

    #[test]
    fn one_start_is_as_it_was_said_and_none_is_none() {
        let alone = receipt(10, 20, -20.3, silenced(Silence::QuietHours, 4));
        assert_eq!(all(std::slice::from_ref(&alone)), Some(alone));
        assert_eq!(all(&[]), None);
    }

    #[test]
    fn starts_add_up_and_the_newest_says_how_it_stands() {
        let before = receipt(10, 30, -20.0, silenced(Silence::PolicyUnknown, 4));
        let after = Receipt {
            over: true,
            ..receipt(50, 30, -200.0, silenced(Silence::QuietHours, 2))
        };
        let both = all(&[before.clone(), after.clone()]).unwrap();
        let expected = Receipt {
            sounded: s(60),
            concealed: s(2),
            packets: 100,
            lost: 6,
            last: after.last,
            output_dbfs: both.output_dbfs,
            over: true,
            silenced: silenced(Silence::QuietHours, 6),
            ..before
        };
        assert_eq!(both, expected);
        assert!(
            (both.output_dbfs + 23.01).abs() < 0.01,
            "half of the time nothing: {} dBFS",
            both.output_dbfs
        );
    }

    /// From when one start of the receiver sounded, and for how long, s.
    type Heard = (i64, u64);

    #[test]
    fn what_was_kept_silent_has_not_begun() {
        // With from when to when it sounded in all, s.
        let rows: &[(&str, &[Heard], (i64, i64))] = &[
            ("silent, then heard", &[(10, 0), (40, 5)], (40, 45)),
            ("heard, then silent", &[(10, 5), (40, 0)], (10, 15)),
            ("silent between", &[(10, 5), (20, 0), (30, 5)], (10, 35)),
            ("never heard", &[(10, 0), (40, 0)], (10, 40)),
            ("the clock was set back", &[(40, 5), (10, 5)], (10, 45)),
        ];
        for (name, starts, (first, last)) in rows {
            let starts: Vec<_> = starts
                .iter()
                .map(|(first_s, sounded_s)| receipt(*first_s, *sounded_s, -20.0, None))
                .collect();
            let found = all(&starts).unwrap();
            let expected = (WallTime::from_unix_s(*first), WallTime::from_unix_s(*last));
            assert_eq!((found.first, found.last), expected, "{name}");
        }
    }

    #[test]
    fn no_number_from_the_network_is_too_great_to_add() {
        let most = Receipt {
            sounded: Duration::MAX,
            concealed: Duration::MAX,
            packets: u64::MAX,
            lost: u64::MAX,
            silenced: Some(Silenced {
                why: Silence::QuietHours,
                span: Duration::MAX,
            }),
            ..receipt(0, 1, -20.0, None)
        };
        let both = all(&[most.clone(), most]).unwrap();
        assert_eq!((both.sounded, both.packets), (Duration::MAX, u64::MAX));
    }
}
