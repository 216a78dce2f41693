//! Somebody who speaks now: what a microphone sends, levelled, limited and encoded, packet by packet.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::cushion::Cushion;
use crate::leveller::Leveller;
use crate::packets::{LOOK, PacketMaker, Packets, QUEUE, mean_power};

/// How a voice is sent.
#[derive(Clone, Copy, Debug)]
pub struct VoiceSpec {
    /// Loudness that it is brought towards, LUFS.
    pub target_lufs: f64,
    /// Opus bit rate, bit/s.
    pub bitrate: u32,
    /// Samples in each packet.
    pub packet_samples: u32,
}

/// The air's end of a voice. Dropping it ends its thread.
///
/// Nothing is heard of it before its first packet is taken; what was said until then is forgotten, so that a chime may
/// come first. From then on it lags behind the microphone by 120 to 160 ms, most of which lie ready as packets, and so bears
/// what comes up to 80 ms late; whoever is later still makes it lag by more, 380 ms at most.
pub struct Voice {
    shared: Arc<Shared>,
    pre_skip: u32,
    packet_samples: u32,
}

/// The speaker's end of a voice. Dropping it is the end of speech: the voice goes on, silent.
#[derive(Clone)]
pub struct Microphone {
    blocks: SyncSender<Vec<f32>>,
    shared: Arc<Shared>,
}

struct Shared {
    packets: Arc<Packets>,
    stop: AtomicBool,
    /// Samples that came and are in no packet yet.
    held: AtomicUsize,
    /// Blocks for which there was no room, and places for which there was no sound.
    overrun: AtomicU64,
    missing: AtomicU64,
}

impl Voice {
    /// Packets ready at most.
    pub const QUEUE: u32 = QUEUE;

    /// Makes both ends of a voice.
    ///
    /// # Errors
    ///
    /// If the machine cannot start a thread, or libopus refuses the settings.
    pub fn open(spec: &VoiceSpec) -> io::Result<(Microphone, Self)> {
        let (microphone, voice, mut work) = Self::parts(spec, Instant::now())?;
        std::thread::Builder::new().name("voice".into()).spawn(move || {
            while !work.shared.stop.load(Ordering::Relaxed) {
                if !work.turn(Instant::now()) {
                    std::thread::sleep(LOOK);
                }
            }
        })?;
        Ok((microphone, voice))
    }

    fn parts(spec: &VoiceSpec, now: Instant) -> io::Result<(Microphone, Self, Work)> {
        let packets = Packets::new();
        let maker =
            PacketMaker::new(&packets, spec.bitrate, spec.packet_samples).map_err(io::Error::other)?;
        let pre_skip = maker.pre_skip();
        let shared = Arc::new(Shared {
            packets,
            stop: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            overrun: AtomicU64::new(0),
            missing: AtomicU64::new(0),
        });
        let (blocks, inbox) = sync_channel(BLOCKS_MAX);
        let work = Work {
            shared: Arc::clone(&shared),
            inbox,
            held: Cushion::new(HELD_TO_BEGIN, HELD_TO_BEGIN_MAX),
            last_said: now,
            on_air: false,
            leveller: Leveller::new(spec.target_lufs),
            maker,
            frame: vec![0.0; spec.packet_samples as usize],
        };
        let voice = Self {
            shared: Arc::clone(&shared),
            pre_skip,
            packet_samples: spec.packet_samples,
        };
        Ok((Microphone { blocks, shared }, voice, work))
    }

    /// Goes on air: from here on it is heard at full loudness, and nothing of what was said before it was interrupted.
    pub fn begin(&mut self) {
        self.shared.packets.clear();
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

    /// Returns samples in each packet, and by how many the encoder delays.
    pub const fn shape(&self) -> (u32, u32) {
        (self.packet_samples, self.pre_skip)
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.packets.leave();
    }
}

impl Microphone {
    /// Hands over what was said next, mono, 48 kHz. What there is no room for is dropped and counted; never waits.
    pub fn push(&self, block: Vec<f32>) {
        let samples = block.len();
        self.shared.held.fetch_add(samples, Ordering::Relaxed);
        if self.blocks.try_send(block).is_err() {
            self.shared.held.fetch_sub(samples, Ordering::Relaxed);
            self.shared.overrun.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tells whether it is on the air: somebody takes its packets.
    pub fn is_on_air(&self) -> bool {
        self.shared.packets.is_taken()
    }

    /// Tells whether all that was said is in packets that are on their way.
    pub fn is_drained(&self) -> bool {
        self.shared.held.load(Ordering::Relaxed) == 0
    }

    /// Returns how many blocks there was no room for, and for how many packets there was no sound.
    pub fn counts(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.shared.overrun), count(&self.shared.missing))
    }
}

struct Work {
    shared: Arc<Shared>,
    inbox: Receiver<Vec<f32>>,
    held: Cushion,
    last_said: Instant,
    on_air: bool,
    leveller: Leveller,
    maker: PacketMaker,
    frame: Vec<f32>,
}

impl Work {
    /// Takes what came, and makes a packet if one is wanted; tells whether it did.
    fn turn(&mut self, now: Instant) -> bool {
        let on_air = self.maker.look(now);
        let comes_back = on_air && !self.on_air;
        self.on_air = on_air;
        if comes_back {
            self.held.gather();
            if let Err(error) = self.maker.restart() {
                warn!("a voice still holds what was said before: {error}");
            }
        }
        self.listen(on_air, now);
        let packets = &self.shared.packets;
        let is_due = packets.has_room() && (self.held.has(self.frame.len()) || packets.is_low());
        if !on_air || !is_due {
            return false;
        }
        let made = self.packet();
        if let Err(error) = &made {
            warn!("a packet of a voice could not be encoded: {error}");
        }
        made.is_ok()
    }

