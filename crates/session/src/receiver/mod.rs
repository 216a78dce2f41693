//! The receiving side: authenticates datagrams, places them on the timeline, and says what sounds next. Sans-IO.

mod counters;
mod event;
mod quiet;
mod station;
mod timeline;
mod track;
mod window;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use loa_model::{Channel, SampleTime, WallTime};
use loa_wire::{Addressing, KeyId, RtpPacket, SignedBeacon, WireError, read_rtcp, read_rtp};

pub use counters::{Counters, DropReason};
pub use event::{Frame, Gap, Playing, Playout, SessionKey, Switch, SwitchReason, Volume, Withheld};
pub use quiet::{QuietMemory, QuietMemoryError, QuietStatus};

use crate::opus::packet_samples;
use station::{Numbered, Station};
use timeline::Timeline;
use track::{Placed, Track};
use window::Seen;

/// What a receiver is told beforehand.
#[derive(Clone, Debug)]
pub struct ReceiverSettings {
    /// Channels of its own zone and of each ancestor, up to the top.
    pub chain: Vec<Channel>,
    /// The installation's groups.
    pub addressing: Addressing,
    /// The root's public key.
    pub root_public: [u8; 32],
}

/// Turns datagrams into what sounds, by who may speak, who is stronger, and when.
///
/// Hand in each datagram with the time it arrived. Whoever renders the sound asks [`playout`](Self::playout) for
/// everything before the sample it needs next; that request is what moves time on.
///
/// It keeps its zone's quiet hours whoever asks: in them, and until it knows them, nothing sounds but an emergency with a
/// named author. Keep what [`poll_quiet_memory`](Self::poll_quiet_memory) returns and give it back to
/// [`restore_quiet`](Self::restore_quiet) at the next start, so that they hold from the first second.
#[derive(Debug)]
pub struct Receiver {
    settings: ReceiverSettings,
    /// Whether this machine's clock is synchronised.
    clock_trusted: bool,
    stations: BTreeMap<KeyId, Station>,
    /// Packets whose key may become known with the next beacon.
    unknown: VecDeque<Unknown>,
    timeline: Timeline,
    beacons: BTreeMap<Channel, WallTime>,
    certificate_ends: BTreeMap<Channel, WallTime>,
    counters: Counters,
    /// Lost in runs of stations that are over.
    lost_before: u64,
}

#[derive(Debug)]
struct Unknown {
    channel: Channel,
    datagram: Vec<u8>,
    arrived: WallTime,
}

impl Receiver {
    /// Starts with nothing heard.
    pub fn new(settings: ReceiverSettings, clock_trusted: bool, now: WallTime) -> Self {
        Self {
            settings,
            clock_trusted,
            stations: BTreeMap::new(),
            unknown: VecDeque::new(),
            timeline: Timeline::new(now.to_sample()),
            beacons: BTreeMap::new(),
            certificate_ends: BTreeMap::new(),
            counters: Counters::default(),
            lost_before: 0,
        }
    }

    /// Takes note of whether this machine's clock is synchronised; sessions that play keep their place.
    pub fn set_clock_trusted(&mut self, trusted: bool) {
        self.clock_trusted = trusted;
        self.set_quiet_clock();
    }

    /// Goes on with the quiet hours that were kept before the restart. To be called before anything is heard.
    ///
    /// # Errors
    ///
    /// See [`QuietMemoryError`]; nothing is changed then.
    pub fn restore_quiet(&mut self, memory: QuietMemory) -> Result<(), QuietMemoryError> {
        if self.settings.chain.first() != Some(&memory.channel) {
            return Err(QuietMemoryError::OtherZone {
                found: memory.channel,
            });
        }
        self.timeline.gate.restore(memory)
    }

    /// Returns what is to be kept of quiet hours over a restart, if that changed since the last call.
    pub fn poll_quiet_memory(&mut self) -> Option<QuietMemory> {
        let own = *self.settings.chain.first()?;
        self.timeline.gate.poll_memory(own)
    }

    /// Returns how quiet hours stand at the sample that is decided next.
    pub fn quiet(&self) -> QuietStatus {
        self.timeline.gate.status(self.timeline.decided())
    }

