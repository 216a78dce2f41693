//! From packets to samples on the timeline: decode, conceal, and cross-fade where the air changes hands.

use std::collections::VecDeque;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder, OpusError, has_redundancy};
use loa_dsp::{Curve, Gain};
use loa_model::SampleTime;
use loa_session::{Frame, Gap, Playout, Switch, SwitchReason, Volume};

/// Holds decoded sound by its place on the timeline until it is read.
#[derive(Debug)]
pub(crate) struct Renderer {
    decoder: OpusDecoder,
    /// Decoded and not yet read, from `next` on.
    held: VecDeque<f32>,
    /// Timeline sample that is read next.
    next: SampleTime,
    /// Gain of what has the air: it fades in when it took the air from something else.
    gain: Gain,
    /// Volume of what has the air, by the hour.
    volume: Gain,
    /// Rest of a concealment that was longer than its gap.
    concealed_rest: VecDeque<f32>,
    /// Decoder's output, taken out while it is used.
    scratch: Vec<f32>,
    counts: RenderCounts,
}

/// What the renderer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RenderCounts {
    /// Gaps filled with what the next packet carries of them.
    pub(crate) recovered: u64,
    /// Gaps concealed.
    pub(crate) concealed: u64,
    /// Packets that libopus refused, concealed too.
    pub(crate) undecodable: u64,
}

impl Renderer {
    /// Starts silent at `next`.
    pub(crate) fn new(next: SampleTime) -> Result<Self, OpusError> {
        Ok(Self {
            decoder: OpusDecoder::new()?,
            held: VecDeque::with_capacity(HELD_MAX),
            next,
            gain: Gain::new(1.0),
            volume: Gain::new(1.0),
            concealed_rest: VecDeque::with_capacity(DECODED_SAMPLES_MAX),
            scratch: vec![0.0; DECODED_SAMPLES_MAX],
            counts: RenderCounts::default(),
        })
    }

    /// Takes what sounds next.
    pub(crate) fn handle(&mut self, playout: &Playout) {
        let mut scratch = std::mem::take(&mut self.scratch);
        match playout {
            Playout::Frame(frame) => self.decode(frame, &mut scratch),
            Playout::Gap(gap) => self.fill(gap, &mut scratch),
            Playout::Switch(switch) => self.switch(switch),
            Playout::Volume(volume) => self.set_volume(volume),
            Playout::Withheld(_) => {}
        }
        self.scratch = scratch;
    }

    /// Returns the timeline sample that is read next.
    pub(crate) const fn next(&self) -> SampleTime {
        self.next
    }

    /// Reads samples on; silence where nothing is held.
    pub(crate) fn read(&mut self, samples: &mut [f32]) {
        samples.fill_with(|| self.held.pop_front().unwrap_or(0.0));
        self.next = self.next.offset(i64::try_from(samples.len()).unwrap_or(i64::MAX));
    }

    /// Passes over `samples` of the timeline unheard.
    pub(crate) fn skip(&mut self, samples: u64) {
        let held = usize::try_from(samples)
            .unwrap_or(usize::MAX)
            .min(self.held.len());
        self.held.drain(..held);
        self.next = self.next.offset(i64::try_from(samples).unwrap_or(i64::MAX));
    }

    /// Returns what was done since the last call.
    pub(crate) fn take_counts(&mut self) -> RenderCounts {
        std::mem::take(&mut self.counts)
    }

    fn decode(&mut self, frame: &Frame, scratch: &mut [f32]) {
        self.concealed_rest.clear();
        let length = self.decoder.decode(&frame.payload, scratch).unwrap_or_else(|_| {
            self.counts.undecodable += 1;
            let wanted = (frame.samples as usize).min(DECODED_SAMPLES_MAX);
            self.decoder.conceal(&mut scratch[..wanted]).unwrap_or(0)
        });
        let skip = (frame.skip as usize).min(length);
        self.put(frame.start.offset(i64::from(frame.skip)), &scratch[skip..length]);
    }

