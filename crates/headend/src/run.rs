//! `loa run`: the head-end, from its first look at the clock to its last goodbye.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use loa_model::{Command, EncodedAudio, MonoTime, WallTime};
use loa_net::{MulticastSender, Scheduling, SenderConfig};
use loa_panel::{Reach, Trouble};
use loa_plan::utc_offset_min;
use loa_playout::{ChimeInfo, Engine, EngineSettings};
use loa_session::{StationClock, StreamStart};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{interval, interval_at};
use tracing::{info, warn};

use crate::announce::{self, Describer};
use crate::config::{Config, PlayoutConfig};
use crate::console::{
    Desk, EmergencyDesk, Keeper, PeopleState, ReceiverBoard, StartFigures, StationConsole, voice_spec,
};
use crate::epoch;
use crate::fill;
use crate::installation::Installation;
use crate::journal::{self, JournalState};
use crate::library::{self, OwnSound};
use crate::on_air::{self, AirConfig, AirThread, DeadAir, OnAir};
use crate::planner::{self, Planned};
use crate::relay;
use crate::restart;
use crate::tls::PanelTls;
use crate::uploads::{self, Importer, Uploads};

/// Airs the day and serves the panel until told to stop.
///
/// # Errors
///
/// If it cannot start: port in use, no interface, no keys, a database from a newer version. Once it runs it goes on.
pub fn run(config: Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .with_context(|| format!("log filter \"{}\" in the configuration is not valid", config.log))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
    info!("memory is {}", loa_net::lock_memory());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("panel")
        .enable_all()
        .build()
        .context("cannot start the panel's threads")?;
    let installation = Installation::open(config)?;
    let tls = PanelTls::open(&installation, wall_now())?;
    // Before anything is sent: a second head-end on this machine must not even raise the epoch.
    let listener = runtime.block_on(listen(installation.config().panel.listen))?;
    let running = Running::start(&installation, tls.as_ref())?;
    let served = runtime.block_on(serve(listener, &running, tls.as_ref()));
    running.stop();
    served
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; is another head-end running? Choose another panel.listen otherwise"
        )
    })
}

/// Every thread but the panel's.
struct Running {
    on_air: OnAir,
    air: Arc<Mutex<Option<AirThread>>>,
    console: Arc<StationConsole>,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
    journal: std::thread::JoinHandle<()>,
}

