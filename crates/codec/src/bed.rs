//! Something quiet beneath a programme: music that goes on while somebody speaks.

use std::f32::consts::PI;

use loa_model::EncodedAudio;

use crate::opus_packet::OpusError;
use crate::rerender::{decode, rerendered, signed};

/// What sounds beneath, laid along the packet at which rendering begins.
#[derive(Clone, Copy, Debug)]
pub struct Bed<'a> {
    /// The piece.
    pub audio: &'a EncodedAudio,
    /// Which sample that its decoder gives out is heard with the first sample of that packet.
    pub at: i64,
    /// Where it begins to rise, samples after the first of that packet; negative if before.
    pub begins: i64,
    /// Where it has sunk to nothing, counted alike.
    pub ends: i64,
}

/// Renders what to send in place of `audio`'s packets from index `from` on, `count` of them or as many as there are:
/// the same sound with a bed [`BED_DB`] quieter than it was made.
///
/// Stretches that follow on from each other sound as one.
///
/// # Errors
///
/// If either does not decode or libopus fails; sending the packets as they are is the way then.
pub fn with_bed(
    audio: &EncodedAudio,
    from: usize,
    count: usize,
    bed: &Bed<'_>,
) -> Result<EncodedAudio, OpusError> {
    rerendered(audio, from, count, |samples, heard_from| {
        let beneath = Decoded::new(bed.audio, bed.at + heard_from, samples.len())?;
        let gain = 10.0_f32.powf(BED_DB / 20.0);
        for (index, sample) in samples.iter_mut().enumerate() {
            let heard = heard_from + signed(index);
            let shape = rise(heard - bed.begins) * rise(bed.ends - heard);
            *sample += gain * shape * beneath.sample(index);
        }
        Ok(())
    })
}

/// A stretch of what a piece's decoder gives out; silent before its beginning and after its end.
struct Decoded {
    samples: Vec<f32>,
    /// Where the stretch begins in `samples`.
    offset: i64,
}

impl Decoded {
    fn new(audio: &EncodedAudio, from: i64, length: usize) -> Result<Self, OpusError> {
        let size = signed(audio.packet_samples as usize).max(1);
        let first = from.max(0) / size;
        let count = (from + signed(length) - first * size).max(0) / size + 1;
        let (first_packet, count) = (usize::try_from(first), usize::try_from(count));
        let samples = decode(audio, first_packet.unwrap_or(usize::MAX), count.unwrap_or(0))?;
        let offset = from - first * size;
        Ok(Self { samples, offset })
    }

    fn sample(&self, index: usize) -> f32 {
        usize::try_from(self.offset + signed(index))
            .ok()
            .and_then(|index| self.samples.get(index).copied())
            .unwrap_or(0.0)
    }
}

/// Returns how far a ramp has risen that many samples after its beginning, 0 to 1.
fn rise(samples: i64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "bounded by the ramp's length")]
    let along = samples.clamp(0, RAMP_SAMPLES) as f32 / RAMP_SAMPLES as f32;
    0.5 - 0.5 * (PI * along).cos()
}

