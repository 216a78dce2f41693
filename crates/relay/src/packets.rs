//! From levelled samples to packets that lie ready: faded, limited, encoded. Shared by relays and voices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use loa_codec::{EncoderSettings, OpusEncoder, OpusError, Tuning};
use loa_dsp::Limiter;

/// The air's end: the newest packets there are, [`QUEUE`] at most. Taking one never waits.
pub(crate) struct Packets {
    ready: ArrayQueue<Packet>,
    /// How often a packet was asked for.
    asked: AtomicU64,
    /// Packets are taken: more are made when there is room, and not by the clock.
    taken: AtomicBool,
    fading: AtomicBool,
    /// Packets that nobody took.
    pub(crate) dropped: AtomicU64,
}

/// One Opus packet, where it lies: the air thread allocates nothing.
struct Packet {
    length: usize,
    bytes: [u8; PACKET_BYTES_MAX],
}

impl Packets {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            ready: ArrayQueue::new(QUEUE as usize),
            asked: AtomicU64::new(0),
            taken: AtomicBool::new(false),
            fading: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        })
    }

    /// Forgets what lies ready.
    pub(crate) fn clear(&self) {
        for _ in 0..QUEUE {
            self.ready.pop();
        }
    }

    /// Goes on air: from here on it is heard at full loudness.
    pub(crate) fn begin(&self) {
        self.fading.store(false, Ordering::Relaxed);
    }

    /// Fades to silence within a quarter of a second of the packets that come next, and stays silent.
    pub(crate) fn fade_out(&self) {
        self.fading.store(true, Ordering::Relaxed);
    }

    /// Appends the next packet; false if there is none.
    pub(crate) fn next_packet(&self, out: &mut Vec<u8>) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.taken.store(true, Ordering::Relaxed);
        let packet = self.ready.pop();
        if let Some(packet) = &packet {
            out.extend_from_slice(&packet.bytes[..packet.length]);
        }
        packet.is_some()
    }

    /// Tells whether packets are taken, as far as anybody has looked.
    pub(crate) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// Nobody takes packets any more.
    pub(crate) fn leave(&self) {
        self.taken.store(false, Ordering::Relaxed);
    }

    pub(crate) fn has_room(&self) -> bool {
        self.ready.len() < QUEUE as usize
    }

    /// Tells whether a packet must be made now, of whatever there is: until then what is late may still come.
    pub(crate) fn is_low(&self) -> bool {
        self.ready.len() <= LOW
    }
}

/// The worker's end.
pub(crate) struct PacketMaker {
    packets: Arc<Packets>,
    limiter: Limiter,
    gain: f32,
    encoder: OpusEncoder,
    span: Duration,
    /// How often a packet had been asked for at the last look, and when that had last grown.
    asked: (u64, Instant),
}

impl PacketMaker {
    /// Begins with nothing made.
    pub(crate) fn new(packets: &Arc<Packets>, bitrate: u32, packet_samples: u32) -> Result<Self, OpusError> {
        let settings = EncoderSettings {
            bitrate,
            tuning: Tuning::Speech,
            packet_samples,
        };
        Ok(Self {
            packets: Arc::clone(packets),
            limiter: Limiter::for_speech(CEILING_DBTP),
            gain: 1.0,
            encoder: OpusEncoder::new(&settings)?,
            span: Duration::from_nanos(u64::from(packet_samples) * 1_000_000_000 / 48_000),
            asked: (0, Instant::now()),
        })
    }

    /// Looks whether packets are taken: one was in the last half second.
    pub(crate) fn look(&mut self, now: Instant) -> bool {
        let asked = self.packets.asked.load(Ordering::Relaxed);
        if asked != self.asked.0 {
            self.asked = (asked, now);
        } else if now - self.asked.1 > IDLE {
            self.packets.leave();
        }
        self.packets.is_taken()
    }

    /// How long one packet sounds.
    pub(crate) const fn span(&self) -> Duration {
        self.span
    }

    pub(crate) fn pre_skip(&self) -> u32 {
        self.encoder.pre_skip()
    }

    /// Forgets the sound of before: nothing of it rings on in the packets that come next, nor does its fade.
    pub(crate) fn restart(&mut self) -> Result<(), OpusError> {
        self.gain = 1.0;
        self.limiter = Limiter::for_speech(CEILING_DBTP);
        self.encoder.restart()
    }

    /// Makes one packet of a frame. While nobody takes packets, the oldest makes room.
    pub(crate) fn push(&mut self, frame: &mut [f32]) -> Result<(), OpusError> {
        let target = if self.packets.fading.load(Ordering::Relaxed) {
            0.0
        } else {
            1.0
        };
        for sample in &mut *frame {
            let distance: f32 = target - self.gain;
            self.gain += distance.clamp(-FADE_STEP, FADE_STEP);
            *sample *= self.gain;
        }
        self.limiter.process(frame);
        let encoded = self.encoder.encode(frame)?;
        let mut packet = Packet {
            length: encoded.len().min(PACKET_BYTES_MAX),
            bytes: [0; PACKET_BYTES_MAX],
        };
        packet.bytes[..packet.length].copy_from_slice(&encoded[..packet.length]);
        if self.packets.ready.force_push(packet).is_some() {
            self.packets.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

pub(crate) fn mean_power(samples: &[f32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a block of a few thousand samples")]
    let count = samples.len().max(1) as f32;
    samples.iter().map(|sample| sample * sample).sum::<f32>() / count
}

/// Takes the click out of sound that breaks off.
pub(crate) fn soften_end(samples: &mut [f32]) {
    let from = samples.len().saturating_sub(SOFT_END);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
    let length = (samples.len() - from).max(1) as f32;
    for (index, sample) in samples[from..].iter_mut().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
        let left = 1.0 - index as f32 / length;
        *sample *= left;
    }
}

/// Packets ready at most.
pub(crate) const QUEUE: u32 = 4;
/// Packets ready at least: a worker that looks around late is not heard.
const LOW: usize = 1;
/// The worker looks around this often.
pub(crate) const LOOK: Duration = Duration::from_millis(5);
/// Packets that nobody took for this long are made by the clock again.
const IDLE: Duration = Duration::from_millis(500);
/// Largest packet that libopus makes at the rates in use (RFC 6716 §3.4 allows 1,275 bytes a frame).
const PACKET_BYTES_MAX: usize = 1_275;
/// A fade takes 240 ms: this much a sample.
const FADE_STEP: f32 = 1.0 / 11_520.0;
/// 5 ms.
const SOFT_END: usize = 240;
const CEILING_DBTP: f64 = -1.5;