impl Running {
    fn start(installation: &Installation, tls: Option<&PanelTls>) -> Result<Self> {
        let config = installation.config();
        let mut store = installation.store()?;
        let alive = store.close_lost()?;
        let epoch = epoch::next(&installation.epoch(), store.highest_epoch()?)?;
        let pair = loa_net::read_clocks();
        let now = WallTime::from_unix_ns(pair.wall_ns);
        let clock = StationClock::new(MonoTime::from_ns(pair.mono_ns), now);
        let tree = store.zones()?;

        let own = Arc::new(OwnSound::new().context("cannot make the station's own sounds")?);
        let own_sound = Arc::clone(&own);
        let chimes = chimes(config)?;
        let chime = info_of(&chimes);
        let fill = match &config.playout.fill {
            Some(title) => fill::find(&store, title)?,
            None => None,
        };
        // A day without it is better than no day.
        let missing_fill = config.playout.fill.clone().filter(|_| fill.is_none());
        let missing_fill = missing_fill.map(Trouble::MissingFill);
        if let Some(why) = &missing_fill {
            warn!("{why}");
        }
        let drill = own.drill();
        let settings = EngineSettings {
            fill,
            drill: Some(ChimeInfo {
                media: drill.media,
                duration: drill.duration,
            }),
            utc_offset_min: utc_offset_min(config.station.time_zone, now),
            ..engine_settings(&config.playout, chime)
        };
        let mut engine = Engine::new(tree.clone(), epoch, settings, now);
        restart::take_up(&mut engine, &store, alive, now)?;

        let addressing = installation.addressing()?;
        let sender_config = SenderConfig {
            interface: config.multicast.interface.parse()?,
            towards: config.multicast.base,
            ttl: config.multicast.ttl,
            dscp: config.multicast.dscp,
            loopback: true,
        };
        let sender = MulticastSender::open(&sender_config).context("cannot send multicast")?;
        let same_config = sender_config.clone();
        let origin = sender
            .interface()
            .address
            .unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
        let library = installation.library()?;
        let (journal_in, journal_out) = std::sync::mpsc::sync_channel(journal::ENTRIES_MAX);
        let (on_air, air) = on_air::start(AirConfig {
            engine,
            epoch,
            tree: tree.clone(),
            utc_offset_min: settings.utc_offset_min,
            addressing,
            sender,
            open_sender: Box::new(move || MulticastSender::open(&same_config)),
            signer: installation.signer()?,
            cname: config.station.name.clone(),
            playout: config.playout.clone(),
            chimes,
            drill: own.find(own.drill().media).map(Arc::new),
            silence: Arc::new(library::silence().context("cannot make silence")?),
            dead_air: DeadAir {
                level_dbfs: config.playout.dead_air_dbfs,
                after: Duration::from_secs(u64::from(config.playout.dead_air_s)),
            },
            open_relay: relay::opener(
                installation.library()?,
                config.media.target_lufs,
                config.playout.relay_silence_dbfs,
            ),
            read_media: Box::new(move |hash| match own_sound.find(hash) {
                Some(audio) => Ok(audio),
                None => Ok(library.read(hash)?),
            }),
            journal: journal_in.clone(),
            clock,
            stream_start: Box::new(random_start),
        })
        .context("cannot start the air thread")?;
        if let Scheduling::Normal { why } = air.scheduling() {
            warn!("the air thread has no real-time priority, packets may leave late under load: {why}");
        }

        let air = Arc::new(Mutex::new(Some(air)));
        let stop = Arc::new(AtomicBool::new(false));
        let planned = Arc::new(Planned::default());
        planned.zones.store(Arc::new(tree));
        let state = Arc::<JournalState>::default();
        let seen = on_air.clone();
        let journal = journal::start(
            installation.database(),
            journal_out,
            move || seen.snapshot().at,
            Arc::clone(&state),
        )?;
        let describer = Describer {
            addressing,
            origin,
            ttl: config.multicast.ttl,
            epoch,
        };
        let mut threads = vec![planner::start(
            installation.database(),
            config.station.time_zone,
            on_air.clone(),
            Arc::clone(&planned),
            Arc::clone(&stop),
        )?];
        if config.multicast.announce {
            let sender_config = SenderConfig {
                dscp: 0,
                ..sender_config
            };
            threads.push(announce::start(
                describer,
                MulticastSender::open(&sender_config)?,
                Box::new(move || MulticastSender::open(&sender_config)),
                Arc::clone(&planned),
                Arc::clone(&stop),
            )?);
        }
        let receivers = Arc::<ReceiverBoard>::default();
        receivers.take(store.receivers()?);
        let emergency = Arc::new(EmergencyDesk::new(own.signal(), own.drill()));
        emergency.read(&store)?;
        emergency.remember(&store, now)?;
        let library = installation.library()?;
        let uploads = Uploads::open(library.clone(), config.media.upload_bytes_max())
            .with_context(|| format!("cannot use {}", library.uploads_path().display()))?;
        let uploads = Arc::new(uploads);
        let seen = on_air.clone();
        uploads::start(Importer {
            uploads: Arc::clone(&uploads),
            library: library.clone(),
            database: installation.database(),
            now: Box::new(move || seen.snapshot().at),
            stop: Arc::clone(&stop),
        })
        .context("cannot start the importing thread")?;
        let console = Arc::new(StationConsole {
            station: config.station.clone(),
            on_air: on_air.clone(),
            air: Arc::clone(&air),
            planned,
            journal: state,
            describer,
            database: installation.database(),
            store: Arc::default(),
            reader: Arc::default(),
            journal_in: Mutex::new(Some(journal_in)),
            receivers,
            emergency,
            starts: StartFigures::new(Duration::from_millis(u64::from(
                config.panel.time_to_air_alarm_ms,
            ))),
            voice: voice_spec(config.media.target_lufs),
            reach: Reach {
                is_secure: tls.is_some(),
                authority: tls.and_then(PanelTls::authority).map(str::to_owned),
            },
            people: PeopleState::new(config.panel.totp_roles.clone()),
            library,
            uploads,
            desk: Desk::new(config.clone()),
            keeper: Keeper::new(config.clone(), now),
            missing_fill,
            certificate_ends: installation.certificate()?.not_after,
        });
        Ok(Self {
            on_air,
            air,
            console,
            stop,
            threads,
            journal,
        })
    }

