//! The monitor: listens to what is sent, and raises a fault when something that should sound does not.
//!
//! Relays watch their own sources; this is for what comes out of the library: a recording that failed, a file of silence.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};
use loa_model::{SessionId, ZoneId, samples_to_duration};
use tracing::warn;

use super::{Order, Shared};

/// A packet that went to a zone's group, and the session it belongs to.
pub(super) struct Sounding {
    pub(super) zone: ZoneId,
    pub(super) session: SessionId,
    pub(super) samples: u32,
    pub(super) opus: Arc<[u8]>,
}

/// When what is on the air counts as dead.
#[derive(Clone, Copy, Debug)]
pub struct DeadAir {
    /// Quieter than this, dBFS.
    pub level_dbfs: f32,
    /// For this long.
    pub after: Duration,
}

/// Starts the thread; it ends when the air thread does.
pub(super) fn start(
    rule: DeadAir,
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
) -> std::io::Result<SyncSender<Sounding>> {
    let (sender, inbox) = sync_channel(PACKETS_MAX);
    std::thread::Builder::new()
        .name("monitor".into())
        .spawn(move || listen(rule, &inbox, &shared, &orders))?;
    Ok(sender)
}

fn listen(rule: DeadAir, inbox: &Receiver<Sounding>, shared: &Shared, orders: &SyncSender<Order>) {
    let mut zones: BTreeMap<ZoneId, Ear> = BTreeMap::new();
    let threshold = 10f32.powf(rule.level_dbfs / 10.0);
    for packet in inbox {
        let Ok(ear) = Ear::of(&mut zones, &packet) else {
            continue;
        };
        let dead = ear.hear(&packet, threshold, rule.after);
        let told = ear.told;
        if dead && !told {
            ear.told = true;
            warn!(zone = %packet.zone, session = %packet.session, "dead air");
            set(shared, packet.zone, true);
            let order = Order::DeadAir {
                session: packet.session,
            };
            if orders.send(order).is_err() {
                return;
            }
        } else if !dead && told {
            ear.told = false;
            set(shared, packet.zone, false);
        }
    }
}

fn set(shared: &Shared, zone: ZoneId, is_dead: bool) {
    shared.dead_air.rcu(|zones| {
        let mut zones = std::collections::BTreeSet::clone(zones);
        if is_dead {
            zones.insert(zone);
        } else {
            zones.remove(&zone);
        }
        zones
    });
}

/// What is heard of one zone.
struct Ear {
    session: SessionId,
    decoder: OpusDecoder,
    block: Box<[f32; DECODED_SAMPLES_MAX]>,
    silent: Duration,
    told: bool,
}

impl Ear {
    /// Finds the ear of a packet's zone; what is another session is listened to anew.
    fn of<'a>(
        zones: &'a mut BTreeMap<ZoneId, Self>,
        packet: &Sounding,
    ) -> Result<&'a mut Self, loa_codec::OpusError> {
        let ear = match zones.entry(packet.zone) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(Self {
                session: packet.session,
                decoder: OpusDecoder::new()?,
                block: Box::new([0.0; DECODED_SAMPLES_MAX]),
                silent: Duration::ZERO,
                told: false,
            }),
        };
        if ear.session != packet.session {
            ear.session = packet.session;
            ear.silent = Duration::ZERO;
        }
        Ok(ear)
    }

    /// Listens to a packet; tells whether nothing was heard for too long.
    fn hear(&mut self, packet: &Sounding, threshold: f32, after: Duration) -> bool {
        let decoded = self
            .decoder
            .decode(&packet.opus, &mut self.block[..])
            .unwrap_or(0);
        let samples = &self.block[..decoded];
        // The loudest fifth of it: a pause that ends in a packet is no silence.
        let loudest = samples
            .chunks(samples.len().div_ceil(5).max(1))
            .map(|part| {
                #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
                let count = part.len().max(1) as f32;
                part.iter().map(|sample| sample * sample).sum::<f32>() / count
            })
            .fold(0.0, f32::max);
        if loudest < threshold {
            self.silent += samples_to_duration(u64::from(packet.samples));
        } else {
            self.silent = Duration::ZERO;
        }
        self.silent >= after
    }
}

/// Packets that wait: some seconds of a province.
const PACKETS_MAX: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;
    use loa_codec::{EncoderSettings, OpusEncoder};

    /// Seconds after which dead air is told of a zone that sounds, is silent, and sounds again; each lasts as given.
    #[test]
    fn silence_is_told_once_after_its_time_and_taken_back_by_sound() {
        let mut encoder = OpusEncoder::new(&EncoderSettings::default()).unwrap();
        let mut zones = BTreeMap::new();
        let mut told = Vec::new();
        for packet in 0..400_u32 {
            let seconds = f64::from(packet) * 0.06;
            let is_silent = (4.0..12.0).contains(&seconds);
            let tone = |index: u32| {
                if is_silent {
                    0.0
                } else {
                    0.1 * (index as f32 * 0.06).sin()
                }
            };
            let samples: Vec<f32> = (0..2_880).map(tone).collect();
            let sounding = Sounding {
                zone: ZoneId(1),
                session: SessionId(1),
                samples: 2_880,
                opus: encoder.encode(&samples).unwrap().into(),
            };
            let ear = Ear::of(&mut zones, &sounding).unwrap();
            let dead = ear.hear(&sounding, 1e-6, Duration::from_secs(5));
            if dead != ear.told {
                ear.told = dead;
                told.push((seconds * 10.0).round() / 10.0);
            }
        }
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            (9.0..9.3).contains(&told[0]) && (12.0..12.2).contains(&told[1]),
            "{told:?}"
        );
    }
}
