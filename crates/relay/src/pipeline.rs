//! A relay: its sources watched, one of them levelled, limited and encoded, packet by packet.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use loa_codec::OpusError;
use loa_model::relay_address::{Address, AddressError};
use loa_model::{EncodedAudio, MonoTime, samples_to_duration};
use tracing::{info, warn};

use crate::cushion::Cushion;
use crate::fetch::{Fetch, News};
use crate::fill::Fill;
use crate::inputs::Inputs;
use crate::leveller::Leveller;
use crate::packets::{LOOK, PacketMaker, Packets, QUEUE, mean_power};
use crate::watch::{On, RelayWatch, Rules, Switch};

/// What to carry.
#[derive(Clone, Debug)]
pub struct RelaySpec {
    /// Where it comes from, best first. One that is no address fails, and the others stay.
    pub sources: Vec<String>,
    /// Sounds, over and over, while no source does.
    pub fill: Option<Arc<EncodedAudio>>,
    /// When a source counts as failed.
    pub rules: Rules,
    /// Loudness that it is brought towards, LUFS.
    pub target_lufs: f64,
    /// Quieter than this is silence, dBFS.
    pub silence_dbfs: f32,
    /// Opus bit rate, bit/s.
    pub bitrate: u32,
    /// Samples in each packet.
    pub packet_samples: u32,
}

/// A change of what a relay sounds like, and when it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The change.
    pub switch: Switch,
    /// When it was decided.
    pub at: Instant,
}

/// A relay that is connected. Dropping it lets go of all its sources.
///
/// Its packets lie in a queue of [`QUEUE`](Self::QUEUE), the newest there are: while nobody takes them, the oldest make
/// room. Taking one never waits.
pub struct Relay {
    shared: Arc<Shared>,
    pre_skip: u32,
    packet_samples: u32,
    worker: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    packets: Arc<Packets>,
    changes: ArrayQueue<Change>,
    stop: AtomicBool,
}

impl Relay {
    /// Packets ready at most.
    pub const QUEUE: u32 = QUEUE;

    /// Connects to all sources, and begins to watch them. Those that only one can open are shared with all relays of the
    /// same `inputs`. `name` stands in the log.
    ///
    /// # Errors
    ///
    /// If the machine cannot start a thread, or libopus refuses the settings.
    pub fn open(spec: &RelaySpec, name: &str, inputs: &Inputs) -> io::Result<Self> {
        let (mut relay, mut work) = Self::parts(spec, name, inputs)?;
        let worker = std::thread::Builder::new()
            .name("relay".into())
            .spawn(move || work.run())?;
        relay.worker = Some(worker);
        Ok(relay)
    }

    /// Makes both ends of a relay; nothing is connected before the worker's end runs.
    fn parts(spec: &RelaySpec, name: &str, inputs: &Inputs) -> io::Result<(Self, Work)> {
        let packets = Packets::new();
        let maker =
            PacketMaker::new(&packets, spec.bitrate, spec.packet_samples).map_err(io::Error::other)?;
        let fill = spec
            .fill
            .clone()
            .map(Fill::new)
            .transpose()
            .map_err(io::Error::other)?;
        let shared = Arc::new(Shared {
            packets,
            changes: ArrayQueue::new(CHANGES_MAX),
            stop: AtomicBool::new(false),
        });
        let began = Instant::now();
        let size = spec.packet_samples as usize;
        let source = |address: &String| Source::new(address, spec.target_lufs);
        let work = Work {
            shared: Arc::clone(&shared),
            name: name.to_owned(),
            watch: RelayWatch::new(spec.sources.len(), spec.rules, MonoTime::default()),
            inputs: inputs.clone(),
            sources: spec.sources.iter().map(source).collect(),
            silence_power: 10f32.powf(spec.silence_dbfs / 10.0),
            maker,
            frame: vec![0.0; size],
            other: vec![0.0; size],
            before: None,
            fill,
            missing: 0,
            began,
        };
        let relay = Self {
            shared,
            pre_skip: work.maker.pre_skip(),
            packet_samples: spec.packet_samples,
            worker: None,
        };
        Ok((relay, work))
    }

