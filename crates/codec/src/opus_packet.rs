//! Opus packets: mono, 48 kHz (RFC 6716), by libopus.

use opus::{Application, Bitrate, Channels, Decoder, Encoder, Signal};

use loa_model::SAMPLE_RATE;

/// What libopus refused to do.
#[derive(Debug, thiserror::Error)]
#[error("Opus: {doing}")]
pub struct OpusError {
    doing: &'static str,
    #[source]
    source: Option<opus::Error>,
}

impl OpusError {
    /// Names what libopus refused without a reason worth telling.
    pub(crate) fn refused(doing: &'static str) -> Self {
        Self { doing, source: None }
    }
}

/// Names what was being done when libopus refused.
fn failed(doing: &'static str) -> impl FnOnce(opus::Error) -> OpusError {
    move |source| OpusError {
        doing,
        source: Some(source),
    }
}

/// What the encoder is tuned for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// Voice: each packet also carries a coarse copy of the one before (in-band FEC), from 24 kbit/s.
    #[default]
    Speech,
    /// Music: no in-band FEC, which would force the voice coding on it at any rate.
    Music,
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderSettings {
    /// Target, bit/s.
    pub bitrate: u32,
    /// What it is tuned for.
    pub tuning: Tuning,
    /// Samples in each packet: 960 for 20 ms, 2,880 for 60 ms; what RFC 6716 §2.1.4 allows.
    pub packet_samples: u32,
}

impl Default for EncoderSettings {
    /// Speech at 32 kbit/s in 60 ms packets.
    fn default() -> Self {
        Self {
            bitrate: 32_000,
            tuning: Tuning::Speech,
            packet_samples: 2_880,
        }
    }
}

/// Encodes mono samples, one packet after another. No allocation after construction.
#[derive(Debug)]
pub struct OpusEncoder {
    inner: Encoder,
    packet_samples: usize,
    pre_skip: u32,
    packet: Box<[u8; PACKET_BYTES_MAX]>,
}

impl OpusEncoder {
    /// Makes an encoder.
    ///
    /// # Errors
    ///
    /// If libopus does not know the packet size or the rate.
    pub fn new(settings: &EncoderSettings) -> Result<Self, OpusError> {
        let is_speech = settings.tuning == Tuning::Speech;
        let signal = if is_speech { Signal::Voice } else { Signal::Music };
        let bitrate = i32::try_from(settings.bitrate).unwrap_or(i32::MAX);
        // Not Voip: its high-pass turns the phase of low voices, which makes new peaks, and is heard where a
        // fade is joined to what it fades. Voice as the signal chooses the same coding and in-band FEC.
        let make = || {
            let mut inner = Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Audio)?;
            inner.set_bitrate(Bitrate::Bits(bitrate))?;
            inner.set_signal(signal)?;
            inner.set_complexity(COMPLEXITY)?;
            inner.set_inband_fec(is_speech)?;
            inner.set_packet_loss_perc(if is_speech { EXPECTED_LOSS_PERCENT } else { 0 })?;
            let pre_skip = inner.get_lookahead()?;
            Ok((inner, pre_skip))
        };
        let (inner, pre_skip) = make().map_err(failed("cannot set up the encoder"))?;
        Ok(Self {
            inner,
            packet_samples: settings.packet_samples as usize,
            pre_skip: u32::try_from(pre_skip).unwrap_or(0),
            packet: Box::new([0; PACKET_BYTES_MAX]),
        })
    }

    /// Returns how many samples the decoder gives before the first one put in (RFC 7845 §4.2).
    pub fn pre_skip(&self) -> u32 {
        self.pre_skip
    }

    /// Returns how many samples each packet takes.
    pub fn packet_samples(&self) -> usize {
        self.packet_samples
    }

    /// Forgets what it was given: what comes next is encoded as a new encoder would.
    ///
    /// # Errors
    ///
    /// If libopus refuses.
    pub fn restart(&mut self) -> Result<(), OpusError> {
        self.inner
            .reset_state()
            .map_err(failed("cannot restart the encoder"))
    }

    /// Makes the next packet independent of those before, at some cost in quality.
    ///
    /// # Errors
    ///
    /// If libopus refuses.
    pub fn set_independent(&mut self, independent: bool) -> Result<(), OpusError> {
        self.inner
            .set_prediction_disabled(independent)
            .map_err(failed("cannot change the encoder"))
    }

    /// Encodes exactly one packet's samples.
    ///
    /// The packet fits a datagram: at most [`PACKET_BYTES_MAX`] bytes, whatever the bit rate.
    ///
    /// # Errors
    ///
    /// If `samples` is not one packet long.
    pub fn encode(&mut self, samples: &[f32]) -> Result<&[u8], OpusError> {
        if samples.len() != self.packet_samples {
            return Err(OpusError::refused("cannot encode more or less than a packet"));
        }
        let len = self
            .inner
            .encode_float(samples, &mut self.packet[..])
            .map_err(failed("cannot encode a packet"))?;
        Ok(&self.packet[..len])
    }
}

