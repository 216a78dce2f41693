//! The receiver's main loop: drain the network, render ten milliseconds, hand them to the sound card. The card is its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use loa_model::{Channel, MonoTime, SampleTime, WallTime};
use loa_net::{GroupSet, GroupSetError};
use loa_session::{Playout, Receiver, ReceiverSettings, StationClock};
use loa_sound::{Position, Sink};
use loa_wire::{Addressing, ClockReport, Report};
use tracing::{error, info, warn};

use crate::accounts::Accounts;
use crate::config::{ClockTrustConfig, Config, ReportConfig};
use crate::identity::Identity;
use crate::keeper::{self, Keeper};
use crate::memberships::{Memberships, News};
use crate::playback::{BLOCK, Card, Playback, Timeline};
use crate::printer::Printer;
use crate::renderer::Renderer;
use crate::reporter::Reporter;
use crate::status::{self, OutputStatus, Status, SwitchLine};
use crate::stop::Stop;

/// Receives and plays until told to stop.
///
/// # Errors
///
/// If it cannot start: no interface, no such output. A sound card may come late, and a key that cannot be used costs the
/// reports only. Once it runs it goes on whatever happens.
pub fn run(config: &Config) -> Result<()> {
    let stop = Stop::take_over().context("cannot take over SIGTERM")?;
    info!("memory is {}", loa_net::lock_memory());
    let mut node = Node::open(config)?;
    let notify = |state| sd_notify::notify(&[state]);
    // Without a service manager there is nobody to notify.
    let _ = notify(sd_notify::NotifyState::Ready);
    info!(
        receiver = config.code,
        sink = config.output.sink,
        "receiver plays"
    );
    while !stop.is_wished() {
        if node.turn() {
            let _ = notify(sd_notify::NotifyState::Watchdog);
        }
    }
    let _ = notify(sd_notify::NotifyState::Stopping);
    node.second();
    info!("receiver stops");
    Ok(())
}

struct Node<'a> {
    config: &'a Config,
    clock: StationClock,
    groups: GroupSet,
    memberships: Memberships,
    channels: Vec<(Channel, Port)>,
    sink: Box<dyn Sink>,
    playback: Playback,
    air: Air,
    reporter: Option<Reporter>,
    /// Why it does not report, though it should.
    report_fault: Option<String>,
    /// Whoever can issue a certificate reads this log perhaps once a day.
    next_certificate_warning: MonoTime,
    keeper: Keeper,
    next_keep: MonoTime,
    started: WallTime,
    next_second: MonoTime,
    next_report: MonoTime,
    last_block: MonoTime,
    /// How often the card began, ran empty, or went and came back.
    card_moves: u64,
    net_errors: u64,
}

#[derive(Clone, Copy)]
enum Port {
    Rtp,
    Rtcp,
}

/// The receiver's timeline, rendered when it is read.
struct Air {
    receiver: Receiver,
    renderer: Renderer,
    accounts: Accounts,
    printer: Printer,
    now: WallTime,
    undecodable: u64,
}

