//! What comes live: packets of relays and voices for the air, news of relays for the engine.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{Relay, RelayId, SessionId, Sound};

/// A relay or a voice, as the air thread sees it. Nothing here waits or touches a file or a socket.
pub trait LivePackets: Send {
    /// Goes on air: full loudness, and nothing older than what comes next.
    fn begin(&mut self);

    /// Appends the next Opus packet; false if there is none yet.
    fn next_packet(&mut self, out: &mut Vec<u8>) -> bool;

    /// Fades to silence within the packets that come next.
    fn fade_out(&mut self);

    /// Returns the next change of what it sounds like; a voice never changes.
    fn next_change(&mut self) -> Option<Change> {
        None
    }

    /// Returns how many packets are ready at most: what a fade comes too late for.
    fn queue_packets(&self) -> u32;

    /// Returns samples in each packet, and how many the encoder delays by.
    fn shape(&self) -> (u32, u32);

    /// Tells whether its silence is a fault: a window for a studio is silent while nobody speaks, and so is a voice.
    fn should_sound(&self) -> bool;
}

/// A change of what a relay sounds like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it sounds like from here on.
    pub sound: Sound,
    /// What was wrong with what it sounded like before; none if something better came back.
    pub failed: Option<String>,
}

/// Connects relays, for the loader: it may take its time.
pub type OpenRelay = Box<dyn Fn(&Relay, &str) -> anyhow::Result<Box<dyn LivePackets>> + Send>;

/// What comes live and is connected: relays, and people who speak.
#[derive(Default)]
pub(super) struct LiveFeeds {
    relays: BTreeMap<RelayId, Box<dyn LivePackets>>,
    /// Relays that were let go before they were connected.
    unwanted: BTreeSet<RelayId>,
    voices: BTreeMap<SessionId, Box<dyn LivePackets>>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiveFeed {
    /// A relay.
    Relay(RelayId),
    /// Whoever speaks in a session.
    Voice(SessionId),
}

impl LiveFeeds {
    pub(super) fn take_relay(&mut self, relay: RelayId, packets: Box<dyn LivePackets>) {
        if !self.unwanted.remove(&relay) {
            self.relays.insert(relay, packets);
        }
    }

    pub(super) fn close_relay(&mut self, relay: RelayId) {
        if self.relays.remove(&relay).is_none() {
            self.unwanted.insert(relay);
        }
    }

    pub(super) fn take_voice(&mut self, session: SessionId, packets: Box<dyn LivePackets>) {
        self.voices.insert(session, packets);
    }

    pub(super) fn close_voice(&mut self, session: SessionId) {
        self.voices.remove(&session);
    }

    pub(super) fn get(&mut self, feed: LiveFeed) -> Option<&mut (dyn LivePackets + 'static)> {
        let packets = match feed {
            LiveFeed::Relay(relay) => self.relays.get_mut(&relay),
            LiveFeed::Voice(session) => self.voices.get_mut(&session),
        };
        packets.map(|packets| &mut **packets)
    }

    /// Returns the next change of any relay.
    pub(super) fn next_change(&mut self) -> Option<(RelayId, Change)> {
        let mut relays = self.relays.iter_mut();
        relays.find_map(|(relay, packets)| Some((*relay, packets.next_change()?)))
    }
}