    /// Goes on air: from here on it is heard at full loudness.
    pub fn begin(&mut self) {
        self.shared.packets.begin();
    }

    /// Fades to silence within a quarter of a second of the packets that come next, and stays silent.
    pub fn fade_out(&mut self) {
        self.shared.packets.fade_out();
    }

    /// Appends the next packet; false if there is none. Never waits.
    pub fn next_packet(&mut self, out: &mut Vec<u8>) -> bool {
        self.shared.packets.next_packet(out)
    }

    /// Returns the next change of what it sounds like.
    pub fn next_change(&mut self) -> Option<Change> {
        self.shared.changes.pop()
    }

    /// Returns samples in each packet, and by how many the encoder delays.
    pub const fn shape(&self) -> (u32, u32) {
        (self.packet_samples, self.pre_skip)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // The thread looks each few milliseconds; it lets go of the sources by itself, so nobody waits here.
        drop(self.worker.take());
    }
}

/// A source, and what of it is not yet heard.
struct Source {
    address: Result<Address, String>,
    fetch: Option<Fetch>,
    /// Blocks that fetches before this one had no room for.
    lost: u64,
    /// When it was connected, or sound of it came last.
    last_news: Instant,
    /// Sound of it came since it was connected.
    has_sounded: bool,
    /// It was told since then that it is too slow.
    told_slow: bool,
    held: Cushion,
    leveller: Leveller,
    retry_at: Option<Instant>,
    backoff: Duration,
}