/// How much quieter the bed is. Both were brought to one loudness at import with peaks of at most -1.5 dBTP, so the
/// sum of the two stays below full scale: 0.841 + 0.841 · 0.178 = 0.991.
pub const BED_DB: f32 = -15.0;
/// Half a second up, and down.
const RAMP_SAMPLES: i64 = 24_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opus_packet::{DECODED_SAMPLES_MAX, EncoderSettings, OpusDecoder, OpusEncoder, Tuning};
    use loa_model::ContentHash;

    const SIZE: usize = 2_880;

    fn sine(hz: f32, packets: usize) -> EncodedAudio {
        let settings = EncoderSettings {
            packet_samples: 2_880,
            bitrate: 64_000,
            tuning: Tuning::Music,
        };
        let mut encoder = OpusEncoder::new(&settings).unwrap();
        let mut audio = EncodedAudio::new(ContentHash([1; 32]), 2_880, encoder.pre_skip());
        for packet in 0..packets {
            let sample = |i| {
                let at = (packet * SIZE + i) as f32 / 48_000.0;
                0.4 * (std::f32::consts::TAU * hz * at).sin()
            };
            audio.push(
                encoder
                    .encode(&(0..SIZE).map(sample).collect::<Vec<_>>())
                    .unwrap(),
            );
        }
        audio.samples = (packets * SIZE) as u64 - u64::from(audio.pre_skip);
        audio
    }

    fn heard<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<f32> {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        packets
            .flat_map(|packet| {
                let length = decoder.decode(packet, &mut block).unwrap();
                block[..length].to_vec()
            })
            .collect()
    }

    /// Returns how much of a sine of `hz` is in the samples, as an amplitude.
    fn amplitude(samples: &[f32], hz: f32) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in samples.iter().enumerate() {
            let (sin, cos) = (std::f32::consts::TAU * hz * i as f32 / 48_000.0).sin_cos();
            re += sample * cos;
            im += sample * sin;
        }
        2.0 * re.hypot(im) / samples.len() as f32
    }

    /// Speech of 40 packets (a sine at 500 Hz) with music (at 1,300 Hz) beneath packets 10 to 30, in two stretches.
    fn mixed() -> Vec<f32> {
        let (speech, music) = (sine(500.0, 40), sine(1_300.0, 60));
        let begins = 10;
        let ends = 30;
        let stretch = |from: usize, count: usize| {
            let place = |packet: usize| signed(packet * SIZE) - signed(from * SIZE);
            let bed = Bed {
                audio: &music,
                at: signed((from + 5) * SIZE),
                begins: place(begins),
                ends: place(ends),
            };
            with_bed(&speech, from, count, &bed).unwrap()
        };
        let (one, two) = (stretch(10, 8), stretch(18, 12));
        assert_eq!((one.packet_count(), two.packet_count()), (8, 12));
        let packet = |index: usize| match index {
            10..18 => one.packet(index - 10),
            18..30 => two.packet(index - 18),
            _ => speech.packet(index),
        };
        heard((0..40).filter_map(packet))
    }

    #[test]
    fn the_bed_lies_beneath_and_the_voice_stays_as_it_was() {
        let mixed = mixed();
        let rows = [
            ("before", 5, 9, 0.0),
            ("risen", 19, 21, 0.4 * 0.178),
            ("after", 31, 39, 0.0),
        ];
        for (name, from, to, music) in rows {
            let part = &mixed[from * SIZE..to * SIZE];
            let (voice, bed) = (amplitude(part, 500.0), amplitude(part, 1_300.0));
            assert!((voice - 0.4).abs() < 0.02, "{name}: voice at {voice}");
            assert!((bed - music).abs() < 0.01, "{name}: bed at {bed}, not {music}");
        }
    }

    #[test]
    fn seams_are_not_heard() {
        let mixed = mixed();
        let step = |range: std::ops::Range<usize>| {
            mixed[range]
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .fold(0.0f32, f32::max)
        };
        let steady = step(19 * SIZE..21 * SIZE);
        for seam in [10, 18, 30] {
            let at = step(seam * SIZE - 480..seam * SIZE + 480);
            assert!(
                at < 1.3 * steady,
                "packet {seam}: a step of {at} where {steady} is usual"
            );
        }
    }

    #[test]
    fn a_bed_that_is_over_leaves_silence_beneath() {
        let (speech, music) = (sine(500.0, 20), sine(1_300.0, 3));
        let bed = Bed {
            audio: &music,
            at: signed(4 * SIZE),
            begins: 0,
            ends: signed(20 * SIZE),
        };
        let made = with_bed(&speech, 8, 5, &bed).unwrap();
        let out = heard((0..made.packet_count()).filter_map(|index| made.packet(index)));
        assert!(amplitude(&out[2 * SIZE..], 1_300.0) < 0.002);
        assert_eq!(
            with_bed(&speech, 20, 5, &bed).unwrap().packet_count(),
            0,
            "past the end"
        );
    }
}