/// Decodes packets to mono samples, and makes up for lost ones. No allocation after construction.
#[derive(Debug)]
pub struct OpusDecoder {
    inner: Decoder,
}

impl OpusDecoder {
    /// Makes a decoder.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub fn new() -> Result<Self, OpusError> {
        let inner = Decoder::new(SAMPLE_RATE, Channels::Mono).map_err(failed("cannot set up the decoder"))?;
        Ok(Self { inner })
    }

    /// Decodes a packet (a stereo one is mixed down) and returns how many samples it gave.
    ///
    /// `samples` must have room for them; [`DECODED_SAMPLES_MAX`] is always enough.
    ///
    /// # Errors
    ///
    /// If the packet is malformed or there is too little room; conceal it then.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            // To libopus an empty packet is a lost one, and it would make something up.
            return Err(OpusError::refused("cannot decode an empty packet"));
        }
        self.inner
            .decode_float(packet, samples, false)
            .map_err(failed("cannot decode a packet"))
    }

    /// Fills `samples`, the whole length of the lost packet, from the copy in the packet after it.
    ///
    /// Where that packet carries none, this conceals. Decode the packet itself next, as usual.
    ///
    /// # Errors
    ///
    /// If the packet is malformed, or the length is not a multiple of 2.5 ms.
    pub fn decode_fec(&mut self, next_packet: &[u8], samples: &mut [f32]) -> Result<usize, OpusError> {
        self.inner
            .decode_float(next_packet, samples, true)
            .map_err(failed("cannot recover a packet"))
    }

    /// Fills `samples`, the whole length of the lost packet, with a guess that fades if repeated.
    ///
    /// # Errors
    ///
    /// If the length is not a multiple of 2.5 ms, or longer than 120 ms.
    pub fn conceal(&mut self, samples: &mut [f32]) -> Result<usize, OpusError> {
        self.inner
            .decode_float(&[], samples, false)
            .map_err(failed("cannot conceal a packet"))
    }

    /// Forgets all that came before, as at the start of another stream.
    ///
    /// # Errors
    ///
    /// If libopus refuses.
    pub fn reset(&mut self) -> Result<(), OpusError> {
        self.inner
            .reset_state()
            .map_err(failed("cannot reset the decoder"))
    }
}

/// Returns how many samples at 48 kHz a packet holds; none if it is malformed.
///
/// Source: RFC 6716 §3.1, the TOC byte.
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    if packet.is_empty() {
        return None;
    }
    let count = opus::packet::get_nb_samples(packet, SAMPLE_RATE).ok()?;
    u32::try_from(count)
        .ok()
        .filter(|count| (1..=DECODED_SAMPLES_MAX).contains(&(*count as usize)))
}

/// Tells whether a packet carries a copy of the one before it, for [`OpusDecoder::decode_fec`].
///
/// Source: RFC 6716 §4.2.4, the LBRR flag.
pub fn has_redundancy(packet: &[u8]) -> bool {
    let Some(length) = i32::try_from(packet.len()).ok().filter(|length| *length > 0) else {
        return false;
    };
    #[expect(unsafe_code, reason = "opus does not show it")]
    // SAFETY: libopus reads at most `length` bytes and keeps nothing.
    let told = unsafe { opusic_sys::opus_packet_has_lbrr(packet.as_ptr(), length) };
    told == 1
}

