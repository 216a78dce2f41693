//! The zone tree that an import would leave.

use std::collections::BTreeMap;

use loa_model::{Channel, NewZone};

use super::{Resolver, did_you_mean};
use crate::diagnostic::Placed;
use crate::file::ZoneEntry;
use crate::said::{Said, said};

impl Resolver<'_> {
    pub(super) fn zones(&mut self) {
        let entries: Vec<&ZoneEntry> = self.files.iter().flat_map(|file| &file.file.zones).collect();
        self.refuse_twins("zone", entries.iter().map(|entry| &entry.code));
        let mut channels: BTreeMap<u16, &str> = BTreeMap::new();
        for zone in self.known.zones.iter() {
            if !entries.iter().any(|entry| entry.code.value == zone.code) {
                channels.insert(zone.channel.0, &zone.code);
            }
        }
        for entry in &entries {
            let Placed { value, place } = &entry.channel;
            if Channel(*value) == Channel::EVERY_ZONE {
                self.error(
                    place,
                    said!(
                        "kênh {value} dành cho mọi địa bàn",
                        "channel {value} stands for every zone"
                    ),
                    said!("chọn số nhỏ hơn", "choose a smaller one"),
                );
            }
            if let Some(other) = channels.insert(*value, &entry.code.value) {
                let message = said!(
                    "kênh {value} là của địa bàn \"{other}\" rồi; hai nơi sẽ nghe lẫn nhau",
                    "channel {value} is zone \"{other}\"'s already; each would hear the other"
                );
                let free = (1..u16::MAX).find(|channel| {
                    !channels.contains_key(channel)
                        && !entries.iter().any(|entry| entry.channel.value == *channel)
                });
                let remedy = free.map_or_else(
                    || said!("dùng số còn trống", "use a free one"),
                    |free| said!("kênh {free} còn trống", "channel {free} is free"),
                );
                self.error(place, message, remedy);
            }
            if let Some(parent) = &entry.parent {
                self.parent(&entries, entry, parent);
            }
        }
        self.put_zones(&entries);
    }

    fn parent(&mut self, entries: &[&ZoneEntry], entry: &ZoneEntry, parent: &Placed<String>) {
        let new = entries.iter().map(|entry| entry.code.value.as_str());
        let codes: Vec<_> = new
            .chain(self.known.zones.iter().map(|zone| zone.code.as_str()))
            .collect();
        if !codes.contains(&parent.value.as_str()) {
            let message = said!(
                "địa bàn \"{}\" thuộc \"{}\", mà không có địa bàn đó",
                "zone \"{}\" lies in \"{}\", which is no zone",
                entry.code.value,
                parent.value
            );
            self.error(
                &parent.place,
                message,
                did_you_mean(
                    &parent.value,
                    &codes,
                    said!("khai bằng [[zone]]", "declare it with [[zone]]"),
                ),
            );
            return;
        }
        let above = |code: &str| -> Option<String> {
            match entries.iter().find(|entry| entry.code.value == code) {
                Some(entry) => entry.parent.as_ref().map(|parent| parent.value.clone()),
                None => {
                    let zone = self.known.zones.by_code(code)?;
                    self.known.zones.get(zone.parent?).map(|zone| zone.code.clone())
                }
            }
        };
        let mut chain = vec![entry.code.value.clone()];
        while let Some(next) = above(&chain[chain.len() - 1]) {
            let circle = next == entry.code.value;
            chain.push(next);
            if circle {
                let message = Said {
                    vi: format!(
                        "địa bàn \"{}\" nằm trong chính nó: {}",
                        entry.code.value,
                        chain.join(" trong ")
                    ),
                    en: format!(
                        "zone \"{}\" lies inside itself: {}",
                        entry.code.value,
                        chain.join(" in ")
                    ),
                };
                self.error(
                    &parent.place,
                    message,
                    said!(
                        "bỏ vòng: cho một nơi parent khác, hoặc không có",
                        "break the circle: give one of them another parent, or none"
                    ),
                );
                return;
            }
            if chain[..chain.len() - 1].contains(&chain[chain.len() - 1]) {
                // A circle above, told where it is.
                return;
            }
            if chain.len() > loa_model::DEPTH_MAX + 1 {
                let message = said!(
                    "địa bàn \"{}\" nằm sâu quá {} cấp",
                    "zone \"{}\" is nested deeper than {}",
                    entry.code.value,
                    loa_model::DEPTH_MAX
                );
                self.error(
                    &parent.place,
                    message,
                    said!(
                        "bỏ những cấp không ai phát tới",
                        "leave out levels that nobody speaks to"
                    ),
                );
                return;
            }
        }
    }

    /// Puts each zone after its parent.
    fn put_zones(&mut self, entries: &[&ZoneEntry]) {
        let mut left = entries.to_vec();
        while !left.is_empty() {
            let waits = |entry: &&ZoneEntry| {
                let parent = entry.parent.as_ref().map(|parent| &parent.value);
                left.iter().any(|other| Some(&other.code.value) == parent)
            };
            let (later, ready): (Vec<_>, Vec<_>) = left.iter().copied().partition(waits);
            if ready.is_empty() {
                return;
            }
            self.schedule.zones.extend(ready.into_iter().map(|entry| NewZone {
                code: entry.code.value.clone(),
                name: entry.name.clone(),
                parent: entry.parent.as_ref().map(|parent| parent.value.clone()),
                channel: Channel(entry.channel.value),
                settings: entry.settings.clone(),
            }));
            left = later;
        }
    }
}
