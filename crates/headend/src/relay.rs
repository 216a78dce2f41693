//! Relays for the air and for rehearsals: `loa-relay` with what this installation knows.

use std::time::{Duration, Instant};

use loa_model::{ContentHash, Sound};
use loa_relay::{Address, Inputs, On, Relay, RelaySpec, Rules};

use crate::library::Library;
use crate::on_air::{Change, LivePackets, OpenRelay};

/// Returns what connects relays: their fill out of `library`, levelled towards `target_lufs`; quieter than
/// `silence_dbfs` a source is silent.
pub(crate) fn opener(library: Library, target_lufs: f64, silence_dbfs: f32) -> OpenRelay {
    let inputs = Inputs::default();
    Box::new(move |relay, title| {
        // A fill that cannot be read leaves silence; the relay itself is worth more.
        let fill = relay.fill.and_then(|media| library.read(media).ok());
        let spec = RelaySpec {
            sources: relay.sources.clone(),
            fill: fill.map(std::sync::Arc::new),
            rules: Rules {
                // In a studio nobody may speak for a while.
                silence: if relay.studio {
                    Duration::MAX
                } else {
                    relay.silence
                },
                // And a sender may send nothing of it.
                slow: if relay.studio {
                    Duration::MAX
                } else {
                    Rules::default().slow
                },
                ..Rules::default()
            },
            target_lufs,
            silence_dbfs,
            bitrate: BITRATE,
            packet_samples: PACKET_SAMPLES,
        };
        let carried = Carried {
            relay: Relay::open(&spec, title, &inputs)?,
            fill: relay.fill,
            studio: relay.studio,
        };
        Ok(Box::new(carried) as Box<dyn LivePackets>)
    })
}

/// A relay as the air thread takes it.
struct Carried {
    relay: Relay,
    fill: Option<ContentHash>,
    studio: bool,
}

impl LivePackets for Carried {
    fn begin(&mut self) {
        self.relay.begin();
    }

    fn next_packet(&mut self, out: &mut Vec<u8>) -> bool {
        self.relay.next_packet(out)
    }

    fn fade_out(&mut self) {
        self.relay.fade_out();
    }

    fn next_change(&mut self) -> Option<Change> {
        let switch = self.relay.next_change()?.switch;
        Some(Change {
            sound: match switch.on {
                On::Source(source) => Sound::Source(source),
                On::Fill => Sound::Fill(self.fill),
            },
            failed: switch.failed,
        })
    }

    fn queue_packets(&self) -> u32 {
        Relay::QUEUE
    }

    fn shape(&self) -> (u32, u32) {
        self.relay.shape()
    }

    fn should_sound(&self) -> bool {
        !self.studio
    }
}

/// Tries whether each source can be heard now, all at once; returns those that cannot, as people may see them, and why.
pub(crate) fn unreachable<'a>(sources: impl Iterator<Item = &'a String>) -> Vec<(String, (String, String))> {
    let began = Instant::now();
    let tries: Vec<_> = sources
        .cloned()
        .map(|source| {
            let tried = source.clone();
            (
                source,
                std::thread::spawn(move || loa_relay::probe(&tried, PATIENCE)),
            )
        })
        .collect();
    let mut found = Vec::new();
    for (source, tried) in tries {
        let shown = source
            .parse::<Address>()
            .map_or_else(|error| error.to_string(), |address| address.to_string());
        match tried.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => found.push((source, (shown, error.to_string()))),
            Err(_) => found.push((source, (shown, "the probe failed".to_owned()))),
        }
    }
    tracing::debug!(took_ms = began.elapsed().as_millis(), "relays probed");
    found
}

/// As speech of the library has it.
const BITRATE: u32 = 32_000;
/// Programme mode: 60 ms.
const PACKET_SAMPLES: u32 = 2_880;
/// A source that can be heard is heard by then.
const PATIENCE: Duration = Duration::from_secs(8);
