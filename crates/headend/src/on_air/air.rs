//! The air thread: runs the engine, sends what is due, and shows what it does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use arc_swap::ArcSwap;
use loa_model::{
    CommandDone, ContentHash, EncodedAudio, MonoTime, QuietHours, Snapshot, Sound, WallTime, Zone, ZoneId,
    ZoneTree,
};
use loa_net::{MulticastSender, Pacer, PacingConfig, PacingThread, Scheduling};
use loa_playout::{Action, Engine, Feed as Asked, Start};
use loa_session::{StationClock, StreamStart, ZoneStream};
use loa_store::JournalEntry;
use loa_wire::{Addressing, Signer};
use tracing::{error, info, warn};

use super::live_feeds::{LiveFeed, LiveFeeds, OpenRelay};
use super::loader::{self, ReadMedia, Request};
use super::monitor::{self, DeadAir, Sent, Sounding};
use super::outlet::{OpenSender, Outlet};
use super::plays::{Feed, LiveSource};
use super::stream::{OnStream, Unwritten};
use super::{Counts, LATE, ORDERS_MAX, OnAir, Order, Shared, Taps};
use crate::config::PlayoutConfig;

/// All that the air thread works with.
pub struct AirConfig {
    /// Made, and restored from the as-run log.
    pub engine: Engine,
    /// Number of this run.
    pub epoch: u32,
    /// Every zone.
    pub tree: ZoneTree,
    /// How far local time is ahead of UTC, in minutes.
    pub utc_offset_min: i16,
    /// The installation's groups.
    pub addressing: Addressing,
    /// Sends to them.
    pub sender: MulticastSender,
    /// Opens another like it, when nothing leaves by it any more.
    pub open_sender: OpenSender,
    /// Signs what is sent.
    pub signer: Signer,
    /// Name of the station in RTCP.
    pub cname: String,
    /// How long receivers wait.
    pub playout: PlayoutConfig,
    /// What sounds around programmes that ask for it, by its gain in dB.
    pub chimes: BTreeMap<i8, Arc<EncodedAudio>>,
    /// The words with which a drill begins.
    pub drill: Option<Arc<EncodedAudio>>,
    /// One packet of silence, for what keeps the air free.
    pub silence: Arc<EncodedAudio>,
    /// Reads media for the loader.
    pub read_media: ReadMedia,
    /// Connects relays for the loader.
    pub open_relay: OpenRelay,
    /// When what is on the air counts as dead.
    pub dead_air: DeadAir,
    /// Where as-run events go.
    pub journal: SyncSender<JournalEntry>,
    /// Time, as the engine was restored with.
    pub clock: StationClock,
    /// Numbers the streams begin with, from a source of randomness.
    pub stream_start: Box<dyn FnMut() -> StreamStart + Send>,
}

/// The running thread. Dropping it stops it.
pub struct AirThread {
    thread: PacingThread,
}

impl AirThread {
    /// Returns how the kernel schedules it.
    pub fn scheduling(&self) -> &Scheduling {
        self.thread.scheduling()
    }

    /// Returns how late it woke from its sleeps.
    pub fn lateness(&self) -> &loa_net::Lateness {
        self.thread.lateness()
    }

    /// Returns whether it has ended, which it does only when told to.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Says goodbye on every stream and ends the thread.
    ///
    /// # Errors
    ///
    /// The thread's panic, if that is how it ended.
    pub fn stop(self) -> std::thread::Result<()> {
        self.thread.stop()
    }
}

