//! An encoder that listens to what it makes, and turns a packet down until its peaks stay under the ceiling.
//!
//! What a codec adds to the peaks of a wave cannot be told beforehand, and a few
//! decibels of room everywhere, for the few places that need them, would cost a
//! piece its loudness. So each packet is decoded at once; if it is over, its
//! samples are turned down around the peak and it is encoded again from the state
//! before it.

use loa_codec::{DECODED_SAMPLES_MAX, EncoderSettings, OpusError, RewindDecoder, RewindEncoder};
use loa_dsp::{Limiter, db_to_gain};

/// Encodes so that what is decoded stays under a ceiling.
///
/// A packet is held back until the next one is good: an encoder looks ahead, so
/// that a peak early in a packet comes from the samples of the one before.
#[derive(Debug)]
pub(super) struct CarefulEncoder {
    /// As it was before the held packet.
    before: Codec,
    held: Option<Held>,
    /// What is turned down, in the held packet or after it.
    dips: Vec<Dip>,
}

/// A packet that is good, but may be encoded again for the sake of the next.
#[derive(Debug)]
struct Held {
    /// As they were given.
    samples: Vec<f32>,
    packet: Vec<u8>,
    after: Codec,
}

impl CarefulEncoder {
    /// Makes one for this ceiling, dBTP.
    ///
    /// # Errors
    ///
    /// If libopus does not accept the settings.
    pub(super) fn new(settings: &EncoderSettings, ceiling_dbtp: f64) -> Result<Self, OpusError> {
        let before = Codec {
            encoder: RewindEncoder::new(settings)?,
            decoder: RewindDecoder::new()?,
            peaks: Limiter::new(ceiling_dbtp),
        };
        Ok(Self {
            before,
            held: None,
            dips: Vec::new(),
        })
    }

    /// Returns how many samples the decoder gives before the first one put in.
    pub(super) fn pre_skip(&self) -> u32 {
        self.before.encoder.pre_skip()
    }

    /// Returns how many samples each packet takes.
    pub(super) fn packet_samples(&self) -> usize {
        self.before.encoder.packet_samples()
    }

    /// Takes one packet's samples, and returns the packet before them, if there is one.
    ///
    /// # Errors
    ///
    /// If libopus fails.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<Option<Vec<u8>>, OpusError> {
        let held = self.held.take();
        let size = held.as_ref().map_or(0, |held| held.samples.len());
        let mut settled = held
            .as_ref()
            .map(|held| (held.packet.clone(), held.after.clone()));
        let mut over = Vec::new();
        for attempt in 0.. {
            let mut codec = settled.as_ref().map_or(&self.before, |(_, after)| after).clone();
            let packet = codec.encode(samples, size, &self.dips, &mut over)?;
            if over.is_empty() || attempt == ATTEMPTS_MAX {
                let ready = settled.map(|(packet, after)| {
                    self.before = after;
                    packet
                });
                self.dips.retain_mut(|dip| dip.shift(size));
                self.held = Some(Held {
                    samples: samples.to_vec(),
                    packet,
                    after: codec,
                });
                return Ok(ready);
            }
            let reaches_back = over.iter().any(|dip| dip.begin < position(size));
            self.dips.append(&mut over);
            if let Some(held) = held.as_ref().filter(|_| reaches_back) {
                let mut codec = self.before.clone();
                let packet = codec.encode(&held.samples, 0, &self.dips, &mut over)?;
                settled = Some((packet, codec));
            }
        }
        unreachable!("the attempts are counted")
    }

    /// Returns the last packet, if there is one.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        self.held.map(|held| held.packet)
    }
}

/// Encoder, decoder and peak meter at one moment.
#[derive(Clone, Debug)]
struct Codec {
    encoder: RewindEncoder,
    decoder: RewindDecoder,
    peaks: Limiter,
}

