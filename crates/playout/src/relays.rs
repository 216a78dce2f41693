//! Relays: connected before they are due, let go when nobody needs them.

use std::collections::BTreeMap;

use loa_model::{Content, EndReason, Origin, Relay, RelayId, Sound, WallTime};

use crate::action::Action;
use crate::engine::Engine;
use crate::settings::RELAY_AHEAD;

/// The relays that are connected, by what needs them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relays {
    opened: u32,
    open: BTreeMap<Origin, (RelayId, Sound)>,
}

impl Engine {
    /// Takes note that a relay sounds like something else: a source by its number, or its fill.
    ///
    /// `failed` says what was wrong with what it sounded like before; none if something better came back. The as-run
    /// log tells when it was decided; receivers hear it a queue and a playout delay later.
    pub fn handle_relay(&mut self, relay: RelayId, sound: Sound, failed: Option<String>, now: WallTime) {
        self.advance(now);
        let reason = failed.map_or(EndReason::SourceBack, |what| EndReason::SourceFailed { what });
        let known = self.relays.open.values_mut().find(|(open, _)| *open == relay);
        let Some((_, now_sounds)) = known else { return };
        *now_sounds = sound.clone();
        let Self {
            sessions, outputs, ..
        } = self;
        let mut carrying = sessions
            .values_mut()
            .filter(|session| session.relay.as_ref().is_some_and(|(own, _)| *own == relay));
        if let Some(session) = carrying.next() {
            session.change_source(sound, now, reason, &mut |event| {
                outputs.push_back(Action::AsRun(event));
            });
        }
    }

    /// Connects what is due soon.
    pub(crate) fn open_relays(&mut self, now: WallTime) {
        let soon: Vec<_> = self
            .sheets
            .relays_by(now + RELAY_AHEAD + self.settings.ahead)
            .map(|(occurrence, relay, title)| (occurrence, relay.clone(), title.to_owned()))
            .collect();
        for (occurrence, relay, title) in soon {
            self.open_relay(&Origin::Slot(occurrence), &relay, &title);
        }
    }

    /// Connects a relay, unless it is; returns it and what it sounds like.
    ///
    /// One without a fill of its own has the station's. A window for a studio stays free while nobody speaks.
    pub(crate) fn open_relay(&mut self, origin: &Origin, spec: &Relay, title: &str) -> (RelayId, Sound) {
        if let Some(open) = self.relays.open.get(origin) {
            return open.clone();
        }
        self.relays.opened += 1;
        let relay = RelayId(self.relays.opened);
        let of_station = self.settings.fill.filter(|_| !spec.studio);
        let fill = spec.fill.or(of_station.map(|fill| fill.media));
        let open = (relay, Sound::Fill(fill));
        self.relays.open.insert(origin.clone(), open.clone());
        self.outputs.push_back(Action::OpenRelay {
            relay,
            spec: Relay { fill, ..spec.clone() },
            title: title.to_owned(),
        });
        open
    }

    /// Lets go of what nobody needs.
    pub(crate) fn close_relays(&mut self) {
        let Self {
            sessions,
            sheets,
            relays,
            outputs,
            ..
        } = self;
        relays.open.retain(|origin, (relay, _)| {
            let carried = sessions
                .values()
                .any(|session| matches!(session.content, Content::Relay(_)) && session.origin == *origin);
            let upcoming = matches!(origin, Origin::Slot(occurrence) if sheets.is_upcoming(*occurrence));
            let needed = carried || upcoming;
            if !needed {
                outputs.push_back(Action::CloseRelay { relay: *relay });
            }
            needed
        });
    }
}
