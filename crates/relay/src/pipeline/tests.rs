//! What a relay sounds like, without a thread of its own or of its sources.

use loa_codec::{EncoderSettings, OpusEncoder};
use loa_model::ContentHash;

use super::*;

/// A relay of two sources that give what the test says, and its time.
struct Bench {
    work: Work,
    packets: u64,
}

impl Bench {
    fn new(fill: Option<EncodedAudio>) -> Self {
        let spec = RelaySpec {
            sources: vec![
                "http://127.0.0.1:1/a".to_owned(),
                "http://127.0.0.1:1/b".to_owned(),
            ],
            fill: fill.map(Arc::new),
            rules: Rules::default(),
            target_lufs: f64::from(TARGET),
            silence_dbfs: -50.0,
            bitrate: 32_000,
            packet_samples: 2_880,
        };
        let (_, work) = Relay::parts(&spec, "bench", &Inputs::default()).unwrap();
        Self { work, packets: 0 }
    }

    fn now(&self) -> MonoTime {
        MonoTime::from_ns(self.packets * 60_000_000)
    }

    /// A source is lost, and another has stood by.
    fn lose(&mut self, lost: usize, next: usize, dbfs: f32) {
        let now = self.now();
        self.work.watch.handle_failure(lost, "lost".to_owned(), now);
        self.work.sources[next].held.push(tone(dbfs, HELD_TO_BEGIN));
    }

    /// Lets a source sound, as loud as that; returns how loud each packet is, dBFS.
    fn play(&mut self, source: usize, dbfs: f32, packets: usize) -> Vec<f32> {
        let one = |_| {
            self.work.sources[source].held.push(tone(dbfs, 2_880));
            let now = self.now();
            let sound = Duration::from_millis(60);
            self.work.watch.handle_audio(source, false, sound, now);
            self.packet()
        };
        (0..packets).map(one).collect()
    }

    /// Makes one packet, and returns how loud it is, dBFS.
    fn packet(&mut self) -> f32 {
        let now = self.now();
        self.packets += 1;
        self.work.decide();
        self.work.packet(now).unwrap();
        10.0 * mean_power(&self.work.frame).log10()
    }
}

fn tone(dbfs: f32, samples: usize) -> Vec<f32> {
    let amplitude = 10f32.powf(dbfs / 20.0) * std::f32::consts::SQRT_2;
    (0..samples)
        .map(|index| amplitude * (index as f32 * 0.05).sin())
        .collect()
}

/// Six seconds in packets of 60 ms.
fn encoded(dbfs: f32) -> EncodedAudio {
    let mut encoder = OpusEncoder::new(&EncoderSettings::default()).unwrap();
    let mut audio = EncodedAudio::new(ContentHash([0; 32]), 2_880, encoder.pre_skip());
    for frame in tone(dbfs, 100 * 2_880).chunks(2_880) {
        audio.push(encoder.encode(frame).unwrap());
    }
    audio
}

/// All but the first of these, over which it is faded, are about as loud as they should be.
fn assert_near_target(levels: &[f32], what: &str) {
    for (packet, level) in levels.iter().enumerate().skip(1) {
        assert!(
            (level - TARGET).abs() < 3.0,
            "{what}: packet {packet} is at {level} dBFS: {levels:.1?}"
        );
    }
}

#[test]
fn what_comes_after_a_quiet_source_is_as_loud_as_it_should_be() {
    let mut bench = Bench::new(None);
    let quiet = bench.play(0, -31.0, 200);
    assert_near_target(&quiet[150..], "a quiet source, turned up");
    bench.lose(0, 1, TARGET);
    assert_near_target(&bench.play(1, TARGET, 40), "the next one");
    bench.lose(1, 0, -31.0);
    assert_near_target(&bench.play(0, -31.0, 40), "the quiet one once more");
}

#[test]
fn the_fill_sounds_as_the_library_has_it() {
    let mut bench = Bench::new(Some(encoded(TARGET)));
    bench.play(0, -31.0, 200);
    let now = bench.now();
    bench.work.watch.handle_failure(0, "lost".to_owned(), now);
    let levels: Vec<f32> = (0..40).map(|_| bench.packet()).collect();
    assert_near_target(&levels, "the fill");
}

/// Each row: what it is, whether it has sounded since it was connected, for how many seconds nothing came, and whether
/// it is connected anew.
#[test]
fn what_sounded_and_is_still_for_too_long_is_connected_anew() {
    let (rtp, http) = ("rtp://127.0.0.1:5004", "http://127.0.0.1:1/a");
    let rows = [
        ("a studio that nobody has spoken from", rtp, false, 600, false),
        ("a studio that is still for a moment", rtp, true, 7, false),
        ("a studio that spoke and is still", rtp, true, 9, true),
        (
            "a server that has said nothing for a moment",
            http,
            false,
            7,
            false,
        ),
        ("a server that says nothing", http, false, 9, true),
        ("a server that says nothing more", http, true, 9, true),
    ];
    for (name, address, has_sounded, still_s, expected) in rows {
        let mut source = Source::new(address, f64::from(TARGET));
        source.has_sounded = has_sounded;
        let now = source.last_news + Duration::from_secs(still_s);
        assert_eq!(source.hangs(now), expected, "{name}");
    }
}

/// ffmpeg gives up a sender of which nothing came in ten seconds.
#[test]
fn what_fails_at_once_is_tried_later_and_later_and_what_was_waited_for_soon() {
    for (waited_s, expected) in [(1, [1, 2, 4, 5, 5]), (10, [1, 1, 1, 1, 1])] {
        let mut source = Source::new("rtp://127.0.0.1:5004", f64::from(TARGET));
        let now = source.last_news + Duration::from_secs(waited_s);
        let waits = [(); 5].map(|()| source.retry(now).as_secs());
        assert_eq!(waits, expected, "each fails after {waited_s} s");
    }
}

const TARGET: f32 = -16.0;