    /// Tells whether new sessions play by the clock, rather than by their arrival.
    pub fn plays_by_clock(&self) -> bool {
        self.clock_trusted && self.stations.values().all(Station::clocks_agree)
    }

    /// Accepts a datagram that came on the RTP port of a channel's group.
    pub fn handle_rtp(&mut self, channel: Channel, datagram: &[u8], arrived: WallTime) {
        if let Err(reason) = self.take_rtp(channel, datagram, arrived) {
            self.counters.note(reason);
        }
    }

    /// Accepts a datagram that came on the RTCP port of a channel's group.
    pub fn handle_rtcp(&mut self, channel: Channel, datagram: &[u8], arrived: WallTime) {
        if let Err(reason) = self.take_rtcp(channel, datagram, arrived) {
            self.counters.note(reason);
        }
    }

    /// Returns the next thing that sounds before `until`, or `None` when everything up to there was handed out.
    ///
    /// `until` must not go back.
    pub fn playout(&mut self, until: SampleTime) -> Option<Playout> {
        self.timeline.next(until)
    }

    /// Returns what is heard.
    pub fn playing(&self) -> Option<Playing> {
        self.timeline.playing()
    }

    /// Returns how long the sound lasts that is held of what is heard.
    pub fn buffered(&self) -> Duration {
        loa_model::samples_to_duration(self.timeline.buffered())
    }

    /// Returns the counts since the start.
    pub fn counters(&self) -> Counters {
        let lost = self.stations.values().map(Station::lost).sum::<u64>() + self.lost_before;
        Counters {
            lost,
            quiet: self.timeline.withheld(),
            ..self.counters
        }
    }

    /// Adds what only the renderer knows: gaps it filled from elsewhere, and gaps it concealed.
    pub const fn note_gaps(&mut self, recovered: u64, concealed: u64) {
        self.counters.recovered += recovered;
        self.counters.concealed += concealed;
    }

    /// Returns when each channel's newest beacon came.
    pub const fn beacons(&self) -> &BTreeMap<Channel, WallTime> {
        &self.beacons
    }

    /// Returns when the certificate ends with which each channel's newest beacon came. It may be over: such a beacon is
    /// refused, but says why nothing is heard.
    pub const fn certificate_ends(&self) -> &BTreeMap<Channel, WallTime> {
        &self.certificate_ends
    }

    /// Returns how far the stations' clocks seem ahead of this one: the clocks' difference less the network's delay, ns.
    pub fn beacon_ahead_ns(&self) -> Option<i64> {
        self.stations
            .values()
            .filter_map(Station::transit_ns)
            .map(|transit| -transit)
            .max_by_key(|ns| ns.abs())
    }

    fn depth(&self, channel: Channel) -> Result<u8, DropReason> {
        let chain = &self.settings.chain;
        let place = chain
            .iter()
            .position(|joined| *joined == channel)
            .ok_or(DropReason::NotJoined)?;
        Ok(u8::try_from(chain.len() - 1 - place).unwrap_or(u8::MAX))
    }

    fn take_rtp(&mut self, channel: Channel, datagram: &[u8], arrived: WallTime) -> Result<(), DropReason> {
        let depth = self.depth(channel)?;
        let packet = read_rtp(datagram).map_err(malformed)?;
        let samples = packet_samples(packet.payload).ok_or(DropReason::Malformed)?;
        if packet.onair.channel != channel {
            return Err(DropReason::WrongZone);
        }
        if !self.stations.contains_key(&packet.key_id) {
            return self.hold_unknown(channel, datagram, arrived);
        }
        let (key, numbered) = self.authenticate(channel, &packet, arrived)?;
        if numbered.seen != Seen::Never {
            return Err(self.seen_before(key, &packet, samples, arrived, numbered));
        }
        let sent = WallTime::from_ntp64(packet.ntp, arrived);
        let playing = Playing {
            key,
            class: packet.onair.class,
            depth,
            drill: packet.onair.drill,
            authored: packet.onair.authored,
            by_arrival: !self.plays_by_clock(),
        };
        let station = self
            .stations
            .get_mut(&packet.key_id)
            .ok_or(DropReason::UnknownKey)?;
        let reordered = station.mark(channel, numbered, sent);
        let track = self.timeline.track(key, || Track::new(playing, sent, arrived))?;
        let delay = Duration::from_millis(u64::from(packet.onair.playout_delay_ms));
        let (start, moved) = track.place(sent, arrived, delay);
        self.counters.reanchored += u64::from(moved);
        let placed = Placed {
            start,
            samples,
            last: packet.onair.last,
            payload: packet.payload.to_vec(),
        };
        self.timeline.insert(key, placed, arrived.to_sample())?;
        self.counters.received += 1;
        self.counters.reordered += u64::from(reordered);
        Ok(())
    }