/// Starts the thread.
///
/// # Errors
///
/// If the machine cannot start another thread.
pub fn start(config: AirConfig) -> std::io::Result<(OnAir, AirThread)> {
    let (orders, inbox) = sync_channel(ORDERS_MAX);
    let requests = loader::start(config.read_media, config.open_relay, orders.clone())?;
    let shared = Arc::new(Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        clock_fault: ArcSwap::from_pointee(None),
        sends_fail: ArcSwap::from_pointee(None),
        counts: Counts::default(),
        taps: Taps::default(),
        dead_air: ArcSwap::default(),
        levels: ArcSwap::default(),
    });
    let monitor = monitor::start(config.dead_air, Arc::clone(&shared), orders.clone())?;
    let outlet = Outlet::new(config.sender, config.open_sender, orders.clone())?;
    let mut air = Air {
        clock: config.clock,
        engine: config.engine,
        epoch: config.epoch,
        addressing: config.addressing,
        outlet,
        signer: config.signer,
        cname: config.cname,
        playout: config.playout,
        chimes: config.chimes,
        drill: config.drill,
        silence: config.silence,
        media: BTreeMap::new(),
        live: LiveFeeds::default(),
        quiet: BTreeMap::new(),
        streams: BTreeMap::new(),
        next_starts: BTreeMap::new(),
        inbox,
        requests,
        monitor,
        journal: config.journal,
        shared: Arc::clone(&shared),
        stream_start: config.stream_start,
        datagram: Vec::with_capacity(loa_wire::DATAGRAM_BYTES_MAX),
        next_snapshot: WallTime::default(),
        next_reading: WallTime::default(),
    };
    let now = air.now();
    air.take_zones(&config.tree, config.utc_offset_min, now);
    let pacing = PacingConfig {
        name: "air".into(),
        priority: Some(PRIORITY),
    };
    let thread = PacingThread::spawn(pacing, move |pacer| air.run(pacer))?;
    Ok((OnAir { orders, shared }, AirThread { thread }))
}

struct Air {
    clock: StationClock,
    engine: Engine,
    epoch: u32,
    addressing: Addressing,
    outlet: Outlet,
    signer: Signer,
    cname: String,
    playout: PlayoutConfig,
    chimes: BTreeMap<i8, Arc<EncodedAudio>>,
    drill: Option<Arc<EncodedAudio>>,
    silence: Arc<EncodedAudio>,
    media: BTreeMap<ContentHash, Arc<EncodedAudio>>,
    live: LiveFeeds,
    /// When each zone may sound: its beacons carry it.
    quiet: BTreeMap<ZoneId, QuietHours>,
    streams: BTreeMap<ZoneId, OnStream>,
    /// When each zone's own group sounds next, from the newest snapshot.
    next_starts: BTreeMap<ZoneId, WallTime>,
    inbox: Receiver<Order>,
    requests: SyncSender<Request>,
    monitor: SyncSender<Sounding>,
    journal: SyncSender<JournalEntry>,
    shared: Arc<Shared>,
    stream_start: Box<dyn FnMut() -> StreamStart + Send>,
    datagram: Vec<u8>,
    next_snapshot: WallTime,
    next_reading: WallTime,
}

impl Air {
    fn run(mut self, pacer: &Pacer) {
        info!(epoch = self.epoch, zones = self.streams.len(), "on the air");
        while !pacer.stopping() {
            let now = self.now();
            self.read_clock(now);
            self.take_orders(now);
            if self.engine.poll_timeout().is_some_and(|due| due <= now) {
                self.engine.handle_timeout(now);
            }
            while let Some((relay, change)) = self.live.next_change() {
                self.engine.handle_relay(relay, change.sound, change.failed, now);
            }
            self.act(now);
            self.render_beds(now);
            self.send_packets(now);
            self.send_beacons(now);
            self.mend_sending(now);
            self.show(now);
            let deadline = self.deadline(now);
            let sleep_ns = u64::try_from(deadline.ns_after(self.now())).unwrap_or(0);
            pacer.sleep_until(loa_net::monotonic_ns() + sleep_ns);
        }
        self.say_goodbye();
    }

    fn now(&self) -> WallTime {
        self.clock.now(MonoTime::from_ns(loa_net::monotonic_ns()))
    }

    fn read_clock(&mut self, now: WallTime) {
        if now < self.next_reading {
            return;
        }
        self.next_reading = now + CLOCK_READING;
        let pair = loa_net::read_clocks();
        self.clock.handle_reading(
            MonoTime::from_ns(pair.mono_ns),
            WallTime::from_unix_ns(pair.wall_ns),
        );
        let fault = self.clock.fault();
        if fault.is_some() != self.shared.clock_fault.load().is_some() {
            match fault {
                Some(step) => warn!(
                    ahead_ms = step.system_ahead_ns / 1_000_000,
                    "the system clock was set; the station goes on by its own until it is started again"
                ),
                None => info!("the system clock agrees with the station's again"),
            }
        }
        self.shared.clock_fault.store(Arc::new(fault));
    }

