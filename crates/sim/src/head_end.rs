//! The head-end's pure parts, put together as the real one does: engine, players, streams.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use loa_model::{
    AsRunEvent, BulletinClass, Channel, Command, CommandDone, ContentHash, EncodedAudio, QuietHours, Refusal,
    RunSheet, SessionId, WallTime, ZoneId, ZoneTree,
};
use loa_playout::{Action, Engine, EngineSettings, Feed};
use loa_session::{Play, SegmentPlayer, SessionOnAir, StreamStart, ZoneStream};
use loa_wire::{Addressing, Certificate, Signer, public_key};

/// One datagram, and where it was sent.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// The zone's channel.
    pub channel: Channel,
    /// On the RTCP port rather than the RTP port.
    pub rtcp: bool,
    /// What it carries.
    pub bytes: Vec<u8>,
}

/// A head-end in virtual time. Its media is noise of the right length.
#[derive(Debug)]
pub struct HeadEnd {
    engine: Engine,
    settings: EngineSettings,
    epoch: u32,
    signer: Signer,
    streams: BTreeMap<ZoneId, Stream>,
    quiet: BTreeMap<ZoneId, QuietHours>,
    media: BTreeMap<ContentHash, Arc<EncodedAudio>>,
    as_run: Vec<AsRunEvent>,
    next_beacons: WallTime,
}

#[derive(Debug)]
struct Stream {
    channel: Channel,
    stream: ZoneStream,
    players: VecDeque<(SessionOnAir, u32, SegmentPlayer)>,
}

impl HeadEnd {
    /// Starts a run that has sent nothing.
    pub fn new(tree: &ZoneTree, addressing: Addressing, epoch: u32, now: WallTime) -> Self {
        let ms = Duration::from_millis;
        let settings = EngineSettings::new(None, ms(600), ms(200));
        let streams = tree.iter().map(|zone| {
            let start = StreamStart {
                ssrc: u32::from(zone.channel.0),
                sequence: 65_000,
                timestamp: epoch,
            };
            let stream = ZoneStream::new(zone.channel, addressing, "lab", start);
            (
                zone.id,
                Stream {
                    channel: zone.channel,
                    stream,
                    players: VecDeque::new(),
                },
            )
        });
        Self {
            streams: streams.collect(),
            engine: Engine::new(tree.clone(), epoch, settings, now),
            settings,
            epoch,
            signer: signer(now),
            quiet: BTreeMap::new(),
            media: BTreeMap::new(),
            as_run: Vec::new(),
            next_beacons: now,
        }
    }

    /// Puts a piece of this length into the library.
    pub fn add_media(&mut self, media: ContentHash, duration: Duration) {
        let mut audio = EncodedAudio::new(media, PACKET_SAMPLES, 312);
        audio.samples = loa_model::duration_to_samples(duration);
        for _ in 0..=(audio.samples + 312) / u64::from(PACKET_SAMPLES) {
            audio.push(&OPUS_60_MS);
        }
        self.media.insert(media, Arc::new(audio));
    }

    /// Says from the next beacon on what restricts a zone. It airs all that is planned none the less.
    pub fn set_quiet(&mut self, zone: ZoneId, quiet: Option<QuietHours>) {
        match quiet {
            Some(quiet) => self.quiet.insert(zone, quiet),
            None => self.quiet.remove(&zone),
        };
    }

    /// Takes a run-sheet into force.
    pub fn plan(&mut self, sheet: &RunSheet, now: WallTime) {
        self.engine.handle_run_sheet(sheet, now);
    }

    /// Gives the engine a command.
    ///
    /// # Errors
    ///
    /// The engine's refusal.
    pub fn command(&mut self, command: Command, now: WallTime) -> Result<CommandDone, Refusal> {
        self.engine.handle_command(command, now)
    }

    /// Does what is due and returns what it sends.
    pub fn turn(&mut self, now: WallTime) -> Vec<Datagram> {
        self.engine.handle_timeout(now);
        while let Some(action) = self.engine.poll_output() {
            self.act(action, now);
        }
        let mut sent = Vec::new();
        for stream in self.streams.values_mut() {
            stream.packets(&mut sent, &self.signer, now);
        }
        if now >= self.next_beacons {
            self.next_beacons = now + Duration::from_secs(1);
            for (zone, stream) in &self.streams {
                let mut bytes = Vec::new();
                let quiet = self.quiet.get(zone);
                let (epoch, signer) = (self.epoch, &self.signer);
                let written = stream
                    .stream
                    .write_beacon(&mut bytes, epoch, None, None, quiet, now, signer);
                if written.is_ok() {
                    sent.push(Datagram {
                        channel: stream.channel,
                        rtcp: true,
                        bytes,
                    });
                }
            }
        }
        sent
    }