impl Codec {
    /// Encodes and decodes one packet, whose first sample is at `at`, and notes where it is over.
    fn encode(
        &mut self,
        samples: &[f32],
        at: usize,
        dips: &[Dip],
        over: &mut Vec<Dip>,
    ) -> Result<Vec<u8>, OpusError> {
        let mut samples = samples.to_vec();
        dips.iter().for_each(|dip| dip.apply(position(at), &mut samples));
        let packet = self.encoder.encode(&samples)?;
        let mut decoded = [0.0; DECODED_SAMPLES_MAX];
        let count = self.decoder.decode(&packet, &mut decoded)?;
        let delay = i64::from(self.encoder.pre_skip());
        for (index, part) in decoded[..count].chunks_mut(RESOLUTION).enumerate() {
            let before = self.peaks.reduction_db();
            self.peaks.process(part);
            let over_db = self.peaks.reduction_db();
            // Between peaks the reduction only falls.
            if over_db > before {
                over.push(Dip::around(
                    position(at + index * RESOLUTION) - delay,
                    over_db + MORE_DB,
                ));
            }
        }
        Ok(packet)
    }
}

/// A place that is turned down; positions count from the held packet's first sample.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dip {
    /// Where it begins.
    begin: i64,
    /// Where it is turned down in full.
    full: i64,
    /// Where it begins to come up again.
    rise: i64,
    depth_db: f64,
}

impl Dip {
    /// Makes one around a peak at `at`. It cannot begin before the held packet: what is before was sent off.
    fn around(at: i64, depth_db: f64) -> Self {
        let begin = (at - MARGIN - RAMP).max(0);
        let full = (at - MARGIN).max(begin + RAMP_MIN);
        let rise = (at + position(RESOLUTION) + MARGIN).max(full);
        Self {
            begin,
            full,
            rise,
            depth_db,
        }
    }

    /// Turns `samples` down, the first of which is at `at`.
    fn apply(&self, at: i64, samples: &mut [f32]) {
        for (n, sample) in (at..).zip(samples) {
            let down = (n - self.begin) as f64 / (self.full - self.begin) as f64;
            let up = (self.rise + RAMP - n) as f64 / RAMP as f64;
            let along = down.min(up).clamp(0.0, 1.0);
            if along > 0.0 {
                let share = 0.5 - 0.5 * (std::f64::consts::PI * along).cos();
                *sample *= db_to_gain(-self.depth_db * share);
            }
        }
    }

    /// Counts from `samples` later; false if nothing of it lies there.
    fn shift(&mut self, samples: usize) -> bool {
        for place in [&mut self.begin, &mut self.full, &mut self.rise] {
            *place -= position(samples);
        }
        self.rise + RAMP > 0
    }
}