impl Source {
    fn new(address: &str, target_lufs: f64) -> Self {
        Self {
            address: address.parse().map_err(|error: AddressError| error.to_string()),
            fetch: None,
            lost: 0,
            last_news: Instant::now(),
            has_sounded: false,
            told_slow: false,
            held: Cushion::new(HELD_TO_BEGIN, HELD_ON_AIR),
            leveller: Leveller::new(target_lufs),
            retry_at: None,
            backoff: BACKOFF_MIN,
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    name: String,
    watch: RelayWatch,
    inputs: Inputs,
    sources: Vec<Source>,
    silence_power: f32,
    maker: PacketMaker,
    frame: Vec<f32>,
    other: Vec<f32>,
    /// What sounded before the switch that is being faded over.
    before: Option<On>,
    fill: Option<Fill>,
    /// Places for which a source that was on had no sound, or not enough.
    missing: u64,
    began: Instant,
}

impl Work {
    fn run(&mut self) {
        let mut next = Instant::now();
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.connect();
            // Faults are judged as of when the queues were looked at: what came since waits in them.
            let now = self.now();
            self.listen(now);
            self.decide();
            let packets = &self.shared.packets;
            let taken = self.maker.look(Instant::now());
            let is_due = if taken {
                packets.has_room() && (self.has_sound() || packets.is_low())
            } else {
                Instant::now() >= next
            };
            if is_due {
                let made = self.packet(now);
                if let Err(error) = &made {
                    warn!(relay = self.name, "a packet could not be encoded: {error}");
                }
                // Never more than a packet behind: what was slept over is not made up for.
                next = (next + self.maker.span()).max(Instant::now());
                if taken && made.is_ok() {
                    continue;
                }
            }
            std::thread::sleep(LOOK);
        }
        let untaken = self.shared.packets.dropped.load(Ordering::Relaxed);
        let lost: u64 = self.sources.iter().map(Source::lost).sum();
        info!(
            relay = self.name,
            untaken,
            missing = self.missing,
            lost,
            "a relay is over"
        );
    }

    fn now(&self) -> MonoTime {
        MonoTime::from_ns(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Connects what is not connected and whose time has come.
    fn connect(&mut self) {
        let now = self.now();
        for (index, source) in self.sources.iter_mut().enumerate() {
            let due = source.retry_at.is_none_or(|at| Instant::now() >= at);
            if source.fetch.is_some() || !due {
                continue;
            }
            let address = match &source.address {
                Ok(address) => address.clone(),
                Err(why) => {
                    warn!(relay = self.name, source = index, "source cannot be used: {why}");
                    source.retry_at = Some(Instant::now() + NEVER);
                    self.watch.handle_failure(index, why.clone(), now);
                    continue;
                }
            };
            match self.inputs.fetch(address) {
                Ok(fetch) => {
                    // What came before it was lost is old by now.
                    source.held.clear();
                    source.last_news = fetch.last_news;
                    source.has_sounded = fetch.has_sounded;
                    source.told_slow = false;
                    source.fetch = Some(fetch);
                }
                Err(error) => {
                    warn!(
                        relay = self.name,
                        source = index,
                        "cannot start a thread: {error}"
                    );
                    source.retry_at = Some(Instant::now() + BACKOFF_MAX);
                }
            }
        }
    }

    /// Takes what came of every source; of those that are not on the air only the newest is kept.
    fn listen(&mut self, now: MonoTime) {
        let on = self.watch.on();
        for index in 0..self.sources.len() {
            let source = &mut self.sources[index];
            let on_air = on == On::Source(index);
            loop {
                // What is on the air is taken at its own pace, and the rest waits in its queue.
                if on_air && source.held.len() >= HELD_ON_AIR {
                    break;
                }
                let Some(fetch) = &source.fetch else { break };
                match fetch.news.try_recv() {
                    Ok(News::Audio(block)) => {
                        let power = mean_power(&block);
                        let sound = samples_to_duration(block.len() as u64);
                        self.watch
                            .handle_audio(index, power < self.silence_power, sound, now);
                        if !on_air {
                            source.leveller.overhear(power, block.len());
                        }
                        source.held.push(block);
                        source.backoff = BACKOFF_MIN;
                        source.last_news = Instant::now();
                        source.has_sounded = true;
                        if !on_air {
                            source.held.keep_newest(HELD_STANDBY);
                        }
                    }
                    Ok(News::Failed(why)) => {
                        let retry_s = source.retry(Instant::now()).as_secs();
                        info!(relay = self.name, source = index, retry_s, "source failed: {why}");
                        self.watch.handle_failure(index, why, now);
                        break;
                    }
                    Err(TryRecvError::Empty) => {
                        if source.hangs(Instant::now()) {
                            let retry_s = source.retry(Instant::now()).as_secs();
                            info!(relay = self.name, source = index, retry_s, "source hangs");
                        }
                        break;
                    }
                    Err(TryRecvError::Disconnected) => {
                        let retry_s = source.retry(Instant::now()).as_secs();
                        warn!(
                            relay = self.name,
                            source = index,
                            retry_s,
                            "a source's thread is gone"
                        );
                        self.watch
                            .handle_failure(index, "its thread is gone".to_owned(), now);
                        break;
                    }
                }
            }
            // Enough is held: a queue that waits is sound that will come.
            if on_air && source.held.len() >= HELD_ON_AIR {
                let silent = mean_power(source.held.samples()) < self.silence_power;
                self.watch.handle_audio(index, silent, Duration::ZERO, now);
            }
        }
        self.watch.handle_timeout(now);
    }

    fn decide(&mut self) {
        while let Some(switch) = self.watch.poll_switch() {
            info!(relay = self.name, on = ?switch.on, failed = ?switch.failed, "relay switches");
            let change = Change {
                switch,
                at: Instant::now(),
            };
            // Nobody looks: the newest is what counts.
            self.shared.changes.force_push(change);
        }
        if let On::Source(source) = self.watch.on()
            && self.watch.is_slow(source)
            && !std::mem::replace(&mut self.sources[source].told_slow, true)
        {
            warn!(
                relay = self.name,
                source, "a source is too slow and sounds in pieces; no other keeps pace"
            );
        }
    }

    /// Tells whether the next packet would be sound from end to end.
    fn has_sound(&self) -> bool {
        match self.watch.on() {
            On::Fill => true,
            On::Source(source) => self.sources[source].held.has(self.frame.len()),
        }
    }

    /// Makes one packet.
    fn packet(&mut self, now: MonoTime) -> Result<(), OpusError> {
        let on = self.watch.on();
        let mut frame = std::mem::take(&mut self.frame);
        let sounds = self.sound(on, &mut frame);
        if let On::Source(source) = on {
            let (sound, due) = (samples_to_duration(sounds as u64), self.maker.span());
            self.watch.handle_packet(source, sound, due, now);
        }
        // A switch is faded over in one packet.
        if let Some(before) = self.before.replace(on).filter(|before| *before != on) {
            let mut other = std::mem::take(&mut self.other);
            self.sound(before, &mut other);
            cross_fade(&other, &mut frame);
            self.other = other;
        }
        let made = self.maker.push(&mut frame);
        self.frame = frame;
        made
    }

    /// Fills a frame with what something sounds like, each source at its own gain; returns how many samples of it are
    /// sound. The library has levelled the fill.
    fn sound(&mut self, on: On, frame: &mut [f32]) -> usize {
        match on {
            On::Fill => {
                match &mut self.fill {
                    Some(fill) => fill.read(frame),
                    None => frame.fill(0.0),
                }
                frame.len()
            }
            On::Source(source) => {
                let source = &mut self.sources[source];
                let sounds = source.held.read(frame);
                if sounds < frame.len() {
                    self.missing += 1;
                }
                source.leveller.process(frame, self.maker.span().as_secs_f32());
                sounds
            }
        }
    }
}

impl Source {
    /// Tells whether it is connected and has said nothing for too long.
    ///
    /// A sender of RTP may let us wait for its speaker, but one that sounded and is still may have begun anew: ffmpeg takes
    /// what a new sender numbers lower for packets that come too late, for up to eleven minutes.
    fn hangs(&self, now: Instant) -> bool {
        let waits = matches!(self.address, Ok(Address::Rtp { .. })) && !self.has_sounded;
        !waits && now.saturating_duration_since(self.last_news) > HANGS_AFTER
    }

    /// Returns how many blocks came of it when its queue was full.
    fn lost(&self) -> u64 {
        self.lost + self.fetch.as_ref().map_or(0, Fetch::lost)
    }

    /// Lets go of it, to try again later and later; but soon if it was waited for longer than that. Other relays may go on
    /// hearing it.
    fn retry(&mut self, now: Instant) -> Duration {
        self.lost = self.lost();
        self.fetch = None;
        if now.saturating_duration_since(self.last_news) > BACKOFF_MAX {
            self.backoff = BACKOFF_MIN;
        }
        let wait = self.backoff;
        self.retry_at = Some(now + wait);
        self.backoff = (wait * 2).min(BACKOFF_MAX);
        wait
    }
}

/// Fades from `before` to what `frame` holds, with equal power.
fn cross_fade(before: &[f32], frame: &mut [f32]) {
    #[expect(clippy::cast_precision_loss, reason = "a packet of a few thousand samples")]
    let length = frame.len() as f32;
    for (index, (sample, before)) in frame.iter_mut().zip(before).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a packet of a few thousand samples")]
        let phase = index as f32 / length * std::f32::consts::FRAC_PI_2;
        *sample = before * phase.cos() + *sample * phase.sin();
    }
}

/// Changes that wait for somebody to look; each packet he does.
const CHANGES_MAX: usize = 16;
/// Held of what is on the air, beside its queue: 300 ms.
const HELD_ON_AIR: usize = 14_400;
/// Held of what is not: what is heard of it first is at most this old, 400 ms.
const HELD_STANDBY: usize = 19_200;
/// Held before a source is heard, 120 ms; more of one that ran dry.
const HELD_TO_BEGIN: usize = 5_760;
/// A source that is connected and says nothing for this long is connected anew: longer than any patience of its own.
const HANGS_AFTER: Duration = Duration::from_secs(8);
/// Longer than any relay lasts.
const NEVER: Duration = Duration::from_secs(7 * 86_400);
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