    /// Conceals a gap, from the next packet's redundancy if it lies right behind.
    fn fill(&mut self, gap: &Gap, scratch: &mut [f32]) {
        let carried = gap
            .next
            .as_ref()
            .filter(|next| self.concealed_rest.is_empty() && has_redundancy(next));
        if carried.is_some() {
            self.counts.recovered += 1;
        } else {
            self.counts.concealed += 1;
        }
        let wanted = (gap.samples as usize).min(DECODED_SAMPLES_MAX);
        let rested = self.concealed_rest.len().min(wanted);
        scratch[..rested].fill_with(|| self.concealed_rest.pop_front().unwrap_or(0.0));
        // libopus conceals whole multiples of 2.5 ms; what is too much waits for the next gap.
        let whole = (wanted - rested)
            .next_multiple_of(CONCEAL_STEP)
            .min(DECODED_SAMPLES_MAX - rested);
        let made = &mut scratch[rested..rested + whole - whole % CONCEAL_STEP];
        if !made.is_empty() {
            let done = match carried {
                Some(next) => self.decoder.decode_fec(next, made),
                None => self.decoder.conceal(made),
            };
            if done.is_err() {
                made.fill(0.0);
            }
        }
        let end = rested + made.len();
        self.concealed_rest.extend(&scratch[wanted.min(end)..end]);
        self.put(gap.start, &scratch[..wanted.min(end)]);
    }

    /// Cuts what was decoded for the session that leaves, and lets its end fade under the beginning of the next.
    fn switch(&mut self, switch: &Switch) {
        let at = usize::try_from(switch.at.samples_after(self.next)).unwrap_or(0);
        let mut tail = [0.0; FADE];
        let decoded = self.held.len().saturating_sub(at).min(FADE);
        for (sample, held) in tail.iter_mut().zip(self.held.iter().skip(at)) {
            *sample = *held;
        }
        if decoded < FADE && switch.from.is_some() && switch.why != SwitchReason::Ended {
            // The last of it would stop dead: let the decoder guess a little more to fade.
            let mut guess = [0.0; FADE];
            if self.decoder.conceal(&mut guess).is_ok() {
                self.volume.apply(&mut guess);
                tail[decoded..].copy_from_slice(&guess[..FADE - decoded]);
            }
        }
        let mut fade = Gain::new(1.0);
        fade.ramp_to(0.0, FADE as u32, Curve::RaisedCosine);
        fade.apply(&mut tail);
        self.held.truncate(at);
        self.concealed_rest.clear();
        self.gain = Gain::new(1.0);
        // What is held has its volume already; the next session begins with its own.
        self.volume = Gain::new(1.0);
        if switch.from.is_some() {
            self.put(switch.at, &tail);
            if switch.to.is_some() {
                self.gain = Gain::new(0.0);
                self.gain.ramp_to(1.0, FADE as u32, Curve::RaisedCosine);
            }
        }
        self.volume = Gain::from_db(f64::from(switch.gain_db));
        // A refusal leaves the old state, which the pre-roll then washes out.
        let _ = self.decoder.reset();
    }

    fn set_volume(&mut self, volume: &Volume) {
        self.volume.ramp_to_db(f64::from(volume.gain_db), VOLUME_RAMP);
    }

    /// Adds samples to what is held; those before `next` are over.
    fn put(&mut self, start: SampleTime, samples: &[f32]) {
        let offset = start.samples_after(self.next);
        let late = usize::try_from(-offset).unwrap_or(0).min(samples.len());
        let at = usize::try_from(offset).unwrap_or(0);
        let end = (at + samples.len() - late).min(HELD_MAX);
        if self.held.len() < end {
            self.held.resize(end, 0.0);
        }
        for (index, sample) in samples.iter().enumerate() {
            let mut gained = [0.0];
            self.gain.mix_into(&[*sample], &mut gained);
            self.volume.apply(&mut gained);
            if let Some(held) = index
                .checked_sub(late)
                .and_then(|index| self.held.get_mut(at + index))
            {
                *held += gained[0];
            }
        }
    }
}

/// Samples over which one session fades into another: 5 ms.
const FADE: usize = 240;
/// Samples over which a session goes to another volume: half a second.
const VOLUME_RAMP: u32 = 24_000;
/// libopus conceals in steps of 2.5 ms.
const CONCEAL_STEP: usize = 120;
/// A second: far more than is ever decoded ahead of what is read.
const HELD_MAX: usize = 48_000;

#[cfg(test)]
mod tests {
    use super::*;
    use loa_codec::{EncoderSettings, OpusEncoder, Tuning};
    use loa_model::{BulletinClass, Channel, SessionId};
    use loa_session::{Playing, SessionKey};