    fn take_orders(&mut self, now: WallTime) {
        for _ in 0..ORDERS_PER_TURN {
            let Ok(order) = self.inbox.try_recv() else { return };
            match order {
                Order::Command {
                    command,
                    voice,
                    reply,
                } => {
                    let done = self.engine.handle_command(command, now);
                    if let (Ok(CommandDone::OverrideStarted { session, .. }), Some(voice)) = (&done, voice) {
                        self.live.take_voice(*session, voice);
                    }
                    // Whoever asked may have gone; the command stands.
                    let _ = reply.send(done);
                }
                Order::RunSheet(sheet) => self.engine.handle_run_sheet(&sheet, now),
                Order::Zones(tree, utc_offset_min) => {
                    self.engine
                        .handle_zones(ZoneTree::clone(&tree), utc_offset_min, now);
                    self.take_zones(&tree, utc_offset_min, now);
                }
                Order::MediaReady { media, audio } => {
                    let duration = audio.duration();
                    self.media.insert(media, audio);
                    self.engine.handle_media(media, Ok(duration), now);
                }
                Order::DeadAir { session, unsent } => {
                    if let Some(title) = self.engine.handle_dead_air(session, unsent, now) {
                        warn!(%session, title, "nothing is heard of what is on the air");
                    }
                }
                Order::SenderOpened(sender) => self.outlet.take(sender),
                Order::RelayOpened { relay, packets } => self.live.take_relay(relay, packets),
                Order::RelayFailed { relay, why } => {
                    let fill = Sound::Fill(None);
                    self.engine.handle_relay(relay, fill, Some(why), now);
                }
                Order::MediaFailed { media, why } => self.engine.handle_media(media, Err(why), now),
                Order::BedReady {
                    session,
                    part,
                    from,
                    packets,
                } => {
                    let mut streams = self.streams.values_mut();
                    streams.any(|stream| stream.lay_over(session, part, from, &packets));
                }
                Order::FadeReady {
                    session,
                    part,
                    from,
                    tail,
                } => {
                    let mut streams = self.streams.values_mut();
                    streams.any(|stream| stream.fade(session, part, from, Arc::clone(&tail)));
                }
            }
        }
    }

    /// Takes each zone's quiet hours, and makes a stream for each that has none; a zone's stream stays for the whole run.
    fn take_zones(&mut self, tree: &ZoneTree, utc_offset_min: i16, now: WallTime) {
        let hours = |zone: &Zone| {
            let policy = tree.quiet(zone.id)?.clone();
            let hours = QuietHours {
                policy,
                utc_offset_min,
            };
            Some((zone.id, hours))
        };
        self.quiet = tree.iter().filter_map(hours).collect();
        for zone in tree.iter() {
            if !self.streams.contains_key(&zone.id) {
                let stream = self.new_stream(zone);
                // Spread over the second, so that a province's beacons are no burst.
                let spread = Duration::from_millis(u64::from(zone.channel.0) * 37 % 1_000);
                self.streams
                    .insert(zone.id, OnStream::new(zone.id, stream, now + spread));
            }
        }
    }

    fn new_stream(&mut self, zone: &Zone) -> ZoneStream {
        ZoneStream::new(zone.channel, self.addressing, &self.cname, (self.stream_start)())
    }

    fn act(&mut self, now: WallTime) {
        while let Some(action) = self.engine.poll_output() {
            match action {
                Action::Prepare { media } => match self.loaded(media, 0) {
                    Some(audio) => {
                        let duration = audio.duration();
                        self.engine.handle_media(media, Ok(duration), now);
                    }
                    None => self.ask(Request::Load { media }),
                },
                Action::Release { media } => {
                    self.media.remove(&media);
                }
                Action::OpenRelay { relay, spec, title } => {
                    self.ask(Request::OpenRelay { relay, spec, title });
                }
                Action::CloseRelay { relay } => self.live.close_relay(relay),
                Action::CloseVoice { session } => self.live.close_voice(session),
                Action::Start(start) => self.start(&start, now),
                Action::Stop {
                    session,
                    part,
                    zone,
                    at,
                } => {
                    let fade = self
                        .streams
                        .get_mut(&zone)
                        .and_then(|stream| stream.stop(session, part, at, &mut self.live, now));
                    fade.into_iter().for_each(|request| self.ask(request));
                }
                Action::AsRun(event) => self.journal(JournalEntry::AsRun(event)),
            }
        }
    }

