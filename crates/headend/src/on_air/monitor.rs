//! The monitor: listens to what is sent, and raises a fault when something that should sound does not: a recording
//! that failed, a file of silence, a relay all of whose sources are silent, or of which no packet comes. It also tells how
//! loud each zone is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};
use loa_model::{SessionId, ZoneId, samples_to_duration};
use tracing::warn;

use super::{Order, Shared};

/// A packet that went to a zone's group, or would have if it had been there, and the session it belongs to.
pub(super) struct Sounding {
    pub(super) zone: ZoneId,
    pub(super) session: SessionId,
    pub(super) samples: u32,
    pub(super) sent: Sent,
}

/// What went out in the place of a packet.
pub(super) enum Sent {
    /// A packet of what should sound.
    Sound(Arc<[u8]>),
    /// A packet of what may be silent: a studio in which nobody speaks.
    MayBeSilent(Arc<[u8]>),
    /// No packet was there.
    Nothing,
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
    let mut next_levels = Instant::now() + LEVELS;
    loop {
        match inbox.recv_timeout(LOOK) {
            Ok(packet) => {
                let Ok(ear) = Ear::of(&mut zones, &packet) else {
                    continue;
                };
                match ear.hear(&packet, threshold, rule.after) {
                    Some(Heard::Nothing { again, unsent }) => {
                        if !again {
                            warn!(zone = %packet.zone, session = %packet.session, unsent, "dead air");
                            set(shared, packet.zone, true);
                        }
                        let order = Order::DeadAir {
                            session: packet.session,
                            unsent,
                        };
                        if orders.send(order).is_err() {
                            return;
                        }
                    }
                    Some(Heard::Sound) => set(shared, packet.zone, false),
                    None => {}
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // Nothing is on the air any more: nothing is missed.
        let now = Instant::now();
        if next_levels <= now {
            next_levels = now + LEVELS;
            let levels = zones
                .iter_mut()
                .filter_map(|(zone, ear)| Some((*zone, ear.level.take()?)));
            shared.levels.store(Arc::new(levels.collect()));
        }
        let over = zones.extract_if(.., |_, ear| now.duration_since(ear.last) > OVER);
        for (zone, _) in over.filter(|(_, ear)| ear.is_dead()) {
            set(shared, zone, false);
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

/// News of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// Nothing for the time after which air counts as dead, for the first time or once more; `unsent` if there was no
    /// packet in all that time.
    Nothing { again: bool, unsent: bool },
    /// Sound, after the air was dead.
    Sound,
}

/// What is heard of one zone.
struct Ear {
    session: SessionId,
    decoder: OpusDecoder,
    block: Box<[f32; DECODED_SAMPLES_MAX]>,
    /// When a packet of it came last.
    last: Instant,
    /// For how long nothing was heard; and for how long no packet was there.
    silent: Duration,
    unsent: Duration,
    /// How long it was silent when that was told last; zero while it sounds.
    told: Duration,
    level: Level,
}

/// How loud what was sent of late is.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Sum of squares, and of how many samples.
    energy: f32,
    samples: u32,
}

impl Level {
    fn add(&mut self, samples: &[f32], of: u32) {
        self.energy += samples.iter().map(|sample| sample * sample).sum::<f32>();
        self.samples = self.samples.saturating_add(of);
    }

    /// Returns the level since it was taken last, dBFS, and no less than [`FLOOR_DBFS`]; none if no packet was due since.
    fn take(&mut self) -> Option<f32> {
        let Self { energy, samples } = std::mem::take(self);
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand samples")]
        let power = (samples > 0).then(|| energy / samples as f32)?;
        Some((10.0 * power.log10()).max(FLOOR_DBFS))
    }
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
                last: Instant::now(),
                silent: Duration::ZERO,
                unsent: Duration::ZERO,
                told: Duration::ZERO,
                level: Level::default(),
            }),
        };
        if ear.session != packet.session {
            ear.session = packet.session;
            ear.silent = Duration::ZERO;
            ear.unsent = Duration::ZERO;
        }
        ear.last = Instant::now();
        Ok(ear)
    }

    const fn is_dead(&self) -> bool {
        !self.told.is_zero()
    }

    /// Listens to a packet; tells what is new.
    fn hear(&mut self, packet: &Sounding, threshold: f32, after: Duration) -> Option<Heard> {
        let span = samples_to_duration(u64::from(packet.samples));
        let is_heard = match &packet.sent {
            Sent::Sound(opus) => self.loudest(opus, packet.samples) >= threshold,
            Sent::MayBeSilent(opus) => {
                self.loudest(opus, packet.samples);
                true
            }
            Sent::Nothing => {
                self.level.add(&[], packet.samples);
                false
            }
        };
        if let Sent::Nothing = packet.sent {
            self.unsent += span;
        } else {
            self.unsent = Duration::ZERO;
        }
        if is_heard {
            self.silent = Duration::ZERO;
            let was_dead = self.is_dead();
            self.told = Duration::ZERO;
            return was_dead.then_some(Heard::Sound);
        }
        self.silent += span;
        // Another session began: its silence counts from there.
        let told = if self.told > self.silent {
            Duration::ZERO
        } else {
            self.told
        };
        if self.silent < told + after {
            return None;
        }
        let again = self.is_dead();
        self.told = self.silent;
        Some(Heard::Nothing {
            again,
            unsent: self.unsent >= after,
        })
    }