    /// Returns the as-run log.
    pub fn as_run(&self) -> &[AsRunEvent] {
        &self.as_run
    }

    fn act(&mut self, action: Action, now: WallTime) {
        match action {
            Action::Prepare { media } => {
                let ready = self.media.get(&media).map(|audio| audio.duration());
                self.engine
                    .handle_media(media, ready.ok_or_else(|| "not in the lab".to_owned()), now);
            }
            // The lab airs media only.
            Action::Release { .. }
            | Action::OpenRelay { .. }
            | Action::CloseRelay { .. }
            | Action::CloseVoice { .. } => {}
            Action::Start(start) => {
                let delay = self.settings.delay(start.class);
                let Feed::Media { media, offset } = start.feed else {
                    return;
                };
                let (Some(audio), Some(stream)) = (self.media.get(&media), self.streams.get_mut(&start.zone))
                else {
                    return;
                };
                let play = Play {
                    chime: None,
                    programme: Arc::clone(audio),
                    offset,
                    start: start.at - delay,
                    lead: Duration::ZERO,
                    late_max: delay,
                };
                let mut player = SegmentPlayer::new(&play);
                if start.cut {
                    player.cut(start.ends - delay);
                }
                let on_air = SessionOnAir {
                    session: start.session,
                    class: start.class,
                    drill: start.drill,
                    authored: start.class == BulletinClass::Emergency,
                    playout_delay: delay,
                };
                stream.players.push_back((on_air, start.part, player));
            }
            Action::Stop {
                session,
                part,
                zone,
                at,
            } => {
                let stream = self.streams.get_mut(&zone);
                let players = stream.into_iter().flat_map(|stream| &mut stream.players);
                for (on_air, _, player) in
                    players.filter(|(on_air, number, _)| (on_air.session, *number) == (session, part))
                {
                    player.cut(at - on_air.playout_delay);
                }
            }
            Action::AsRun(event) => self.as_run.push(event),
        }
    }
}

impl Stream {
    fn packets(&mut self, sent: &mut Vec<Datagram>, signer: &Signer, now: WallTime) {
        loop {
            let due = |player: &SegmentPlayer| player.poll_due().filter(|due| *due <= now);
            let next = (0..self.players.len())
                .filter_map(|i| Some((due(&self.players[i].2)?, i)))
                .min();
            let Some((_, index)) = next else { break };
            let (on_air, _, player) = &mut self.players[index];
            let Some(packet) = player.next_packet(now) else {
                break;
            };
            let mut bytes = Vec::new();
            if self
                .stream
                .write_packet(&mut bytes, &packet, on_air, signer)
                .is_ok()
            {
                sent.push(Datagram {
                    channel: self.channel,
                    rtcp: false,
                    bytes,
                });
            }
        }
        self.players.retain(|(.., player)| !player.is_finished());
    }
}

/// Public half of the laboratory's root key.
pub(crate) fn root_public() -> [u8; 32] {
    public_key(&ROOT)
}

fn signer(now: WallTime) -> Signer {
    let secret = [2; 32];
    let not_after = now + Duration::from_secs(365 * 86_400);
    let certificate = Certificate::issue(
        &ROOT,
        public_key(&secret),
        Channel::EVERY_ZONE,
        BulletinClass::Emergency,
        not_after,
    );
    Signer::new(&secret, certificate).expect("the certificate is for this key")
}

const ROOT: [u8; 32] = [1; 32];
const PACKET_SAMPLES: u32 = 2_880;
/// As far as its first byte tells: SILK, wideband, 60 ms (RFC 6716 §3.1, configuration 11).
const OPUS_60_MS: [u8; 3] = [11 << 3, 1, 2];

/// Returns the parts of an as-run log as (zone, class, session, from, to).
pub(crate) fn parts(log: &[AsRunEvent]) -> Vec<(ZoneId, BulletinClass, SessionId, WallTime, WallTime)> {
    let ended = |session, part| {
        log.iter().find_map(|event| match event {
            AsRunEvent::Ended(end) if (end.session, end.part) == (session, part) => Some(end.at),
            _ => None,
        })
    };
    let part = |event: &AsRunEvent| match event {
        AsRunEvent::Started(part) => {
            let to = ended(part.session, part.part).unwrap_or(part.ends);
            Some((part.zone, part.class, part.session, part.at, to))
        }
        _ => None,
    };
    log.iter().filter_map(part).collect()
}