    /// Checks signature, authority, run and time, in this order; only then is a packet's number worth a look.
    fn authenticate(
        &mut self,
        channel: Channel,
        packet: &RtpPacket<'_>,
        arrived: WallTime,
    ) -> Result<(SessionKey, Numbered), DropReason> {
        let to = self.settings.addressing.rtp(channel);
        let covered = self.covered(packet.key_id, channel);
        let station = self
            .stations
            .get_mut(&packet.key_id)
            .ok_or(DropReason::UnknownKey)?;
        packet.verify(&station.key, to).map_err(|_| DropReason::Forged)?;
        if !covered || packet.onair.class > station.key.highest() || arrived > station.key.not_after() {
            return Err(DropReason::Unauthorised);
        }
        let sent = WallTime::from_ntp64(packet.ntp, arrived);
        if let Some(lost) = station.take_epoch(packet.onair.session.epoch())? {
            self.lost_before += lost;
            self.timeline.end_station(packet.key_id);
        }
        station.check_fresh(channel, sent, arrived, self.clock_trusted)?;
        let key = SessionKey {
            station: packet.key_id,
            session: packet.onair.session,
            channel,
        };
        Ok((key, station.number(channel, packet.header.sequence, sent)))
    }

    /// Tells whether a station's subtree reaches down to this group.
    fn covered(&self, key: KeyId, channel: Channel) -> bool {
        let Some(station) = self.stations.get(&key) else {
            return false;
        };
        let mut up = self
            .settings
            .chain
            .iter()
            .skip_while(|joined| **joined != channel);
        let subtree = station.key.subtree();
        subtree == Channel::EVERY_ZONE || up.any(|joined| *joined == subtree)
    }

    /// Tells a copy that the network made from one that somebody sends again later.
    fn seen_before(
        &self,
        key: SessionKey,
        packet: &RtpPacket<'_>,
        samples: u32,
        arrived: WallTime,
        numbered: Numbered,
    ) -> DropReason {
        let delay = Duration::from_millis(u64::from(packet.onair.playout_delay_ms));
        let sounds = WallTime::from_ntp64(packet.ntp, arrived) + delay;
        let over = sounds.to_sample().offset(i64::from(samples)) <= arrived.to_sample();
        let known = self
            .timeline
            .playing()
            .is_some_and(|playing| playing.key == key && playing.by_arrival);
        if numbered.seen == Seen::Before && (!over || known) {
            DropReason::Duplicate
        } else {
            DropReason::Replayed
        }
    }