/// A few packets' samples are far below 2^63.
fn position(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

/// Samples looked at together, 5 ms.
const RESOLUTION: usize = 240;
/// Turned down in full on either side of a peak, 5 ms: a codec spreads what it is given.
const MARGIN: i64 = 240;
/// 15 ms down and up again, raised cosine.
const RAMP: i64 = 720;
/// Where there is no room for more, 1 ms.
const RAMP_MIN: i64 = 48;
/// Turned down more than the peak is over, as the codec follows only in part.
const MORE_DB: f64 = 0.2;
/// Each turns down further; two do for nearly every peak. Then the packet stays as it is, and the last pass tells.
const ATTEMPTS_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use loa_codec::{OpusDecoder, Tuning};
    use loa_dsp::Loudness;

    use super::*;

    const CEILING_DBTP: f64 = -1.5;

    /// Plucked tones and clicks at the very ceiling: what codecs overshoot most.
    fn plucked(seconds: usize) -> Vec<f32> {
        let mut limiter = Limiter::new(CEILING_DBTP);
        let mut samples: Vec<f32> = (0..seconds * 48_000)
            .map(|n| {
                let (note, t) = (n / 9_600, (n % 9_600) as f32 / 48_000.0);
                let pitch = 90.0 * (1.0 + (note * 7 % 13) as f32 / 5.0);
                (1..20)
                    .map(|k| {
                        (t * pitch * k as f32 * std::f32::consts::TAU).sin() * (-t * 9.0 * k as f32).exp()
                    })
                    .sum()
            })
            .collect();
        limiter.process(&mut samples);
        samples
    }

    fn heard(packets: &[Vec<u8>]) -> Vec<f32> {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        let mut samples = Vec::new();
        for packet in packets {
            let count = decoder.decode(packet, &mut block).unwrap();
            samples.extend_from_slice(&block[..count]);
        }
        samples
    }

    fn level(samples: &[f32]) -> (f64, f64) {
        let mut loudness = Loudness::new();
        loudness.push(samples);
        (loudness.integrated_lufs().unwrap(), loudness.true_peak_dbtp())
    }

    fn encoded(samples: &[f32], settings: &EncoderSettings, ceiling_dbtp: f64) -> Vec<Vec<u8>> {
        let mut encoder = CarefulEncoder::new(settings, ceiling_dbtp).unwrap();
        let mut packets = Vec::new();
        for block in samples.chunks_exact(encoder.packet_samples()) {
            packets.extend(encoder.push(block).unwrap());
        }
        packets.extend(encoder.finish());
        packets
    }

    #[test]
    fn peaks_stay_under_the_ceiling_at_little_cost() {
        for tuning in [Tuning::Speech, Tuning::Music] {
            let settings = EncoderSettings {
                tuning,
                ..EncoderSettings::default()
            };
            let samples = plucked(6);
            let usual = encoded(&samples, &settings, 20.0);
            let careful = encoded(&samples, &settings, CEILING_DBTP);
            assert_eq!((usual.len(), careful.len()), (100, 100));
            let ((lufs_before, peak_before), (lufs, peak)) = (level(&heard(&usual)), level(&heard(&careful)));
            assert!(
                peak_before > CEILING_DBTP + 0.3,
                "{tuning:?}: nothing to do at {peak_before} dBTP"
            );
            assert!(peak <= CEILING_DBTP, "{tuning:?}: {peak} dBTP");
            assert!(
                (lufs - lufs_before).abs() < 1.0,
                "{tuning:?}: {lufs_before} to {lufs} LUFS"
            );
        }
    }

    #[test]
    fn without_peaks_the_packets_are_the_usual_ones() {
        let settings = EncoderSettings::default();
        let samples = plucked(2);
        let mut usual = RewindEncoder::new(&settings).unwrap();
        let expected: Vec<_> = samples
            .chunks_exact(2_880)
            .map(|block| usual.encode(block).unwrap())
            .collect();
        assert_eq!(encoded(&samples, &settings, 20.0), expected);
        assert!(encoded(&[], &settings, 20.0).is_empty());
    }

    #[test]
    fn a_dip_has_no_steps_wherever_it_lies() {
        // A peak early, in the middle, and late enough to reach into the packet after the next.
        for at in [-312, 10, 700, 1_500, 5_600] {
            let mut dip = Dip::around(at, 6.0);
            let mut gains = vec![1.0f32; 5_760];
            dip.apply(0, &mut gains);
            assert_eq!(dip.shift(2_880), at > 2_000, "{at}");
            let mut later = vec![1.0f32; 5_760];
            dip.apply(0, &mut later);
            assert_eq!(
                gains[2_880..],
                later[..2_880],
                "{at}: both packets see the same dip"
            );
            gains.extend(&later[2_880..]);
            assert_eq!(gains[0], 1.0, "{at}");
            let least = gains.iter().fold(1.0f32, |least, gain| least.min(*gain));
            assert!((least - db_to_gain(-6.0)).abs() < 1e-4, "{at}: {least}");
            let step = gains
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs())
                .fold(0.0, f32::max);
            assert!(step < 0.03, "{at}: {step}");
        }
    }
}