    const START: SampleTime = SampleTime(1_000_000);

    fn playing(session: u64) -> Playing {
        let key = SessionKey {
            station: 1,
            session: SessionId(session),
            channel: Channel(1),
        };
        Playing {
            key,
            class: BulletinClass::Normal,
            depth: 0,
            drill: false,
            authored: false,
            by_arrival: false,
        }
    }

    fn switch(at: i64, from: Option<u64>, to: Option<u64>, why: SwitchReason) -> Playout {
        let (from, to) = (from.map(playing), to.map(playing));
        Playout::Switch(Switch {
            at: START.offset(at),
            from,
            to,
            why,
            gain_db: 0,
        })
    }

    /// Packets of 20 ms of a sine.
    fn sine(hz: f32, packets: usize) -> Vec<Vec<u8>> {
        let settings = EncoderSettings {
            packet_samples: 960,
            bitrate: 64_000,
            tuning: Tuning::Music,
        };
        let mut encoder = OpusEncoder::new(&settings).unwrap();
        let sample = |i: usize| 0.5 * (i as f32 * hz * std::f32::consts::TAU / 48_000.0).sin();
        (0..packets)
            .map(|packet| {
                let pcm: Vec<f32> = (0..960).map(|i| sample(packet * 960 + i)).collect();
                encoder.encode(&pcm).unwrap().to_vec()
            })
            .collect()
    }

    fn frame(session: u64, at: i64, payload: &[u8]) -> Playout {
        let session = playing(session).key;
        let payload = payload.to_vec();
        Playout::Frame(Frame {
            session,
            start: START.offset(at),
            samples: 960,
            skip: 0,
            payload,
        })
    }

    fn gap(session: u64, at: i64, samples: u32) -> Playout {
        Playout::Gap(Gap {
            session: playing(session).key,
            start: START.offset(at),
            samples,
            next: None,
        })
    }

    fn read(renderer: &mut Renderer, samples: usize) -> Vec<f32> {
        let mut out = vec![0.0; samples];
        renderer.read(&mut out);
        out
    }