    /// Takes everything off air in order, and waits until it is written down.
    fn stop(self) {
        let Self {
            on_air,
            air,
            console,
            stop,
            threads,
            journal,
        } = self;
        stop.store(true, Ordering::Relaxed);
        let silent = |on_air: &OnAir| on_air.snapshot().zones.iter().all(|zone| zone.on_air.is_none());
        let deadline = Instant::now() + FADE_OUT_MAX;
        while !silent(&on_air) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        // The snapshot is up to 200 ms older than the engine's last word.
        std::thread::sleep(Duration::from_millis(300));
        let air = air.lock().unwrap_or_else(PoisonError::into_inner).take();
        if air.is_some_and(|air| air.stop().is_err()) {
            warn!("the air thread had panicked");
        }
        // A page that is still open keeps the console, and must not keep the journal.
        drop(
            console
                .journal_in
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        drop(console);
        for thread in threads {
            let _ = thread.join();
        }
        // The air thread's end of the journal's queue went with it.
        if journal.join().is_err() {
            warn!("the journal thread had panicked; the end of the as-run log is missing");
        }
        info!("off the air");
    }
}

async fn serve(listener: TcpListener, running: &Running, tls: Option<&PanelTls>) -> Result<()> {
    let app = loa_panel::router(Arc::clone(&running.console) as Arc<dyn loa_panel::Console>);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    info!(address = %listener.local_addr()?, tls = tls.is_some(), "panel");
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut seconds = interval(Duration::from_secs(1));
    let mut refreshes = interval(REFRESH);
    let mut measures = interval(MEASURE);
    let mut renewals = interval_at(tokio::time::Instant::now() + RENEWAL, RENEWAL);
    // Without a service manager there is nobody to notify.
    let notify = |state| sd_notify::notify(&[state]);
    let _ = notify(sd_notify::NotifyState::Ready);
    let mut server = match tls {
        None => tokio::spawn(async move { axum::serve(listener, service).await }),
        Some(tls) => {
            let server = axum_server::from_tcp(listener.into_std()?)?.acceptor(tls.door());
            tokio::spawn(async move { server.serve(service).await })
        }
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            // The service manager starts all of it again, and the day goes on where it was.
            ended = &mut server => anyhow::bail!("the panel has ended: {ended:?}"),
            _ = renewals.tick() => {
                if let Some(Err(error)) = tls.map(|tls| tls.renew(wall_now())) {
                    warn!("the panel's certificate cannot be renewed, and the one before stays: {error:#}");
                }
            }
            // While the database is away, what was known stays.
            _ = refreshes.tick() => {
                let console = Arc::clone(&running.console);
                tokio::spawn(async move { console.refresh().await });
            }
            _ = measures.tick() => {
                let console = Arc::clone(&running.console);
                tokio::spawn(async move { console.measure_starts().await });
            }
            _ = seconds.tick() => {
                let lives = running.air.lock().is_ok_and(|air| air.as_ref().is_some_and(|air| !air.is_finished()));
                anyhow::ensure!(lives, "the air thread has ended");
                let _ = notify(sd_notify::NotifyState::Watchdog);
            }
        }
    }
    let _ = notify(sd_notify::NotifyState::Stopping);
    info!("stopping");
    // What is on air fades; a refusal means that this was asked before.
    let _ = running.on_air.command(Command::ShutDown).await;
    server.abort();
    Ok(())
}

/// Renders the chime as loud as programmes may ask for; nothing if the station has none.
fn chimes(config: &Config) -> Result<BTreeMap<i8, Arc<EncodedAudio>>> {
    if !config.playout.chime {
        return Ok(BTreeMap::new());
    }
    library::chimes(CHIME_BITRATE).context("cannot make the chime")
}

fn info_of(chimes: &BTreeMap<i8, Arc<EncodedAudio>>) -> Option<ChimeInfo> {
    chimes.get(&0).map(|chime| ChimeInfo {
        media: chime.media,
        duration: chime.duration(),
    })
}

/// Returns what the engine knows of the chime.
///
/// # Errors
///
/// If it cannot be rendered.
pub(crate) fn chime_info(config: &Config) -> Result<Option<ChimeInfo>> {
    Ok(info_of(&chimes(config)?))
}

/// Returns the engine's settings for a configuration.
pub(crate) fn engine_settings(playout: &PlayoutConfig, chime: Option<ChimeInfo>) -> EngineSettings {
    let ms = |ms| Duration::from_millis(u64::from(ms));
    EngineSettings::new(chime, ms(playout.programme_delay_ms), ms(playout.urgent_delay_ms))
}

fn wall_now() -> WallTime {
    WallTime::from_unix_ns(loa_net::read_clocks().wall_ns)
}

fn random_start() -> StreamStart {
    let mut bytes = [0; 10];
    // RFC 3550 asks for random numbers so that streams do not collide; without a source the clock will do.
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..8].copy_from_slice(&loa_net::monotonic_ns().to_le_bytes());
    }
    let [a, b, c, d, e, f, g, h, i, j] = bytes;
    StreamStart {
        ssrc: u32::from_le_bytes([a, b, c, d]),
        timestamp: u32::from_le_bytes([e, f, g, h]),
        sequence: u16::from_le_bytes([i, j]),
    }
}

/// A receiver that is registered while the head-end runs is known within this.
const REFRESH: Duration = Duration::from_secs(10);
/// How long it takes to the loudspeakers is measured anew this often.
const MEASURE: Duration = Duration::from_secs(60);
/// Clear enough for bells, small enough for a datagram.
const CHIME_BITRATE: u32 = 64_000;
/// The panel's certificate lasts a year and a month.
const RENEWAL: Duration = Duration::from_secs(30 * 86_400);
/// Longest that stopping waits for what is on air to fade.
const FADE_OUT_MAX: Duration = Duration::from_secs(4);
