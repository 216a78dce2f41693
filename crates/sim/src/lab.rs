//! One head-end and many receivers: what each heard, against what the head-end's log says it should have.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use loa_model::{Channel, Priority, SessionId, WallTime, ZoneId, ZoneTree};
use loa_session::{Counters, Playout, QuietMemory, QuietStatus, Receiver, ReceiverSettings};
use loa_wire::Addressing;

use crate::head_end::{Datagram, HeadEnd, parts, root_public};
use crate::network::{Conditions, Network, Random};

/// A receiver with a network of its own.
#[derive(Debug)]
pub struct Node {
    zone: ZoneId,
    settings: ReceiverSettings,
    receiver: Receiver,
    /// What it keeps over a power cut.
    memory: Option<QuietMemory>,
    network: Network<Datagram>,
    heard: Vec<Heard>,
}

/// From `at` on a receiver heard this session, or nothing, at this volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: WallTime,
    /// Which.
    pub session: Option<SessionId>,
    /// Gain upon the receiver's own volume, dB.
    pub gain_db: i8,
}

/// The laboratory.
#[derive(Debug)]
pub struct Lab {
    /// The head-end under test.
    pub head_end: HeadEnd,
    /// Its receivers.
    pub nodes: Vec<Node>,
    tree: ZoneTree,
    beacons: VecDeque<Datagram>,
    cut: BTreeSet<Channel>,
    now: WallTime,
}

impl Lab {
    /// Puts one receiver into each of `zones`, each behind a network of its own with these conditions.
    ///
    /// # Panics
    ///
    /// If a zone is not in the tree.
    pub fn new(tree: &ZoneTree, zones: &[ZoneId], conditions: Conditions, seed: u64, now: WallTime) -> Self {
        let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).expect("the default groups");
        let mut random = Random::new(seed);
        let nodes = zones.iter().map(|zone| {
            let chain: Vec<_> = tree.chain(*zone).map(|zone| zone.channel).collect();
            assert!(!chain.is_empty(), "zone {zone} is in the tree");
            let settings = ReceiverSettings {
                chain,
                addressing,
                root_public: root_public(),
            };
            Node {
                zone: *zone,
                receiver: Receiver::new(settings.clone(), true, now),
                settings,
                memory: None,
                network: Network::new(conditions, random.next()),
                heard: Vec::new(),
            }
        });
        Self {
            nodes: nodes.collect(),
            head_end: HeadEnd::new(tree, addressing, 1, now),
            tree: tree.clone(),
            beacons: VecDeque::new(),
            cut: BTreeSet::new(),
            now,
        }
    }

    /// Returns the laboratory's time.
    pub const fn now(&self) -> WallTime {
        self.now
    }

    /// Runs for a while, in steps of 10 ms, as receivers do.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += STEP;
            for datagram in self.head_end.turn(self.now) {
                if datagram.rtcp {
                    if self.cut.contains(&datagram.channel) {
                        continue;
                    }
                    self.beacons.truncate(BEACONS_MAX - 1);
                    self.beacons.push_front(datagram.clone());
                }
                self.inject(&datagram);
            }
            self.nodes.iter_mut().for_each(|node| node.turn(self.now));
        }
    }

    /// Sends a datagram that need not be the head-end's.
    pub fn inject(&mut self, datagram: &Datagram) {
        let ears = self
            .nodes
            .iter_mut()
            .filter(|node| node.settings.chain.contains(&datagram.channel));
        ears.for_each(|node| node.network.send(datagram, self.now));
    }

    /// Returns the newest beacons that were on the network, newest first, as anyone may record them.
    pub const fn beacons(&self) -> &VecDeque<Datagram> {
        &self.beacons
    }

    /// Loses all beacons of a channel from here on.
    pub fn cut_beacons(&mut self, channel: Channel) {
        self.cut.insert(channel);
    }

    /// Cuts every receiver's power for a moment. What it kept is there again unless `wiped`.
    pub fn power_cut(&mut self, wiped: bool) {
        let now = self.now;
        self.nodes.iter_mut().for_each(|node| node.power_cut(wiped, now));
    }

    /// Returns, for each node, the share of the time until now in which it heard what the head-end's log says it should
    /// have: at each instant the strongest of what was on air in its chain.
    pub fn agreement(&self) -> Vec<f64> {
        self.nodes.iter().map(|node| self.agreement_of(node)).collect()
    }

    fn agreement_of(&self, node: &Node) -> f64 {
        let log = parts(self.head_end.as_run());
        let first = log.iter().map(|(.., from, _)| *from).min().unwrap_or(self.now);
        let (mut right, mut all) = (0u32, 0u32);
        let mut at = first;
        while at < self.now {
            let sounding = log
                .iter()
                .filter(|(zone, .., from, to)| *from <= at && at < *to && self.tree.covers(*zone, node.zone));
            let strongest = sounding.max_by_key(|(zone, class, session, ..)| Priority {
                class: *class,
                depth: self.tree.depth(*zone),
                order: 0,
                session: *session,
            });
            all += 1;
            right += u32::from(node.heard_at(at) == strongest.map(|(_, _, session, ..)| *session));
            at += STEP;
        }
        f64::from(right) / f64::from(all.max(1))
    }
}

impl Node {
    /// Returns what it heard, change by change.
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Returns its counts.
    pub fn counters(&self) -> Counters {
        self.receiver.counters()
    }

    /// Returns how quiet hours stand with it.
    pub fn quiet(&self) -> QuietStatus {
        self.receiver.quiet()
    }

    fn power_cut(&mut self, wiped: bool, now: WallTime) {
        self.receiver = Receiver::new(self.settings.clone(), true, now);
        self.heard.push(Heard {
            at: now,
            session: None,
            gain_db: 0,
        });
        match &self.memory {
            Some(memory) if !wiped => self
                .receiver
                .restore_quiet(memory.clone())
                .expect("what it kept is good"),
            _ => self.memory = None,
        }
    }

    fn turn(&mut self, now: WallTime) {
        while let Some((arrived, Datagram { channel, rtcp, bytes })) = self.network.receive(now) {
            if rtcp {
                self.receiver.handle_rtcp(channel, &bytes, arrived);
            } else {
                self.receiver.handle_rtp(channel, &bytes, arrived);
            }
        }
        // A sound card holds a little: what is decided now sounds in 40 ms.
        let until = (now + CARD).to_sample();
        while let Some(playout) = self.receiver.playout(until) {
            match playout {
                Playout::Switch(switch) => self.heard.push(Heard {
                    at: switch.at.to_wall(),
                    session: switch.to.map(|playing| playing.key.session),
                    gain_db: switch.gain_db,
                }),
                Playout::Volume(volume) => self.heard.push(Heard {
                    at: volume.at.to_wall(),
                    session: self.heard.last().and_then(|heard| heard.session),
                    gain_db: volume.gain_db,
                }),
                Playout::Frame(_) | Playout::Gap(_) | Playout::Withheld(_) => {}
            }
        }
        if let Some(memory) = self.receiver.poll_quiet_memory() {
            self.memory = Some(memory);
        }
    }

    fn heard_at(&self, at: WallTime) -> Option<SessionId> {
        self.heard
            .iter()
            .take_while(|heard| heard.at <= at)
            .last()
            .and_then(|heard| heard.session)
    }
}

/// A minute of a small district.
const BEACONS_MAX: usize = 512;
const STEP: Duration = Duration::from_millis(10);
const CARD: Duration = Duration::from_millis(40);