    /// Returns the mean power of the loudest fifth of a packet: a pause that ends in it is no silence.
    fn loudest(&mut self, opus: &[u8], sent: u32) -> f32 {
        let decoded = self.decoder.decode(opus, &mut self.block[..]).unwrap_or(0);
        let samples = &self.block[..decoded];
        self.level.add(samples, sent);
        samples
            .chunks(samples.len().div_ceil(5).max(1))
            .map(|part| {
                #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
                let count = part.len().max(1) as f32;
                part.iter().map(|sample| sample * sample).sum::<f32>() / count
            })
            .fold(0.0, f32::max)
    }
}

/// Packets that wait: some seconds of a province.
const PACKETS_MAX: usize = 8_192;
/// How often it looks for zones of which nothing comes any more, at least.
const LOOK: Duration = Duration::from_secs(1);
/// How often it tells how loud each zone is: longer than any packet is.
const LEVELS: Duration = Duration::from_millis(250);
/// Quieter is silence.
const FLOOR_DBFS: f32 = -90.0;
/// A zone of which no packet came for this long has nothing on its air.
const OVER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use loa_codec::{EncoderSettings, OpusEncoder};

    /// Plays a zone that sounds (s), is silent (q), has a studio in which nobody speaks (o) or sends nothing (.), one letter a second; returns what is told, and
    /// in which second.
    fn play(zone: &str) -> Vec<(u32, Heard)> {
        let mut told = Vec::new();
        heard(zone, &mut told);
        told
    }

    fn heard(zone: &str, told: &mut Vec<(u32, Heard)>) -> BTreeMap<ZoneId, Ear> {
        let settings = EncoderSettings {
            packet_samples: 960,
            ..EncoderSettings::default()
        };
        let mut encoder = OpusEncoder::new(&settings).unwrap();
        let mut zones = BTreeMap::new();
        // 50 packets of 20 ms in each second.
        for (number, letter) in (0..).zip(zone.bytes().flat_map(|letter| [letter; 50])) {
            let loud = if letter == b's' { 0.1 } else { 0.0 };
            let samples: Vec<f32> = (0..960).map(|index| loud * (index as f32 * 0.06).sin()).collect();
            let opus = encoder.encode(&samples).unwrap();
            let sounding = Sounding {
                zone: ZoneId(1),
                session: SessionId(1),
                samples: 960,
                sent: match letter {
                    b'.' => Sent::Nothing,
                    b'o' => Sent::MayBeSilent(opus.into()),
                    _ => Sent::Sound(opus.into()),
                },
            };
            let ear = Ear::of(&mut zones, &sounding).unwrap();
            let news = ear.hear(&sounding, 1e-6, Duration::from_secs(5));
            told.extend(news.map(|news| (number / 50, news)));
        }
        zones
    }

    #[test]
    fn dead_air_is_told_each_five_seconds_and_taken_back_by_sound() {
        let silent = |again| Heard::Nothing { again, unsent: false };
        let unsent = |again| Heard::Nothing { again, unsent: true };
        assert_eq!(play("sssqqqqsss"), [], "a pause of four seconds");
        let expected = [(9, silent(false)), (14, silent(true)), (16, Heard::Sound)];
        assert_eq!(play("ssssqqqqqqqqqqqqss"), expected);
        assert_eq!(play("ss.......ss"), [(6, unsent(false)), (9, Heard::Sound)]);
        assert_eq!(play("qqq..."), [(4, silent(false))], "both are silence");
        assert_eq!(
            play("oooooo...oooooo...oo"),
            [],
            "packets that a studio lacks now and then"
        );
    }

    /// Each row: what is sent for a second, and how loud that is, dBFS. A sine of peak 0.1 has a mean power of 0.005.
    #[test]
    fn the_level_is_that_of_what_is_sent() {
        let rows = [
            ("s", Some(-23.0)),
            ("q", Some(FLOOR_DBFS)),
            ("o", Some(FLOOR_DBFS)),
            (".", Some(FLOOR_DBFS)),
        ];
        for (zone, expected) in rows {
            let mut zones = heard(zone, &mut Vec::new());
            let level = &mut zones.get_mut(&ZoneId(1)).unwrap().level;
            let told = level.take();
            let near = told
                .zip(expected)
                .is_some_and(|(told, expected): (f32, f32)| (told - expected).abs() < 1.0);
            assert!(near, "{zone}: {told:?}, not {expected:?}");
            assert_eq!(level.take(), None, "nothing was sent since");
        }
    }
}