impl<'a> Node<'a> {
    fn open(config: &'a Config) -> Result<Self> {
        let addressing = Addressing::new(config.multicast.base, config.multicast.port)
            .context("[multicast] in the configuration")?;
        let chain: Vec<Channel> = config.zone.chain.iter().map(|link| link.channel).collect();
        let rtp = chain
            .iter()
            .map(|channel| (addressing.rtp(*channel), (*channel, Port::Rtp)));
        let rtcp = chain
            .iter()
            .map(|channel| (addressing.rtcp(*channel), (*channel, Port::Rtcp)));
        let (groups, channels): (Vec<_>, Vec<_>) = rtp.chain(rtcp).unzip();
        let net = loa_net::ReceiverConfig {
            interface: config.multicast.interface.parse()?,
            ..Default::default()
        };
        let groups = GroupSet::join(&groups, &net)?;
        let spec = loa_sound::parse(&config.output.sink).context("output.sink in the configuration")?;
        let sink = loa_sound::open(&spec)?;
        let (reporter, report_fault) = match config.report.as_ref().map(|report| report_to(report, config)) {
            None => (None, None),
            Some(Ok(reporter)) => (Some(reporter), None),
            // Nobody is near, and what it plays does not depend on what it says.
            Some(Err(error)) => {
                let fault = format!("does not report: {error:#}");
                error!("{fault}; sound is not affected");
                (None, Some(fault))
            }
        };

        let synchronised = loa_net::kernel_clock().synchronised;
        let pair = loa_net::read_clocks();
        let mono = MonoTime::from_ns(pair.mono_ns);
        let now = WallTime::from_unix_ns(pair.wall_ns);
        let settings = ReceiverSettings {
            chain,
            addressing,
            root_public: config.station.root_public_key,
        };
        let clock = StationClock::new(mono, now);
        let trusted = is_trusted(config.clock.trust, synchronised, &clock);
        let mut receiver = Receiver::new(settings, trusted, now);
        recall_quiet(&mut receiver, config);
        let keeper = Keeper::start(&config.state_dir).context("cannot start the keeper thread")?;
        let printer = Printer::start(std::io::stdout()).context("cannot start the printer thread")?;
        let renderer = Renderer::new(now.to_sample()).context("cannot make an Opus decoder")?;
        let output = &config.output;
        Ok(Self {
            config,
            clock,
            groups,
            memberships: Memberships::new(mono),
            channels,
            sink,
            playback: Playback::new(f64::from(output.volume_db), f64::from(output.limiter_dbtp)),
            air: Air {
                receiver,
                renderer,
                accounts: Accounts::default(),
                printer,
                now,
                undecodable: 0,
            },
            reporter,
            report_fault,
            next_certificate_warning: mono,
            keeper,
            next_keep: mono,
            started: now,
            next_second: mono + SECOND,
            next_report: mono + SECOND,
            last_block: mono,
            card_moves: 0,
            net_errors: 0,
        })
    }

    /// Does ten milliseconds of work, for as long as the card takes to play them. Tells whether a second passed.
    fn turn(&mut self) -> bool {
        self.drain();
        let position = self.sink.position();
        let elapsed = Duration::from_nanos(position.at.as_ns().saturating_sub(self.last_block.as_ns()));
        self.last_block = position.at;
        self.air.now = self.clock.now(position.at);
        let due = self.air.now + position.delay();
        let card = self.card(&position);
        let block = self.playback.block(&mut self.air, due, elapsed, card);
        self.sink.write(block);
        let now = MonoTime::from_ns(loa_net::monotonic_ns());
        let passed = now >= self.next_second;
        if passed {
            self.next_second = now + SECOND;
            self.second();
        }
        passed
    }

    fn card(&mut self, position: &Position) -> Card {
        let counts = self.sink.counts();
        let moves = u64::from(counts.taken > 0) + counts.underruns + u64::from(position.generation);
        match std::mem::replace(&mut self.card_moves, moves) == moves {
            true => Card::Running,
            false => Card::Moved,
        }
    }

    /// Takes in what the network has brought, but no more than leaves time to play.
    fn drain(&mut self) {
        for _ in 0..DATAGRAMS_PER_TURN {
            match self.groups.recv(Duration::ZERO) {
                Ok(Some(datagram)) => {
                    let now = self.clock.now(MonoTime::from_ns(loa_net::monotonic_ns()));
                    let arrived = now - datagram.age;
                    let (channel, port) = self.channels[datagram.group];
                    match port {
                        Port::Rtp => self.air.receiver.handle_rtp(channel, datagram.bytes, arrived),
                        Port::Rtcp => self.air.receiver.handle_rtcp(channel, datagram.bytes, arrived),
                    }
                }
                Ok(None) => return,
                Err(error) => return self.note_net_error(&error),
            }
        }
    }