/// The most samples one packet can hold: 120 ms.
pub const DECODED_SAMPLES_MAX: usize = 5_760;

/// The most bytes we let a packet have, so that with its headers and signature it fits a datagram of 1,500.
///
/// At 60 ms this bounds the rate to 160 kbit/s.
pub const PACKET_BYTES_MAX: usize = 1_200;

pub(crate) const COMPLEXITY: i32 = 10;
/// With this the encoder spends about a tenth on in-band FEC.
pub(crate) const EXPECTED_LOSS_PERCENT: i32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn voice_like(count: usize) -> Vec<f32> {
        let mut noise = 1u32;
        (0..count)
            .map(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
                let t = n as f32 / 48_000.0;
                let syllable = (t * 4.0 * std::f32::consts::TAU).sin().max(0.0);
                let pitch = 140.0 + 30.0 * (t * 1.3).sin();
                let buzz: f32 = (1..12)
                    .map(|k| (t * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32)
                    .sum();
                syllable * (buzz * 0.2 + hiss * 0.02)
            })
            .collect()
    }

    fn encoded(settings: &EncoderSettings, samples: &[f32]) -> Vec<Vec<u8>> {
        let mut encoder = OpusEncoder::new(settings).unwrap();
        samples
            .chunks_exact(encoder.packet_samples())
            .map(|block| encoder.encode(block).unwrap().to_vec())
            .collect()
    }

    fn energy(samples: &[f32]) -> f64 {
        samples.iter().map(|sample| f64::from(*sample).powi(2)).sum()
    }

    fn snr_db(reference: &[f32], heard: &[f32]) -> f64 {
        let error: f64 = reference
            .iter()
            .zip(heard)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum();
        10.0 * (energy(reference) / error.max(1e-12)).log10()
    }

    #[test]
    fn packets_are_the_size_asked_for() {
        for (tuning, packet_samples_asked) in [
            (Tuning::Speech, 960),
            (Tuning::Speech, 2_880),
            (Tuning::Music, 960),
            (Tuning::Music, 2_880),
        ] {
            let settings = EncoderSettings {
                tuning,
                packet_samples: packet_samples_asked,
                ..Default::default()
            };
            let packets = encoded(&settings, &voice_like(96_000));
            let bytes: usize = packets.iter().map(Vec::len).sum();
            assert!(
                packets
                    .iter()
                    .all(|packet| packet_samples(packet) == Some(packet_samples_asked))
            );
            let bitrate = bytes as f64 * 8.0 / 2.0;
            assert!(
                (16_000.0..48_000.0).contains(&bitrate),
                "{tuning:?} {packet_samples_asked}: {bitrate}"
            );
        }
    }

    #[test]
    fn a_packet_fits_a_datagram_at_any_rate() {
        let noise: Vec<f32> = (0..28_800u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5)
            .collect();
        let settings = EncoderSettings {
            bitrate: 256_000,
            tuning: Tuning::Music,
            packet_samples: 2_880,
        };
        for packet in encoded(&settings, &noise) {
            assert!(packet.len() <= PACKET_BYTES_MAX, "{}", packet.len());
            assert_eq!(packet_samples(&packet), Some(2_880));
        }
    }

    #[test]
    fn pre_skip_is_the_delay() {
        for tuning in [Tuning::Speech, Tuning::Music] {
            let settings = EncoderSettings {
                bitrate: 64_000,
                tuning,
                packet_samples: 960,
            };
            let source = voice_like(96_000);
            let pre_skip = OpusEncoder::new(&settings).unwrap().pre_skip() as usize;
            let mut decoder = OpusDecoder::new().unwrap();
            let mut heard = Vec::new();
            let mut block = [0.0; DECODED_SAMPLES_MAX];
            for packet in encoded(&settings, &source) {
                let count = decoder.decode(&packet, &mut block).unwrap();
                heard.extend_from_slice(&block[..count]);
            }
            let at = |lag: usize| {
                let pairs = source[20_000..60_000].iter().zip(&heard[20_000 + lag..]);
                pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>()
            };
            let best = (0..800).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
            assert!(
                best.abs_diff(pre_skip) <= 12,
                "{tuning:?}: delay {best}, pre-skip {pre_skip}"
            );
        }
    }

    /// With in-band FEC, the packet after a lost one brings it back far better than a guess.
    #[test]
    fn fec_beats_concealment() {
        let settings = EncoderSettings {
            packet_samples: 960,
            ..Default::default()
        };
        let packets = encoded(&settings, &voice_like(480_000));
        let mut whole = OpusDecoder::new().unwrap();
        let mut reference = [0.0; 960];
        let (mut with_fec, mut guessed, mut lost) = (0.0, 0.0, 0);
        for (index, packet) in packets.iter().enumerate() {
            whole.decode(packet, &mut reference).unwrap();
            if index < 20 || index % 10 != 0 || energy(&reference) < 1.0 || index + 1 == packets.len() {
                continue;
            }
            lost += 1;
            for (fec, total) in [(true, &mut with_fec), (false, &mut guessed)] {
                let mut decoder = OpusDecoder::new().unwrap();
                let mut block = [0.0; 960];
                for earlier in &packets[index - 20..index] {
                    decoder.decode(earlier, &mut block).unwrap();
                }
                let count = if fec {
                    decoder.decode_fec(&packets[index + 1], &mut block)
                } else {
                    decoder.conceal(&mut block)
                };
                assert_eq!(count.unwrap(), 960);
                *total += snr_db(&reference, &block);
            }
        }
        assert!(lost > 10, "{lost}");
        let (with_fec, guessed) = (with_fec / f64::from(lost), guessed / f64::from(lost));
        assert!(
            with_fec > guessed + 1.0,
            "with FEC {with_fec:.1} dB, guessed {guessed:.1} dB"
        );
    }

    #[test]
    fn redundancy_is_seen_where_it_is() {
        for (bitrate, tuning, expected) in [(32_000, Tuning::Speech, true), (64_000, Tuning::Music, false)] {
            let settings = EncoderSettings {
                packet_samples: 960,
                bitrate,
                tuning,
            };
            let mut encoder = OpusEncoder::new(&settings).unwrap();
            let pcm = voice_like(100 * 960);
            let with = pcm
                .chunks_exact(960)
                .filter(|block| has_redundancy(encoder.encode(block).unwrap()))
                .count();
            assert_eq!(with > 50, expected, "{with} of 100 packets at {bitrate} bit/s");
        }
        assert!(!has_redundancy(&[]) && !has_redundancy(&[0]) && !has_redundancy(&[0xFF; 3]));
    }

    #[test]
    fn wrong_sizes_and_bad_packets_are_refused() {
        let mut encoder = OpusEncoder::new(&EncoderSettings::default()).unwrap();
        assert!(encoder.encode(&[0.0; 100]).is_err());
        assert!(encoder.encode(&[]).is_err());
        assert!(
            OpusEncoder::new(&EncoderSettings {
                bitrate: 0,
                ..Default::default()
            })
            .is_err()
        );
        let mut decoder = OpusDecoder::new().unwrap();
        let mut block = [0.0; DECODED_SAMPLES_MAX];
        assert!(decoder.decode(&[], &mut block).is_err());
        assert!(decoder.decode(&[0xff, 0xff, 0xff], &mut block).is_err());
        assert!(decoder.conceal(&mut block[..100]).is_err());
        assert_eq!(packet_samples(&[]), None);
        assert_eq!(packet_samples(&[0x03]), None, "code 3 without a count");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(packet in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let mut decoder = OpusDecoder::new().unwrap();
            let mut block = [0.0; DECODED_SAMPLES_MAX];
            if let Ok(count) = decoder.decode(&packet, &mut block) {
                proptest::prop_assert_eq!(Some(count as u32), packet_samples(&packet));
            }
        }
    }
}
