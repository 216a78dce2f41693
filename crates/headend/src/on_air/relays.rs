//! Relays that are connected: packets of them for the air, news of them for the engine.

use std::collections::BTreeMap;

use loa_model::{Relay, RelayId, Sound};

/// A connected relay, as the air thread sees it. Nothing here waits or touches a file or a socket.
pub trait LivePackets: Send {
    /// Goes on air: full loudness, and nothing older than what comes next.
    fn begin(&mut self);

    /// Appends the next Opus packet; false if there is none yet.
    fn next_packet(&mut self, out: &mut Vec<u8>) -> bool;

    /// Fades to silence within the packets that come next.
    fn fade_out(&mut self);

    /// Returns the next change of what it sounds like.
    fn next_change(&mut self) -> Option<Change>;

    /// Returns how many packets are ready at most: what a fade comes too late for.
    fn queue_packets(&self) -> u32;

    /// Returns samples in each packet, and how many the encoder delays by.
    fn shape(&self) -> (u32, u32);

    /// Tells whether its silence is a fault: a window for a studio is silent while nobody speaks.
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

/// The relays that are connected.
#[derive(Default)]
pub(super) struct Relays {
    open: BTreeMap<RelayId, Box<dyn LivePackets>>,
    /// Relays that were let go before they were connected.
    unwanted: std::collections::BTreeSet<RelayId>,
}

impl Relays {
    pub(super) fn take(&mut self, relay: RelayId, packets: Box<dyn LivePackets>) {
        if !self.unwanted.remove(&relay) {
            self.open.insert(relay, packets);
        }
    }

    pub(super) fn close(&mut self, relay: RelayId) {
        if self.open.remove(&relay).is_none() {
            self.unwanted.insert(relay);
        }
    }

    pub(super) fn get(&mut self, relay: RelayId) -> Option<&mut (dyn LivePackets + 'static)> {
        self.open.get_mut(&relay).map(|packets| &mut **packets)
    }

    /// Returns the next change of any relay.
    pub(super) fn next_change(&mut self) -> Option<(RelayId, Change)> {
        let mut open = self.open.iter_mut();
        open.find_map(|(relay, packets)| Some((*relay, packets.next_change()?)))
    }
}