    fn take_rtcp(&mut self, channel: Channel, datagram: &[u8], arrived: WallTime) -> Result<(), DropReason> {
        self.depth(channel)?;
        let read = read_rtcp(datagram, arrived).map_err(malformed)?;
        let Some(signed) = read.beacon else {
            self.counters.other_rtcp += 1;
            return Ok(());
        };
        self.learn(&signed)?;
        let to = self.settings.addressing.rtcp(channel);
        let covered = self.covered(signed.key_id, channel);
        let station = self
            .stations
            .get_mut(&signed.key_id)
            .ok_or(DropReason::UnknownKey)?;
        let beacon = signed.verify(&station.key, to).map_err(|_| DropReason::Forged)?;
        if beacon.channel != channel {
            return Err(DropReason::WrongZone);
        }
        let certificate_end = station.key.not_after();
        if !covered || arrived > certificate_end {
            // Only what is sent at this time tells of the station; what was recorded before tells of its past.
            let fresh = station.check_fresh(channel, beacon.at, arrived, self.clock_trusted);
            if covered && self.clock_trusted && fresh.is_ok() {
                self.certificate_ends.insert(channel, certificate_end);
            }
            return Err(DropReason::Unauthorised);
        }
        if let Some(lost) = station.take_epoch(beacon.epoch)? {
            self.lost_before += lost;
            self.timeline.end_station(signed.key_id);
        }
        station.check_fresh(channel, beacon.at, arrived, self.clock_trusted)?;
        station.mark_beacon(channel, beacon.at, arrived)?;
        self.beacons.insert(channel, arrived);
        self.certificate_ends.insert(channel, certificate_end);
        self.counters.beacons += 1;
        if self.settings.chain.first() == Some(&channel) {
            self.timeline.gate.learn(signed.key_id, beacon);
        }
        self.set_quiet_clock();
        self.retry_unknown(signed.key_id, arrived);
        Ok(())
    }

    /// Quiet hours go by this machine's clock if that is trusted, else by the stations'; between the runs of a station,
    /// by what was last known.
    fn set_quiet_clock(&mut self) {
        let ahead_ns = if self.clock_trusted {
            Some(0)
        } else {
            self.beacon_ahead_ns()
        };
        if let Some(ahead_ns) = ahead_ns {
            self.timeline.gate.set_ahead_ns(ahead_ns);
        }
    }

    /// Learns a station's key from its certificate, and a renewed certificate from the same station.
    fn learn(&mut self, signed: &SignedBeacon<'_>) -> Result<(), DropReason> {
        let key = signed
            .certificate
            .verify(&self.settings.root_public)
            .map_err(|_| DropReason::Forged)?;
        if key.id() != signed.key_id {
            return Err(DropReason::Malformed);
        }
        let full = self.stations.len() >= STATIONS_MAX;
        match self.stations.get_mut(&key.id()) {
            // An old certificate in a beacon sent again must not shorten what a newer one allows.
            Some(station) if station.key.not_after() >= key.not_after() => {}
            Some(station) => station.key = key,
            None if full => return Err(DropReason::NoRoom),
            None => {
                self.stations.insert(key.id(), Station::new(key));
            }
        }
        Ok(())
    }

    fn hold_unknown(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        arrived: WallTime,
    ) -> Result<(), DropReason> {
        self.forget_unknown(arrived);
        if self.unknown.len() >= UNKNOWN_MAX {
            return Err(DropReason::UnknownKey);
        }
        self.unknown.push_back(Unknown {
            channel,
            datagram: datagram.to_vec(),
            arrived,
        });
        Ok(())
    }

    /// Gives up on packets whose key no beacon brought in time.
    fn forget_unknown(&mut self, now: WallTime) {
        while self
            .unknown
            .front()
            .is_some_and(|held| now.since(held.arrived) > UNKNOWN_AGE_MAX)
        {
            self.unknown.pop_front();
            self.counters.note(DropReason::UnknownKey);
        }
    }

    fn retry_unknown(&mut self, key: KeyId, now: WallTime) {
        self.forget_unknown(now);
        let ours = |held: &Unknown| read_rtp(&held.datagram).is_ok_and(|packet| packet.key_id == key);
        let (known, unknown) = self.unknown.drain(..).partition::<VecDeque<_>, _>(ours);
        self.unknown = unknown;
        for held in known {
            self.handle_rtp(held.channel, &held.datagram, held.arrived);
        }
    }
}

const fn malformed(_: WireError) -> DropReason {
    DropReason::Malformed
}

/// Stations that may speak to one receiver: its commune's, district's and province's, twice over for hand-overs.
const STATIONS_MAX: usize = 8;
/// Packets held while a key is unknown: more than a beacon's second of one 20 ms stream.
const UNKNOWN_MAX: usize = 64;
/// A beacon comes each second; after three the key is nobody's.
const UNKNOWN_AGE_MAX: Duration = Duration::from_secs(3);