    /// Takes what was said; before it is on the air only the newest of it, and then no more than it may lag.
    fn listen(&mut self, on_air: bool, now: Instant) {
        while let Ok(block) = self.inbox.try_recv() {
            self.last_said = now;
            // A microphone's clock may be faster than ours: a pause makes up for it.
            let pause = self.held.len() > self.held.enough() && mean_power(&block) < PAUSE_POWER;
            if pause {
                self.forget(block.len());
            } else {
                self.held.push(block);
            }
        }
        let most = if on_air { HELD_MAX } else { self.held.enough() };
        let over = self.held.keep_newest(most);
        self.forget(over);
        // The last words may be less than it takes to begin.
        if now - self.last_said > REST && self.held.len() > 0 {
            self.held.begin();
        }
    }

    fn forget(&self, samples: usize) {
        self.shared.held.fetch_sub(samples, Ordering::Relaxed);
    }

    /// Makes one packet.
    fn packet(&mut self) -> Result<(), loa_codec::OpusError> {
        let count = self.held.read(&mut self.frame);
        if count < self.frame.len() {
            self.shared.missing.fetch_add(1, Ordering::Relaxed);
        }
        self.leveller
            .process(&mut self.frame, self.maker.span().as_secs_f32());
        self.maker.push(&mut self.frame)?;
        self.forget(count);
        Ok(())
    }
}

/// Blocks that wait for the worker: more than it sleeps through, 320 ms of 20 ms each.
const BLOCKS_MAX: usize = 16;
/// Held before it begins, 120 ms; after it ran dry it is twice that, and so on, up to 240 ms. With the queue of packets
/// full, pauses are shortened from here on.
const HELD_TO_BEGIN: usize = 5_760;
const HELD_TO_BEGIN_MAX: usize = 11_520;
/// After this nothing more is on its way.
const REST: Duration = Duration::from_millis(150);
/// What is said waits no longer than this for its packet: 300 ms.
const HELD_MAX: usize = 14_400;
/// -50 dBFS.
const PAUSE_POWER: f32 = 1e-5;

#[cfg(test)]
mod tests {
    use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};

    use super::*;

    const SPEC: VoiceSpec = VoiceSpec {
        target_lufs: -16.0,
        bitrate: 32_000,
        packet_samples: 960,
    };

    /// One second of a tone, in blocks of 20 ms.
    fn tone(hz: f32) -> impl Iterator<Item = Vec<f32>> {
        (0..50).map(move |block| {
            let sample = |index: i32| (block * 960 + index) as f32 / 48_000.0;
            (0..960)
                .map(|index| 0.3 * (sample(index) * hz * std::f32::consts::TAU).sin())
                .collect()
        })
    }

    /// A voice without a thread, and its time.
    struct Bench {
        microphone: Microphone,
        voice: Voice,
        work: Work,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let now = Instant::now();
            let (microphone, voice, work) = Voice::parts(&SPEC, now).unwrap();
            Self {
                microphone,
                voice,
                work,
                now,
            }
        }

        /// Lets 20 ms pass.
        fn pass(&mut self) {
            for _ in 0..4 {
                while self.work.turn(self.now) {}
                self.now += LOOK;
            }
        }

