//! Taps: what is sent to each zone, for those who listen in. A slow listener loses packets, the air none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use loa_model::{WallTime, ZoneId};
use tokio::sync::broadcast;

/// One Opus packet as it went to a zone's group.
#[derive(Clone, Debug)]
pub struct TappedPacket {
    /// The Opus packet.
    pub opus: Arc<[u8]>,
    /// Samples at 48 kHz in it.
    pub samples: u32,
    /// Media time of its first sample.
    pub at: WallTime,
}

/// One bounded tap for each zone that somebody listens to.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    zones: Arc<Mutex<BTreeMap<ZoneId, broadcast::Sender<TappedPacket>>>>,
}

impl Taps {
    /// Begins to listen to what is sent to one zone's group.
    pub fn listen(&self, zone: ZoneId) -> broadcast::Receiver<TappedPacket> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.retain(|_, tap| tap.receiver_count() > 0);
        zones
            .entry(zone)
            .or_insert_with(|| broadcast::channel(TAP_PACKETS_MAX).0)
            .subscribe()
    }

    /// Offers a packet to whoever listens.
    ///
    /// The air thread does not wait: while somebody begins to listen, the packet is not tapped.
    pub(super) fn offer(&self, zone: ZoneId, opus: &[u8], samples: u32, at: WallTime) {
        let Ok(zones) = self.zones.try_lock() else { return };
        if let Some(tap) = zones.get(&zone).filter(|tap| tap.receiver_count() > 0) {
            // An error means that the last listener left between the two lines.
            let _ = tap.send(TappedPacket {
                opus: opus.into(),
                samples,
                at,
            });
        }
    }
}

/// Packets a listener may lag behind: about 4 s of 60 ms packets.
const TAP_PACKETS_MAX: usize = 64;
