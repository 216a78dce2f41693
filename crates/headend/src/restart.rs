//! What an earlier run left in the store, for the engine to go on from.

use std::time::Duration;

use anyhow::Result;
use loa_model::{BulletinClass, Origin, WallTime};
use loa_playout::{Engine, LastPart, Stretch};
use loa_store::{AsRunRow, LastPartRow, Store};

/// Hands over to an engine what was on the air, what is over, and how long each zone has sounded today.
///
/// Call it once, before the first run-sheet; `alive` is what [`Store::close_lost`] returned.
///
/// # Errors
///
/// If the store fails.
pub fn take_up(engine: &mut Engine, store: &Store, alive: Option<WallTime>, now: WallTime) -> Result<()> {
    let since = now - RESTORE;
    let parts: Vec<_> = store.last_parts(since)?.into_iter().map(last_part).collect();
    let not_aired = store.not_aired(since, now + RESTORE)?.into_iter();
    let not_aired: Vec<_> = not_aired.map(|row| row.occurrence).collect();
    let delayed = store.still_delayed(since)?;
    engine.restore(&parts, &not_aired, &delayed, &heard(store, now)?, alive, now);
    Ok(())
}

/// Reads what counts towards the minutes of the day that each zone is in.
fn heard(store: &Store, now: WallTime) -> Result<Vec<Stretch>> {
    let rows = store.as_run(now - RESTORE, now)?.into_iter();
    let counted = rows.filter(|row| {
        let authored = matches!(&row.started.origin, Origin::Override { by, .. } if !by.is_empty());
        !(authored && row.started.class == BulletinClass::Emergency)
    });
    let stretch = |row: AsRunRow| Stretch {
        zone: row.started.zone,
        from: row.started.at,
        to: row.ended.map_or(row.started.at, |ended| ended.at),
    };
    Ok(counted.map(stretch).collect())
}

fn last_part(row: LastPartRow) -> LastPart {
    LastPart {
        started: row.started,
        ended: row.ended,
    }
}

/// What was on air within this time may still go on.
const RESTORE: Duration = Duration::from_secs(24 * 3_600);