    fn note_net_error(&mut self, error: &GroupSetError) {
        if self.net_errors == 0 {
            error!("cannot receive: {error}; trying on");
        }
        self.net_errors += 1;
    }

    /// Once a second: the clock, a line of statistics, and a report when it is time.
    fn second(&mut self) {
        // Asked first: whatever made the kernel say so is then in the reading too.
        let synchronised = loa_net::kernel_clock().synchronised;
        let pair = loa_net::read_clocks();
        let mono = MonoTime::from_ns(pair.mono_ns);
        let stepped = self.clock.fault().is_some();
        self.clock
            .handle_reading(mono, WallTime::from_unix_ns(pair.wall_ns));
        if let Some(step) = self.clock.fault().filter(|_| !stepped) {
            let ahead_ms = step.system_ahead_ns / 1_000_000;
            warn!(
                ahead_ms,
                "the system clock was set; it is not followed until the receiver starts again"
            );
        }
        let trusted = is_trusted(self.config.clock.trust, synchronised, &self.clock);
        self.air.receiver.set_clock_trusted(trusted);

        self.keep_quiet(mono);
        self.keep_reporter(mono);
        self.keep_memberships(mono);
        self.warn_of_certificates(mono);

        let now = self.clock.now(mono);
        let position = self.sink.position();
        let counts = self.air.renderer.take_counts();
        self.air.receiver.note_gaps(counts.recovered, counts.concealed);
        self.air.undecodable += counts.undecodable;
        let counters = self.counters();
        let faults = self.faults(now);
        let clock = ClockReport {
            trusted: self.air.receiver.plays_by_clock(),
            beacon_ahead_ms: self.air.receiver.beacon_ahead_ns().map(|ns| ns as f64 / 1e6),
            card_ppm: self.playback.card_ppm(),
        };
        let output_dbfs = self.playback.take_level().rms_dbfs;
        let buffer_ms = self.air.receiver.buffered().as_secs_f64() * 1e3;
        self.air.printer.print(&Status {
            at: now,
            receiver: &self.config.code,
            playing: self.air.accounts.on_air(),
            quiet: self.air.receiver.quiet(),
            counters: &counters,
            buffer_ms,
            output_dbfs,
            clock,
            output: self.output(&position),
            beacon_age_s: self.beacon_ages(now),
            faults: &faults,
        });
        if let (Some(reporter), Some(config)) = (&self.reporter, &self.config.report) {
            if mono < self.next_report {
                return;
            }
            self.next_report = mono + config.interval();
            let volume_db = f64::from(self.config.output.volume_db);
            reporter.offer(Report {
                receiver: self.config.code.clone(),
                at: now,
                started: self.started,
                clock,
                playing: self.air.accounts.on_air().as_ref().map(status::playing_report),
                counters,
                buffer_ms,
                output_dbfs,
                faults,
                receipts: self.air.accounts.receipts(reporter.acknowledged(), volume_db),
            });
        }
    }

    /// Has quiet hours kept when they changed, but not so often that it wears out a memory card.
    fn keep_quiet(&mut self, now: MonoTime) {
        let memory = (now >= self.next_keep)
            .then(|| self.air.receiver.poll_quiet_memory())
            .flatten();
        if memory.is_some() {
            self.next_keep = now + KEEP_PERIOD;
        }
        self.keeper.keep(memory);
    }

    /// Tries again to report if that could not be begun: the disk may have been full.
    fn keep_reporter(&mut self, now: MonoTime) {
        let Some(report) = &self.config.report else {
            return;
        };
        if self.reporter.is_some() || now < self.next_report {
            return;
        }
        self.next_report = now + REPORTER_PERIOD;
        if let Ok(reporter) = report_to(report, self.config) {
            info!("can report now");
            (self.reporter, self.report_fault) = (Some(reporter), None);
            self.next_report = now;
        }
    }

