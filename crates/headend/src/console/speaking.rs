//! Somebody who speaks: the microphone of a browser on the air.

use std::time::Duration;

use loa_codec::{DECODED_SAMPLES_MAX, OpusDecoder};
use loa_dsp::Meter;
use loa_model::{Command, CommandDone, Content, SessionId, ZoneId, aired_title};
use loa_panel::{
    Answer, BadSound, Console as _, ConsoleError, PCM_BYTES_MAX, Said, Speaking, Speech, SpeechEnd,
};
use loa_relay::{Microphone, Voice, VoiceSpec};
use loa_store::{AuditRow, Drill, JournalEntry};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{StationConsole, refusal, unavailable};
use crate::on_air::{LivePackets, OnAir};

impl StationConsole {
    /// Puts a voice on air in each zone of a wish, in all or in none.
    pub(super) async fn give_the_air(
        &self,
        mut speech: Speech,
        by: &str,
    ) -> Result<Box<dyn Speaking>, ConsoleError> {
        self.may_speak(&mut speech, by)?;
        let title = aired_title(&speech.title, false, speech.drill);
        let decoder = OpusDecoder::new().map_err(|error| unavailable(&error))?;
        let mut spoken = Spoken {
            on_air: self.on_air.clone(),
            sessions: Vec::new(),
            limit: speech.limit,
            microphones: Vec::new(),
            decoder,
            block: Box::new([0.0; DECODED_SAMPLES_MAX]),
            meter: Meter::new(),
            // Until all of it stands: a zone that refuses takes the others off the air again.
            lost: Some("another zone refused it".to_owned()),
        };
        for zone in &speech.zones {
            let (microphone, voice) = Voice::open(&self.voice).map_err(|error| unavailable(&error))?;
            let command = Command::StartOverride {
                zone: *zone,
                title: title.clone(),
                content: Content::Voice,
                class: speech.class,
                chime: speech.chime,
                limit: speech.limit,
                drill: speech.drill,
                by: by.to_owned(),
            };
            let done = self.on_air.speak(command, Box::new(Spoke(voice))).await;
            let CommandDone::OverrideStarted { session, .. } = done.map_err(refusal)? else {
                continue;
            };
            let accepted = self.now();
            self.write_down(JournalEntry::Asked {
                session,
                pressed: speech.pressed,
                accepted,
            });
            spoken.sessions.push((*zone, session));
            spoken.microphones.push(microphone);
        }
        if speech.drill {
            self.write_down(JournalEntry::Drill(Drill {
                pressed: speech.pressed,
                title: title.clone(),
                by: by.to_owned(),
                zones: speech.zones.clone(),
                sessions: spoken.sessions.iter().map(|(_, session)| *session).collect(),
                receivers: self.receivers_in(&speech.zones),
            }));
        }
        let sessions: Vec<_> = spoken.sessions.iter().map(|(_, session)| session.0).collect();
        self.write_down(JournalEntry::Audit(AuditRow {
            at: self.now(),
            who: by.to_owned(),
            action: "spoken".into(),
            detail: format!("{speech:?} as {sessions:?}"),
            ..AuditRow::default()
        }));
        spoken.lost = Some("the connection was lost".to_owned());
        Ok(Box::new(spoken))
    }
}

struct Spoken {
    on_air: OnAir,
    sessions: Vec<(ZoneId, SessionId)>,
    limit: Duration,
    microphones: Vec<Microphone>,
    decoder: OpusDecoder,
    block: Box<[f32; DECODED_SAMPLES_MAX]>,
    meter: Meter,
    /// How it ends when it is dropped; none once it has ended.
    lost: Option<String>,
}

impl Speaking for Spoken {
    fn sessions(&self) -> &[(ZoneId, SessionId)] {
        &self.sessions
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    fn hear(&mut self, said: Said<'_>) -> Result<f32, BadSound> {
        let count = match said {
            Said::Opus([]) | Said::Pcm([]) => return Err(BadSound::Empty),
            Said::Opus(packet) => self
                .decoder
                .decode(packet, &mut self.block[..])
                .map_err(|_| BadSound::NotOpus)?,
            Said::Pcm(bytes) => {
                let (samples, rest) = bytes.as_chunks::<2>();
                if !rest.is_empty() || bytes.len() > PCM_BYTES_MAX {
                    return Err(BadSound::NotSamples);
                }
                for (sample, bytes) in self.block.iter_mut().zip(samples) {
                    *sample = f32::from(i16::from_le_bytes(*bytes)) / 32_768.0;
                }
                samples.len()
            }
        };
        let block = &self.block[..count];
        for microphone in &self.microphones {
            microphone.push(block.to_vec());
        }
        self.meter.push(block);
        Ok(self.meter.take().rms_dbfs as f32)
    }

    fn is_heard(&self) -> bool {
        self.microphones.iter().any(Microphone::is_on_air)
    }

    fn end(mut self: Box<Self>, end: SpeechEnd) -> Answer<'static, ()> {
        Box::pin(async move {
            let deadline = Instant::now() + DRAIN_MAX;
            while Instant::now() < deadline
                && self
                    .microphones
                    .iter()
                    .any(|microphone| microphone.is_on_air() && !microphone.is_drained())
            {
                sleep(Duration::from_millis(10)).await;
            }
            // What lies in the queue is sent within this; then nothing is left for the fade to take away.
            sleep(QUEUED).await;
            self.lost = None;
            for microphone in &self.microphones {
                let (overrun, missing) = microphone.counts();
                info!(overrun, missing, "a speech is over");
            }
            take_off(&self.on_air, &self.sessions, &end).await;
            Ok(())
        })
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        if let Some(why) = self.lost.take() {
            let (on_air, sessions) = (self.on_air.clone(), std::mem::take(&mut self.sessions));
            tokio::spawn(async move { take_off(&on_air, &sessions, &SpeechEnd::Lost(why)).await });
        }
    }
}

async fn take_off(on_air: &OnAir, sessions: &[(ZoneId, SessionId)], end: &SpeechEnd) {
    for (_, session) in sessions {
        let session = *session;
        let command = match end {
            SpeechEnd::Released => Command::SpeechOver { session },
            SpeechEnd::Lost(why) => Command::SpeakerLost {
                session,
                why: why.clone(),
            },
        };
        // One that is over already has ended by its limit, or by another hand.
        if let Err(error) = on_air.command(command).await {
            warn!(%session, "a speech was over before it ended: {error}");
        }
    }
}

/// A voice as the air thread takes it.
struct Spoke(Voice);

impl LivePackets for Spoke {
    fn begin(&mut self) {
        self.0.begin();
    }

    fn next_packet(&mut self, out: &mut Vec<u8>) -> bool {
        self.0.next_packet(out)
    }

    fn fade_out(&mut self) {
        self.0.fade_out();
    }

    fn queue_packets(&self) -> u32 {
        Voice::QUEUE
    }

    fn shape(&self) -> (u32, u32) {
        self.0.shape()
    }

    fn should_sound(&self) -> bool {
        false
    }
}

/// Returns how a voice is encoded.
pub fn voice_spec(target_lufs: f64) -> VoiceSpec {
    VoiceSpec {
        target_lufs,
        bitrate: BITRATE,
        packet_samples: PACKET_SAMPLES,
    }
}

/// As speech of the library has it.
const BITRATE: u32 = 32_000;
/// Live mode: 20 ms.
const PACKET_SAMPLES: u32 = 960;
/// More than a microphone holds back.
const DRAIN_MAX: Duration = Duration::from_millis(800);
/// The queue of a voice, and a look of the air thread.
const QUEUED: Duration = Duration::from_millis(100);