    fn start(&mut self, start: &Start, now: WallTime) {
        let delay = self.playout.delay(start.class);
        let chime = match start.drill {
            true => self.drill.as_ref(),
            false => self.chimes.get(&start.chime_gain_db),
        };
        let chime = chime.filter(|_| start.chime).cloned();
        let feed = match start.feed {
            Asked::Media { media, offset } => {
                let bed = start.bed.and_then(|bed| {
                    let audio = self.media.get(&bed.media)?;
                    Some((Arc::clone(audio), bed.offset, bed.ends))
                });
                self.loaded(media, start.chime_gain_db).map(|audio| Feed::Media {
                    audio: Arc::clone(audio),
                    offset,
                    bed,
                })
            }
            Asked::Relay(relay) => Some(Feed::Live(LiveSource::Feed(LiveFeed::Relay(relay)))),
            Asked::Voice => Some(Feed::Live(LiveSource::Feed(LiveFeed::Voice(start.session)))),
            Asked::Silence => Some(Feed::Live(LiveSource::Silence(Arc::clone(&self.silence)))),
        };
        let (Some(feed), Some(stream)) = (feed, self.streams.get_mut(&start.zone)) else {
            // The engine starts what it was told is ready, in zones it was told of.
            error!(session = %start.session, zone = %start.zone, "cannot start what is not there");
            self.engine.handle_dead_air(start.session, true, now);
            return;
        };
        info!(session = %start.session, zone = %start.zone, part = start.part, class = %start.class, at = %start.at, "on air");
        let fade = stream.start(start, delay, feed, chime, &mut self.live, now);
        fade.into_iter().for_each(|request| self.ask(request));
    }

    /// Returns a piece of media that is loaded; the chime, as loud as asked.
    fn loaded(&self, media: ContentHash, chime_gain_db: i8) -> Option<&Arc<EncodedAudio>> {
        let chime = self
            .chimes
            .get(&chime_gain_db)
            .filter(|chime| chime.media == media);
        chime.or_else(|| self.media.get(&media))
    }

    fn render_beds(&mut self, now: WallTime) {
        let beds = self
            .streams
            .values_mut()
            .filter_map(|stream| stream.next_bed(now));
        let beds: Vec<_> = beds.collect();
        beds.into_iter().for_each(|request| self.ask(request));
    }

    fn send_packets(&mut self, now: WallTime) {
        let Self {
            streams,
            datagram,
            outlet,
            signer,
            shared,
            journal,
            live,
            monitor,
            ..
        } = self;
        let counts = &shared.counts;
        for stream in streams.values_mut() {
            let (zone, to) = (stream.zone, stream.stream.rtp());
            while let Some(written) = stream.write_due(datagram, now, signer, live) {
                match written {
                    Ok(packet) => {
                        Counts::add(&counts.late, u64::from(packet.late > LATE));
                        shared.taps.offer(zone, packet.opus, packet.samples, packet.at);
                        let sounding = Sounding {
                            zone,
                            session: packet.session,
                            samples: packet.samples,
                            sent: if packet.should_sound {
                                Sent::Sound(packet.opus.into())
                            } else {
                                Sent::MayBeSilent(packet.opus.into())
                            },
                        };
                        let heard = monitor.try_send(sounding).is_ok();
                        Counts::add(&counts.monitor_drops, u64::from(!heard));
                        let sent = outlet.send(to, datagram, now);
                        if sent {
                            packet.count_sent(now);
                        }
                        Counts::add(if sent { &counts.packets } else { &counts.send_drops }, 1);
                    }
                    Err(Unwritten::Missing { session, samples }) => {
                        Counts::add(&counts.missing, 1);
                        let sounding = Sounding {
                            zone,
                            session,
                            samples,
                            sent: Sent::Nothing,
                        };
                        let heard = monitor.try_send(sounding).is_ok();
                        Counts::add(&counts.monitor_drops, u64::from(!heard));
                    }
                    Err(Unwritten::Unsendable) => Counts::add(&counts.unsendable, 1),
                }
            }
            while let Some(sent) = stream.take_finished() {
                Counts::add(&counts.skipped, sent.skipped);
                let (session, part) = (sent.session, sent.part);
                let entry = JournalEntry::Sent {
                    session,
                    part,
                    packets: sent.packets,
                    octets: sent.octets,
                    first: sent.first,
                };
                Counts::add(&counts.journal_drops, u64::from(journal.try_send(entry).is_err()));
            }
        }
    }