    fn largest_step(samples: &[f32]) -> f32 {
        samples
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn sound_lies_where_its_packets_say() {
        let mut renderer = Renderer::new(START).unwrap();
        renderer.handle(&switch(500, None, Some(1), SwitchReason::Started));
        for (i, packet) in sine(440.0, 5).iter().enumerate() {
            renderer.handle(&frame(1, 500 + 960 * i64::try_from(i).unwrap(), packet));
        }
        let out = read(&mut renderer, 500 + 5 * 960 + 100);
        assert!(out[..500].iter().all(|sample| *sample == 0.0));
        assert!(out[500 + 960..500 + 4_800].iter().any(|sample| *sample > 0.4));
        assert!(out[500 + 4_800..].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn the_air_changes_hands_without_a_click() {
        let mut renderer = Renderer::new(START).unwrap();
        let (low, high) = (sine(200.0, 8), sine(300.0, 8));
        renderer.handle(&switch(0, None, Some(1), SwitchReason::Started));
        for (i, packet) in low.iter().enumerate() {
            renderer.handle(&frame(1, 960 * i64::try_from(i).unwrap(), packet));
        }
        // In the middle of a packet that is decoded already.
        renderer.handle(&switch(4_000, Some(1), Some(2), SwitchReason::PreEmpted));
        for (i, packet) in high.iter().enumerate() {
            renderer.handle(&frame(2, 4_000 + 960 * i64::try_from(i).unwrap(), packet));
        }
        let out = read(&mut renderer, 8_000);
        let steady = largest_step(&out[1_500..3_900]);
        assert!(largest_step(&out[3_900..6_000]) < 2.0 * steady, "{steady}");
    }

    #[test]
    fn what_stops_in_mid_air_fades() {
        let mut renderer = Renderer::new(START).unwrap();
        renderer.handle(&switch(0, None, Some(1), SwitchReason::Started));
        for (i, packet) in sine(200.0, 5).iter().enumerate() {
            renderer.handle(&frame(1, 960 * i64::try_from(i).unwrap(), packet));
        }
        renderer.handle(&switch(4_800, Some(1), None, SwitchReason::Silent));
        let out = read(&mut renderer, 6_000);
        assert!(largest_step(&out[1_500..6_000]) < 2.0 * largest_step(&out[1_500..4_700]));
        assert!(out[4_800 + FADE..].iter().all(|sample| *sample == 0.0));
    }

    /// The largest sample of a stretch.
    fn peak(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    #[test]
    fn volume_moves_gently_within_a_session_and_at_once_with_the_next() {
        let mut renderer = Renderer::new(START).unwrap();
        let Playout::Switch(soft) = switch(0, None, Some(1), SwitchReason::Started) else {
            panic!("a switch")
        };
        renderer.handle(&Playout::Switch(Switch { gain_db: -12, ..soft }));
        let mut out = Vec::new();
        for (i, packet) in sine(200.0, 100).iter().enumerate() {
            let at = 960 * i64::try_from(i).unwrap();
            if i == 20 {
                let at = START.offset(at);
                renderer.handle(&Playout::Volume(Volume { at, gain_db: 0 }));
            }
            if i == 80 {
                // An emergency at full volume, whatever the hour.
                renderer.handle(&switch(at, Some(1), Some(2), SwitchReason::PreEmpted));
            }
            renderer.handle(&frame(1 + u64::from(i >= 80), at, packet));
            out.extend(read(&mut renderer, 960));
            if i == 60 {
                renderer.handle(&Playout::Volume(Volume {
                    at: START,
                    gain_db: -12,
                }));
            }
        }
        let (soft, loud) = (peak(&out[10_000..19_000]), peak(&out[45_000..58_000]));
        assert!((soft / loud - 0.251).abs() < 0.01, "{soft} {loud}");
        let ramp = &out[19_200..43_200];
        assert!(
            largest_step(ramp) < 1.2 * largest_step(&out[45_000..58_000]),
            "no click"
        );
        let emergency = peak(&out[80 * 960 + 2_000..90 * 960]);
        assert!((emergency / loud - 1.0).abs() < 0.05, "{emergency} {loud}");
    }

    #[test]
    fn what_quiet_hours_end_fades_at_its_own_volume() {
        let mut renderer = Renderer::new(START).unwrap();
        let Playout::Switch(soft) = switch(0, None, Some(1), SwitchReason::Started) else {
            panic!("a switch")
        };
        renderer.handle(&Playout::Switch(Switch { gain_db: -20, ..soft }));
        for (i, packet) in sine(200.0, 5).iter().enumerate() {
            renderer.handle(&frame(1, 960 * i64::try_from(i).unwrap(), packet));
        }
        renderer.handle(&switch(4_800, Some(1), None, SwitchReason::Quiet));
        let out = read(&mut renderer, 6_000);
        assert!(largest_step(&out[1_500..6_000]) < 2.0 * largest_step(&out[1_500..4_700]));
        assert!(peak(&out[4_700..]) < 0.06, "no louder than it was");
        assert!(out[4_800 + FADE..].iter().all(|sample| *sample == 0.0));
    }

    /// Gaps of odd lengths, one after another, fill exactly what they say.
    #[test]
    fn gaps_of_any_length_leave_no_hole() {
        let mut renderer = Renderer::new(START).unwrap();
        renderer.handle(&switch(0, None, Some(1), SwitchReason::Started));
        for (i, packet) in sine(200.0, 5).iter().enumerate() {
            renderer.handle(&frame(1, 960 * i64::try_from(i).unwrap(), packet));
        }
        let mut at = 4_800;
        for samples in [1, 119, 121, 480, 7, 232] {
            renderer.handle(&gap(1, at, samples));
            at += i64::from(samples);
        }
        assert_eq!(at, 5_760);
        let out = read(&mut renderer, 5_760);
        assert!(largest_step(&out[1_500..5_760]) < 2.0 * largest_step(&out[1_500..4_800]));
        assert_eq!(renderer.take_counts().concealed, 6);
    }

    #[test]
    fn a_packet_that_libopus_refuses_is_concealed_and_counted() {
        let mut renderer = Renderer::new(START).unwrap();
        renderer.handle(&switch(0, None, Some(1), SwitchReason::Started));
        renderer.handle(&frame(1, 0, &[0xff; 3]));
        assert_eq!(renderer.take_counts().undecodable, 1);
        assert_eq!(renderer.next(), START);
    }
}
