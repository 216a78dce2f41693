//! The schedule as it would stand after an import.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    ContentHash, NewZone, Programme, ProgrammeId, Schedule, Slot, SlotException, SlotId, Source, Zone,
    ZoneId, ZoneTree, ZoneTreeError,
};

use crate::resolve::Known;

/// Store and import together. What is new has row numbers of its own that mean nothing in the store.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    pub(crate) tree: ZoneTree,
    pub(crate) programmes: Vec<Programme>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) exceptions: Vec<SlotException>,
    pub(crate) media: BTreeMap<ContentHash, Duration>,
}

impl Merged {
    /// Puts a resolved schedule over what is known.
    pub(crate) fn new(schedule: &Schedule, known: &Known<'_>) -> Result<Self, ZoneTreeError> {
        let tree = zones(&schedule.zones, known.zones)?;
        let kept = |code: &str| {
            known
                .files
                .get(code)
                .is_none_or(|file| !schedule.files.contains(file))
        };
        let mut programmes: Vec<_> = known.programmes.to_vec();
        programmes.retain(|programme| kept(&programme.code));
        let mut slots: Vec<_> = known.slots.to_vec();
        slots.retain(|slot| kept(&slot.code));
        let mut exceptions: Vec<_> = known.exceptions.to_vec();
        exceptions.retain(|exception| slots.iter().any(|slot| slot.id == exception.slot));

        for (id, new) in (NEW_IDS..).zip(&schedule.programmes) {
            programmes.push(Programme {
                id: ProgrammeId(id),
                code: new.code.clone(),
                title: new.title.clone(),
                source: Source::Asset(new.media),
                class: new.class,
                chime: new.chime,
                pre_emption: new.pre_emption,
            });
        }
        for (id, new) in (NEW_IDS..).zip(&schedule.slots) {
            let programme = programmes
                .iter()
                .find(|programme| programme.code == new.programme);
            slots.push(Slot {
                id: SlotId(id),
                code: new.code.clone(),
                programme: programme.map_or(ProgrammeId(0), |programme| programme.id),
                zones: new
                    .zones
                    .iter()
                    .filter_map(|code| Some(tree.by_code(code)?.id))
                    .collect(),
                recurrence: new.recurrence.clone(),
                valid_from: new.valid_from,
                valid_to: new.valid_to,
                class: new.class,
                max_duration: new.max_duration,
            });
        }
        for new in &schedule.exceptions {
            exceptions.extend(
                slots
                    .iter()
                    .find(|slot| slot.code == new.slot)
                    .map(|slot| SlotException {
                        slot: slot.id,
                        date: new.date,
                        change: new.change,
                        note: new.note.clone(),
                    }),
            );
        }
        let media = known
            .media
            .iter()
            .map(|media| (media.hash, media.duration))
            .collect();
        Ok(Self {
            tree,
            programmes,
            slots,
            exceptions,
            media,
        })
    }
}

fn zones(new: &[NewZone], known: &ZoneTree) -> Result<ZoneTree, ZoneTreeError> {
    let ids: BTreeMap<&str, ZoneId> = (NEW_IDS..)
        .zip(new)
        .map(|(id, zone)| {
            (
                zone.code.as_str(),
                known.by_code(&zone.code).map_or(ZoneId(id), |zone| zone.id),
            )
        })
        .chain(known.iter().map(|zone| (zone.code.as_str(), zone.id)))
        .collect();
    let old = known
        .iter()
        .filter(|zone| !new.iter().any(|new| new.code == zone.code))
        .cloned();
    let new = new.iter().map(|zone| Zone {
        id: ids[zone.code.as_str()],
        code: zone.code.clone(),
        name: zone.name.clone(),
        parent: zone
            .parent
            .as_ref()
            .map(|parent| ids.get(parent.as_str()).copied().unwrap_or(ZoneId(0))),
        channel: zone.channel,
    });
    ZoneTree::new(old.chain(new).collect())
}

/// Beyond any row of a store.
const NEW_IDS: i64 = 1 << 40;