    fn send_beacons(&mut self, now: WallTime) {
        for stream in self
            .streams
            .values_mut()
            .filter(|stream| stream.next_beacon <= now)
        {
            stream.next_beacon = (stream.next_beacon + BEACON_PERIOD).max(now);
            let on_air = stream.on_air(now).map(|session| (session.session, session.class));
            let next_start = self.next_starts.get(&stream.zone).copied();
            let written = stream.stream.write_beacon(
                &mut self.datagram,
                self.epoch,
                on_air,
                next_start,
                self.quiet.get(&stream.zone),
                now,
                &self.signer,
            );
            let sent = written.is_ok() && self.outlet.send(stream.stream.rtcp(), &self.datagram, now);
            let counts = &self.shared.counts;
            Counts::add(if sent { &counts.beacons } else { &counts.send_drops }, 1);
        }
    }

    /// Asks for a new sender while nothing leaves, and tells.
    fn mend_sending(&mut self, now: WallTime) {
        self.outlet.mend(now);
        let failing = self.outlet.failing(now);
        let since = failing.map(|(since, _)| since);
        if since == **self.shared.sends_fail.load() {
            return;
        }
        match failing {
            Some((_, why)) => error!(
                %why,
                "nothing can be sent; a new sender is tried each second if that may help"
            ),
            None => info!("what is sent leaves again"),
        }
        self.shared.sends_fail.store(Arc::new(since));
    }

    fn show(&mut self, now: WallTime) {
        if now < self.next_snapshot {
            return;
        }
        self.next_snapshot = now + SNAPSHOT_PERIOD;
        let snapshot = self.engine.snapshot(now);
        let own = snapshot
            .zones
            .iter()
            .filter_map(|state| Some((state.zone, state.next.as_ref()?)));
        let own = own.filter(|(zone, next)| next.from == *zone);
        self.next_starts = own.map(|(zone, next)| (zone, next.start)).collect();
        self.shared.snapshot.store(Arc::new(snapshot));
    }

    fn deadline(&self, now: WallTime) -> WallTime {
        let packets = self.streams.values().filter_map(OnStream::poll_due);
        let others = [now + LOOK_PERIOD].into_iter().chain(self.engine.poll_timeout());
        packets.chain(others).min().unwrap_or(now)
    }

    fn ask(&self, request: Request) {
        if self.requests.try_send(request).is_err() {
            Counts::add(&self.shared.counts.loader_drops, 1);
        }
    }

    fn journal(&self, entry: JournalEntry) {
        if self.journal.try_send(entry).is_err() {
            Counts::add(&self.shared.counts.journal_drops, 1);
        }
    }

    fn say_goodbye(&mut self) {
        let now = self.now();
        for stream in self.streams.values() {
            if stream
                .stream
                .write_bye(&mut self.datagram, "station stops")
                .is_ok()
            {
                // Nobody waits for it.
                self.outlet.send(stream.stream.rtcp(), &self.datagram, now);
            }
        }
    }
}

/// Above everything but the kernel's own threads and a sound server.
const PRIORITY: u8 = 50;
/// Orders are looked for this often.
const LOOK_PERIOD: Duration = Duration::from_millis(5);
const BEACON_PERIOD: Duration = Duration::from_secs(1);
const SNAPSHOT_PERIOD: Duration = Duration::from_millis(200);
const CLOCK_READING: Duration = Duration::from_secs(1);
/// Bounds the time between two looks at what is due.
const ORDERS_PER_TURN: usize = 64;