    /// Joins the groups again while no beacon comes. That may keep the card waiting, but nothing sounds then.
    fn keep_memberships(&mut self, now: MonoTime) {
        match self.memberships.look(self.air.receiver.counters().beacons, now) {
            None => {}
            Some(News::Heard) => info!("beacons come again"),
            Some(News::Silent { first }) => {
                let joined = self.groups.rejoin();
                if !first {
                    return;
                }
                warn!("no beacon comes; the groups are joined again every ten seconds");
                if let Err(error) = joined {
                    error!("cannot join the groups again: {:#}", anyhow::Error::from(error));
                }
            }
        }
    }

    fn warn_of_certificates(&mut self, now: MonoTime) {
        let faults = self.certificate_faults(self.clock.now(now));
        if faults.is_empty() || now < self.next_certificate_warning {
            return;
        }
        self.next_certificate_warning = now + CERTIFICATE_WARNING_PERIOD;
        for fault in faults {
            warn!("{fault}");
        }
    }

    /// Returns which certificates are over or soon will be; by a clock that may be wrong, none.
    fn certificate_faults(&self, now: WallTime) -> Vec<String> {
        if !self.air.receiver.plays_by_clock() {
            return Vec::new();
        }
        // Most stations speak on all groups of the chain.
        let ends: BTreeSet<WallTime> = self.air.receiver.certificate_ends().values().copied().collect();
        ends.into_iter()
            .filter_map(|end| certificate_fault(end, now))
            .collect()
    }

    fn output(&self, position: &Position) -> OutputStatus {
        OutputStatus {
            frame: position.consumed(),
            at: self.clock.now(position.at),
            generation: position.generation,
            ahead_ms: self.playback.ahead_ms(),
            locked: self.playback.is_locked(),
        }
    }

    fn counters(&self) -> BTreeMap<String, u64> {
        let mut counters = status::by_name(&self.air.receiver.counters());
        let net = self.groups.counts();
        let sink = self.sink.counts();
        let (report_failed, report_skipped) = self.reporter.as_ref().map_or((0, 0), Reporter::failures);
        let more = [
            ("undecodable", self.air.undecodable),
            ("net_oversize", net.oversize),
            ("net_kernel_full", u64::from(net.kernel_full)),
            ("net_errors", self.net_errors),
            ("net_rejoins", self.memberships.joined_again()),
            ("card_underruns", sink.underruns),
            ("card_lost", sink.lost),
            ("card_clipped", sink.clipped),
            ("card_restarts", sink.restarts),
            ("card_resyncs", self.playback.resyncs()),
            ("report_failed", report_failed),
            ("report_skipped", report_skipped),
            ("lines_dropped", self.air.printer.dropped()),
        ];
        counters.extend(more.map(|(name, count)| (name.to_owned(), count)));
        counters
    }

    fn beacon_ages(&self, now: WallTime) -> BTreeMap<Channel, f64> {
        let beacons = self.air.receiver.beacons().iter();
        beacons
            .map(|(channel, at)| (*channel, now.since(*at).as_secs_f64()))
            .collect()
    }

    /// Returns what is wrong, for people.
    fn faults(&self, now: WallTime) -> Vec<String> {
        let mut faults = Vec::new();
        for link in &self.config.zone.chain {
            let since = self
                .air
                .receiver
                .beacons()
                .get(&link.channel)
                .copied()
                .unwrap_or(self.started);
            let silent = now.since(since);
            if silent > BEACON_MISSING {
                faults.push(format!(
                    "no beacon from zone \"{}\" for {} s",
                    link.code,
                    silent.as_secs()
                ));
            }
        }
        if let Some(step) = self.clock.fault() {
            faults.push(format!(
                "system clock was set by {} ms; not followed until the receiver starts again",
                step.system_ahead_ns / 1_000_000
            ));
        }
        if !self.air.receiver.plays_by_clock() {
            faults.push("clock is not synchronised with the station's; plays by arrival".to_owned());
        }
        if self.keeper.is_failing() {
            faults.push("cannot keep quiet hours in the state directory".to_owned());
        }
        faults.extend(self.certificate_faults(now));
        faults.extend(self.report_fault.clone());
        faults.extend(self.sink.fault());
        faults
    }
}

