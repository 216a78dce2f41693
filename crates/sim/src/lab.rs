//! One head-end and many receivers: what each heard, against what the head-end's log says it should have.

use std::time::Duration;

use loa_model::{Channel, Priority, SessionId, WallTime, ZoneId, ZoneTree};
use loa_session::{Counters, Playout, Receiver, ReceiverSettings};
use loa_wire::Addressing;

use crate::head_end::{Datagram, HeadEnd, parts, root_public};
use crate::network::{Conditions, Network, Random};

/// A receiver with a network of its own.
#[derive(Debug)]
pub struct Node {
    zone: ZoneId,
    chain: Vec<Channel>,
    receiver: Receiver,
    network: Network<Datagram>,
    heard: Vec<Heard>,
}

/// From `at` on a receiver heard this session, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: WallTime,
    /// Which.
    pub session: Option<SessionId>,
}

/// The laboratory.
#[derive(Debug)]
pub struct Lab {
    /// The head-end under test.
    pub head_end: HeadEnd,
    /// Its receivers.
    pub nodes: Vec<Node>,
    tree: ZoneTree,
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
                chain: chain.clone(),
                addressing,
                root_public: root_public(),
            };
            Node {
                zone: *zone,
                chain,
                receiver: Receiver::new(settings, true, now),
                network: Network::new(conditions, random.next()),
                heard: Vec::new(),
            }
        });
        Self {
            nodes: nodes.collect(),
            head_end: HeadEnd::new(tree, addressing, 1, now),
            tree: tree.clone(),
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
                let ears = self
                    .nodes
                    .iter_mut()
                    .filter(|node| node.chain.contains(&datagram.channel));
                ears.for_each(|node| node.network.send(&datagram, self.now));
            }
            self.nodes.iter_mut().for_each(|node| node.turn(self.now));
        }
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
            if let Playout::Switch(switch) = playout {
                let session = switch.to.map(|playing| playing.key.session);
                self.heard.push(Heard {
                    at: switch.at.to_wall(),
                    session,
                });
            }
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

const STEP: Duration = Duration::from_millis(10);
const CARD: Duration = Duration::from_millis(40);