        /// Takes packets, one each 20 ms, and decodes them.
        fn heard(&mut self, packets: usize, mut said: impl FnMut(usize, &Microphone)) -> Vec<f32> {
            let (mut decoder, mut block) = (OpusDecoder::new().unwrap(), vec![0.0; DECODED_SAMPLES_MAX]);
            let mut sound = Vec::new();
            for index in 0..packets {
                said(index, &self.microphone);
                let mut packet = Vec::new();
                if self.voice.next_packet(&mut packet) {
                    let count = decoder.decode(&packet, &mut block).unwrap();
                    sound.extend_from_slice(&block[..count]);
                }
                self.pass();
            }
            sound
        }
    }

    /// Tells of each millisecond whether it is loud.
    fn loud(sound: &[f32]) -> Vec<bool> {
        sound.chunks(48).map(|chunk| mean_power(chunk) > 1e-3).collect()
    }

    fn count(loud: &[bool]) -> usize {
        loud.iter().filter(|loud| **loud).count()
    }

    #[test]
    fn what_is_said_comes_out_and_its_tail_is_not_lost() {
        let mut bench = Bench::new();
        // Said before it is on the air: forgotten but for the last moment.
        for block in tone(3_000.0).take(10) {
            bench.microphone.push(block);
            bench.pass();
        }
        assert!(!bench.microphone.is_on_air());
        let mut said = tone(440.0);
        let sound = bench.heard(80, |_, microphone| {
            said.by_ref().take(1).for_each(|block| microphone.push(block));
        });
        assert!(bench.microphone.is_on_air() && bench.microphone.is_drained());
        let heard = count(&loud(&sound));
        assert!(
            (1_110..1_130).contains(&heard),
            "a second and a moment were said and {heard} ms are heard"
        );
        assert!(
            mean_power(&sound[sound.len() - 4_800..]) < 1e-6,
            "then it is silent"
        );
    }

    /// Tells how often it begins or ends; where a tone fades it may cross the line more than once.
    fn edges(loud: &[bool]) -> usize {
        let pieces: Vec<_> = loud.chunks(5).map(|piece| piece.contains(&true)).collect();
        pieces.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn what_comes_in_lumps_is_heard_in_one_piece() {
        for blocks in 1..=5 {
            let mut bench = Bench::new();
            let mut said = tone(440.0);
            let sound = bench.heard(80, |index, microphone| {
                if index % blocks == blocks - 1 {
                    said.by_ref()
                        .take(blocks)
                        .for_each(|block| microphone.push(block));
                }
            });
            let loud = loud(&sound);
            let heard = count(&loud);
            assert!((990..1_020).contains(&heard), "{heard} ms of a second");
            assert_eq!(edges(&loud), 2, "{blocks} blocks at a time: once on, once over");
        }
    }

    #[test]
    fn what_comes_late_is_heard_late_and_not_in_pieces() {
        let mut bench = Bench::new();
        let mut said = tone(440.0);
        let sound = bench.heard(100, |index, microphone| {
            // The network holds back 200 ms of it.
            let blocks = match index {
                20..30 => 0,
                30 => 11,
                _ => 1,
            };
            said.by_ref()
                .take(blocks)
                .for_each(|block| microphone.push(block));
        });
        let loud = loud(&sound);
        let heard = count(&loud);
        assert!((990..1_020).contains(&heard), "{heard} ms of a second");
        assert_eq!(edges(&loud), 4, "once on, once interrupted, once over");
    }

    #[test]
    fn who_is_heard_again_begins_with_what_is_said_now() {
        let mut bench = Bench::new();
        let mut before = tone(440.0);
        bench.heard(20, |_, microphone| {
            before.by_ref().take(1).for_each(|block| microphone.push(block));
        });
        // Pre-empted: nobody takes its packets, and the microphone stays open.
        for _ in 0..100 {
            bench.microphone.push(vec![0.0; 960]);
            bench.pass();
        }
        bench.voice.begin();
        let sound = bench.heard(20, |_, microphone| microphone.push(vec![0.0; 960]));
        // What the encoder still holds is no word.
        let heard = count(&loud(&sound));
        assert!(heard <= 20, "{heard} ms of old words are heard");
    }

    #[test]
    fn who_is_heard_again_is_as_loud_as_before() {
        let mut bench = Bench::new();
        let say = |bench: &mut Bench, blocks: usize| {
            let mut said = tone(440.0);
            bench.heard(blocks, |_, microphone| {
                said.by_ref().take(1).for_each(|block| microphone.push(block));
            })
        };
        say(&mut bench, 20);
        bench.voice.fade_out();
        say(&mut bench, 20);
        for _ in 0..40 {
            bench.pass();
        }
        bench.voice.begin();
        let again = say(&mut bench, 20);
        let first = again
            .chunks(480)
            .position(|piece| mean_power(piece) > 1e-3)
            .unwrap();
        let power = |from: usize| mean_power(&again[from * 480..(from + 5) * 480]);
        let (soon, later) = (power(first + 2), power(first + 20));
        assert!(soon > 0.7 * later, "{soon} at first, then {later}");
    }

    #[test]
    fn a_flood_is_dropped_and_counted_and_what_is_heard_is_never_old() {
        let mut bench = Bench::new();
        for _ in 0..20 {
            tone(440.0).for_each(|block| bench.microphone.push(block));
        }
        assert_eq!(bench.microphone.counts().0, 1_000 - BLOCKS_MAX as u64);
        let sound = bench.heard(40, |_, _| {});
        let heard = count(&loud(&sound));
        assert!(heard <= 320, "{heard} ms of it");
        assert!(bench.microphone.is_drained());
    }
}