impl Timeline for Air {
    fn skip(&mut self, samples: u64) {
        let to = self
            .renderer
            .next()
            .offset(i64::try_from(samples).unwrap_or(i64::MAX));
        self.fetch(to);
        self.renderer.skip(samples);
    }

    fn read(&mut self, samples: &mut [f32]) {
        let start = self.renderer.next();
        self.fetch(start.offset(i64::try_from(samples.len()).unwrap_or(i64::MAX)));
        self.renderer.read(samples);
        self.accounts.sounded(start, samples, self.now);
    }

    fn next(&self) -> SampleTime {
        self.renderer.next()
    }
}

impl Air {
    fn fetch(&mut self, until: SampleTime) {
        while let Some(playout) = self.receiver.playout(until) {
            self.accounts.note(&playout, self.now);
            self.renderer.handle(&playout);
            if let Playout::Switch(switch) = &playout {
                self.printer.print(&SwitchLine::from(switch));
            }
        }
    }
}

fn report_to(report: &ReportConfig, config: &Config) -> Result<Reporter> {
    let identity = Identity::open(&config.state_dir)?;
    Reporter::start(report, identity).context("cannot start the reporter thread")
}

/// Says that a certificate which ends at `end` is over, or soon will be.
fn certificate_fault(end: WallTime, now: WallTime) -> Option<String> {
    const REMEDY: &str = "issue a new one with `loa key issue`";
    if now > end {
        return Some(format!(
            "the station's certificate expired at {end}, so that nothing of it sounds; {REMEDY}"
        ));
    }
    (end.since(now) < CERTIFICATE_ENDS_SOON)
        .then(|| format!("the station's certificate expires at {end}; {REMEDY}"))
}

/// Goes on with the quiet hours of before the restart. Without them the receiver is silent until its zone's beacon.
fn recall_quiet(receiver: &mut Receiver, config: &Config) {
    let recalled = keeper::recall(&config.state_dir).map_err(anyhow::Error::from);
    let restored = recalled.and_then(|memory| {
        memory.map_or(Ok(()), |memory| {
            receiver.restore_quiet(memory).map_err(anyhow::Error::from)
        })
    });
    if let Err(error) = restored {
        warn!("quiet hours that were kept are ignored: {error:#}");
    }
}

