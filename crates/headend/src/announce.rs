//! How plain players find the zones: session descriptions, on demand and announced (RFC 2974).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loa_model::{Channel, Zone};
use loa_net::{MulticastSender, SendDrop};
use loa_wire::{Addressing, SAP_GROUP, SAP_PORT, SapMessage, SdpDescription, write_sap, write_sdp};
use tracing::warn;

use crate::on_air::OpenSender;
use crate::planner::Planned;

/// Describes the streams of an installation's zones.
#[derive(Clone, Copy, Debug)]
pub struct Describer {
    /// The installation's groups.
    pub addressing: Addressing,
    /// Address of the head-end.
    pub origin: Ipv4Addr,
    /// Routers a datagram may cross.
    pub ttl: u8,
    /// Number of this run.
    pub epoch: u32,
}

impl Describer {
    /// Returns the session description of a zone's stream.
    pub fn sdp(&self, zone: &Zone) -> String {
        write_sdp(&SdpDescription {
            name: &zone.name,
            id: u32::from(zone.channel.0) + 1,
            version: u64::from(self.epoch),
            origin: self.origin,
            to: self.addressing.rtp(zone.channel),
            ttl: self.ttl,
            ptime_ms: PTIME_MS,
        })
    }

    fn sap(&self, out: &mut Vec<u8>, zone: &Zone, delete: bool) {
        let id = message_id(zone.channel, self.epoch);
        write_sap(
            out,
            &SapMessage {
                delete,
                id,
                origin: self.origin,
                sdp: &self.sdp(zone),
            },
        );
    }
}

/// Starts the announcer; it takes all announcements back and ends soon after `stop` is set.
///
/// When a round could not be sent, the next goes by a new sender from `open`.
///
/// # Errors
///
/// If the machine cannot start another thread.
pub fn start(
    describer: Describer,
    mut sender: MulticastSender,
    open: OpenSender,
    planned: Arc<Planned>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("announcer".into())
        .spawn(move || {
            let (mut failing, mut broken) = (false, false);
            let mut out = Vec::new();
            let mut send = |delete: bool| {
                if std::mem::take(&mut broken)
                    && let Ok(anew) = open()
                {
                    sender = anew;
                }
                for zone in planned.zones.load().iter() {
                    describer.sap(&mut out, zone, delete);
                    let sent = sender.send(SocketAddrV4::new(SAP_GROUP, SAP_PORT), &out);
                    broken |= sent.is_err_and(SendDrop::wants_new_sender);
                    let sent = sent.is_ok();
                    if !sent && !std::mem::replace(&mut failing, true) {
                        warn!(
                            "streams cannot be announced by SAP; receivers do not need it, plain players do"
                        );
                    }
                    failing &= !sent;
                }
            };
            let mut next = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    next = Instant::now() + PERIOD;
                    send(false);
                }
                std::thread::sleep(LOOK);
            }
            send(true);
        })
}

/// Changes with every version of the description, and is not zero (RFC 2974 §5).
fn message_id(channel: Channel, epoch: u32) -> u16 {
    let epoch = u16::try_from(epoch % 65_536).unwrap_or(0);
    channel.0.wrapping_mul(31).wrapping_add(epoch).max(1)
}

/// Programmes are sent in packets of 60 ms.
const PTIME_MS: u32 = 60;
const PERIOD: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);