/// Tells whether to play by the station clock. The kernel speaks of its own clock, and after a step that is another one.
const fn is_trusted(trust: ClockTrustConfig, synchronised: bool, clock: &StationClock) -> bool {
    match trust {
        ClockTrustConfig::Always => true,
        ClockTrustConfig::Never => false,
        ClockTrustConfig::Auto => synchronised && clock.fault().is_none(),
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// The first change is kept at once, the next one no earlier than this.
const KEEP_PERIOD: Duration = Duration::from_secs(10);
/// Reading a key takes a moment of the playing thread.
const REPORTER_PERIOD: Duration = Duration::from_secs(600);
/// A beacon comes each second; three missing are a dead path.
const BEACON_MISSING: Duration = Duration::from_secs(3);
/// As early as `loa check` says it.
const CERTIFICATE_ENDS_SOON: Duration = Duration::from_secs(30 * 86_400);
const CERTIFICATE_WARNING_PERIOD: Duration = Duration::from_secs(86_400);
/// A flood must not keep the card waiting: 256 signatures take a few milliseconds.
const DATAGRAMS_PER_TURN: usize = 256;

const _: () = assert!(BLOCK == 480, "a turn is ten milliseconds");

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A receiver of this machine that plays to nobody and reports to nobody who is there.
    fn config(state_dir: &Path) -> Config {
        let port = 10_000 + 2 * (std::process::id() % 9_000);
        let text = format!(
            r#"
            code = "pole"
            state_dir = "{}"
            zone.chain = [{{ code = "xa", channel = 1 }}]
            station.root_public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            multicast.interface = "127.0.0.1"
            multicast.port = {port}
            output.sink = "null"
            report.url = "http://127.0.0.1:9"
            "#,
            state_dir.display()
        );
        Config::parse(&text, Path::new("receiver.toml")).unwrap()
    }

    /// The key signs reports and nothing that is heard.
    #[test]
    fn a_key_that_cannot_be_used_costs_the_reports_and_no_sound() {
        let dir = tempfile::tempdir().unwrap();
        let (damaged, no_directory) = (dir.path().join("damaged"), dir.path().join("file"));
        std::fs::create_dir(&damaged).unwrap();
        std::fs::write(damaged.join("report.key"), "junk").unwrap();
        std::fs::write(&no_directory, "").unwrap();
        let whole = dir.path().join("whole");
        let rows = [
            (&damaged, Some("report.key is damaged")),
            (&no_directory, Some("cannot use key")),
            (&whole, None),
        ];
        for (state_dir, expected) in rows {
            let config = config(state_dir);
            let mut node = Node::open(&config).unwrap();
            for _ in 0..3 {
                node.turn();
            }
            assert_eq!(node.sink.counts().taken, 3 * BLOCK as u64, "{expected:?}");
            let faults = node.faults(node.air.now);
            let found = faults.iter().find(|fault| fault.starts_with("does not report: "));
            assert_eq!(found.is_some(), expected.is_some(), "{faults:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.contains(expected), "{found}");
            }
        }
    }

    /// Each row: when it is, s after the end of the certificate, and what is said.
    #[test]
    fn a_certificate_is_a_fault_a_month_before_it_ends() {
        const DAY: i64 = 86_400;
        let end = WallTime::from_unix_s(1_800_000_000);
        let rows = [
            (-31 * DAY, None),
            (-30 * DAY + 1, Some("expires at 2027-01-15T08:00:00.000Z")),
            (0, Some("expires at")),
            (1, Some("expired at 2027-01-15T08:00:00.000Z, so that nothing")),
        ];
        for (after_s, expected) in rows {
            let said = certificate_fault(end, WallTime::from_unix_s(1_800_000_000 + after_s));
            assert_eq!(said.is_some(), expected.is_some(), "{after_s} s: {said:?}");
            if let (Some(said), Some(expected)) = (said, expected) {
                assert!(said.contains(expected), "{after_s} s: {said}");
            }
        }
    }

    /// A box without a battery starts an hour behind, and NTP sets its clock while it runs: by the clock it would refuse
    /// every packet as an hour too new.
    #[test]
    fn a_clock_that_was_set_and_is_not_followed_is_not_trusted() {
        use ClockTrustConfig::{Always, Auto, Never};
        let start = WallTime::from_unix_s(1_800_000_000);
        let mono = |s: u64| MonoTime::from_ns(s * 1_000_000_000);
        let mut clock = StationClock::new(mono(0), start);
        let trusted = |clock: &StationClock| {
            let by = |trust, synchronised| is_trusted(trust, synchronised, clock);
            [
                by(Auto, false),
                by(Auto, true),
                by(Always, false),
                by(Never, true),
            ]
        };
        assert_eq!(trusted(&clock), [false, true, true, false]);
        clock.handle_reading(mono(1), start + Duration::from_secs(3_601));
        assert_eq!(trusted(&clock), [false, false, true, false], "set by an hour");
        clock.handle_reading(mono(2), start + Duration::from_secs(2));
        assert_eq!(trusted(&clock), [false, true, true, false], "set back again");
    }
}
