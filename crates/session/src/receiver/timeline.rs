//! The timeline: decides, sample by sample, which session is heard, and hands out its packets.

use std::collections::{BTreeMap, VecDeque};

use loa_model::SampleTime;
use loa_wire::KeyId;

use super::counters::DropReason;
use super::event::{Frame, Gap, Playing, Playout, SessionKey, Switch, SwitchReason, Volume, Withheld};
use super::quiet::{Gate, Verdict};
use super::track::{Next, Placed, Track};

/// All sessions that have packets, and how far the decision has come.
#[derive(Debug)]
pub(super) struct Timeline {
    tracks: BTreeMap<SessionKey, Track>,
    /// Everything before this is decided.
    decided: SampleTime,
    on_air: Option<OnAir>,
    outputs: VecDeque<Playout>,
    /// Whether, and how loud, the zone may sound.
    pub(super) gate: Gate,
    /// Packets whose time to sound passed in silence.
    withheld: u64,
}

#[derive(Debug)]
struct OnAir {
    playing: Playing,
    /// Where it took the air.
    since: SampleTime,
    /// How far frames and gaps were handed out; may be past what is decided.
    handed: SampleTime,
    gain_db: i8,
}

impl Timeline {
    pub(super) fn new(from: SampleTime) -> Self {
        Self {
            tracks: BTreeMap::new(),
            decided: from,
            on_air: None,
            outputs: VecDeque::new(),
            gate: Gate::default(),
            withheld: 0,
        }
    }

    /// Finds a session's track, or makes one.
    pub(super) fn track(
        &mut self,
        key: SessionKey,
        make: impl FnOnce() -> Track,
    ) -> Result<&mut Track, DropReason> {
        if !self.tracks.contains_key(&key) && self.tracks.len() >= TRACKS_MAX {
            return Err(DropReason::NoRoom);
        }
        Ok(self.tracks.entry(key).or_insert_with(make))
    }

    /// Takes a placed packet into its session's track, which must have been made.
    pub(super) fn insert(
        &mut self,
        key: SessionKey,
        packet: Placed,
        now: SampleTime,
    ) -> Result<(), DropReason> {
        let end = packet.start.offset(i64::from(packet.samples));
        let handed = self
            .on_air
            .as_ref()
            .filter(|on_air| on_air.playing.key == key)
            .map(|on_air| on_air.handed);
        if end <= self.decided || handed.is_some_and(|handed| end <= handed) {
            return Err(DropReason::Late);
        }
        if packet.start.samples_after(now) > AHEAD_MAX {
            return Err(DropReason::TooEarly);
        }
        if self.tracks.values().map(Track::len).sum::<usize>() >= PACKETS_MAX {
            return Err(DropReason::NoRoom);
        }
        let start = packet.start;
        if !self
            .tracks
            .get_mut(&key)
            .is_some_and(|track| track.insert(packet))
        {
            return Err(DropReason::Duplicate);
        }
        // A group carries one session after another, so this one proves that those before it are over.
        let same_group = |other: &SessionKey| (other.station, other.channel) == (key.station, key.channel);
        let others = self
            .tracks
            .iter_mut()
            .filter(|(other, _)| **other != key && same_group(other));
        others.for_each(|(_, track)| track.end_by(start));
        Ok(())
    }

    /// Ends what a station sent in a run that is over: nothing of it will follow.
    pub(super) fn end_station(&mut self, station: KeyId) {
        let ended = self.tracks.iter_mut().filter(|(key, _)| key.station == station);
        ended.for_each(|(_, track)| track.end_by(track.reached()));
    }

    /// Returns how far the decision has come.
    pub(super) const fn decided(&self) -> SampleTime {
        self.decided
    }

    /// Returns how many packets' time to sound passed in silence.
    pub(super) const fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Returns what is heard.
    pub(super) fn playing(&self) -> Option<Playing> {
        self.on_air.as_ref().map(|on_air| on_air.playing)
    }

    /// Returns how much sound of the session on air waits beyond what is decided, in samples.
    pub(super) fn buffered(&self) -> u64 {
        let track = self
            .on_air
            .as_ref()
            .and_then(|on_air| self.tracks.get(&on_air.playing.key));
        track.map_or(0, |track| {
            u64::try_from(track.reached().samples_after(self.decided)).unwrap_or(0)
        })
    }

    /// Decides everything before `until` and returns the next of what follows from it; `None` when that was all.
    pub(super) fn next(&mut self, until: SampleTime) -> Option<Playout> {
        while self.outputs.is_empty() && self.decided < until {
            self.step(until);
        }
        self.outputs.pop_front()
    }

    /// Goes one stretch further: to the next change of the air, the next packet, an edge of quiet hours, or `until`.
    fn step(&mut self, until: SampleTime) {
        let at = self.decided;
        let verdict = self.gate.verdict(at);
        let winner = self.strongest(at, &verdict);
        if winner.map(|playing| playing.key) != self.playing().map(|playing| playing.key) {
            self.switch(at, winner, &verdict);
        }
        self.set_volume(at, &verdict);
        let boundary = self.boundary(at, winner, &verdict).min(until);
        match &mut self.on_air {
            Some(on_air) if on_air.handed < boundary => {
                let track = self
                    .tracks
                    .get(&on_air.playing.key)
                    .expect("the session on air has a track");
                let output = hand_out(on_air, track, boundary);
                self.outputs.push_back(output);
            }
            _ => {
                self.decided = boundary;
                self.account(at, boundary, &verdict);
                let on_air = self.playing().map(|playing| playing.key);
                self.tracks.retain(|key, track| {
                    track.prune(boundary);
                    track.holds_until() > boundary || on_air == Some(*key)
                });
            }
        }
    }

    fn strongest(&self, at: SampleTime, verdict: &Verdict) -> Option<Playing> {
        let holding = self
            .tracks
            .values()
            .filter(|track| track.holds(at) && verdict.admits(&track.playing));
        holding.map(|track| track.playing).max_by_key(Playing::priority)
    }

    /// Counts what sounded from `at` to `boundary`, and tells what was kept silent.
    fn account(&mut self, at: SampleTime, boundary: SampleTime, verdict: &Verdict) {
        let on_air = self.playing().filter(|playing| !playing.passes_quiet_hours());
        if let Some(track) = on_air.and_then(|playing| self.tracks.get(&playing.key)) {
            // Waiting for packets that may never come is no sound.
            let sounded = track.reached().min(boundary).samples_after(at);
            self.gate.count(verdict, u64::try_from(sounded).unwrap_or(0));
        }
        let Some(why) = verdict.silence else { return };
        for track in self
            .tracks
            .values()
            .filter(|track| !verdict.admits(&track.playing))
        {
            let from = track.first().max(at);
            let to = track.holds_until().min(track.reached()).min(boundary);
            if from < to {
                self.withheld += track.begin_within(from, to);
                self.outputs.push_back(Playout::Withheld(Withheld {
                    session: track.playing,
                    start: from,
                    samples: u64::try_from(to.samples_after(from)).unwrap_or(0),
                    why,
                }));
            }
        }
    }

    /// Returns the next sample at which another session may take the air, or the air's rules may change.
    fn boundary(&self, at: SampleTime, winner: Option<Playing>, verdict: &Verdict) -> SampleTime {
        let stronger = |track: &&Track| {
            verdict.admits(&track.playing)
                && winner.is_none_or(|playing| track.playing.priority() > playing.priority())
        };
        let starts = self
            .tracks
            .values()
            .filter(stronger)
            .map(Track::first)
            .filter(|first| *first > at);
        let end = winner
            .and_then(|playing| self.tracks.get(&playing.key))
            .map(Track::holds_until);
        starts
            .chain(end)
            .min()
            .map_or(verdict.until, |next| next.min(verdict.until))
    }

    fn set_volume(&mut self, at: SampleTime, verdict: &Verdict) {
        if let Some(on_air) = &mut self.on_air {
            let gain_db = verdict.gain_db_of(&on_air.playing);
            if std::mem::replace(&mut on_air.gain_db, gain_db) != gain_db {
                self.outputs.push_back(Playout::Volume(Volume { at, gain_db }));
            }
        }
    }

    fn switch(&mut self, at: SampleTime, to: Option<Playing>, verdict: &Verdict) {
        let from = self.on_air.take();
        let why = match (&from, to) {
            (None, _) => SwitchReason::Started,
            (Some(from), to) => {
                let track = self.tracks.get(&from.playing.key);
                let holds = track.is_some_and(|track| track.holds(at));
                if holds && !verdict.admits(&from.playing) {
                    SwitchReason::Quiet
                } else if holds && to.is_some() {
                    SwitchReason::PreEmpted
                } else if track.is_some_and(Track::is_complete) {
                    SwitchReason::Ended
                } else {
                    SwitchReason::Silent
                }
            }
        };
        let gain_db = to.map_or(0, |playing| verdict.gain_db_of(&playing));
        self.outputs.push_back(Playout::Switch(Switch {
            at,
            from: from.map(|from| from.playing),
            to,
            why,
            gain_db,
        }));
        self.on_air = to.map(|playing| {
            let handed = self
                .tracks
                .get(&playing.key)
                .map_or(at, |track| track.pre_roll(at));
            OnAir {
                playing,
                since: at,
                handed,
                gain_db,
            }
        });
    }
}

/// Hands out the next frame or gap of the session on air.
fn hand_out(on_air: &mut OnAir, track: &Track, boundary: SampleTime) -> Playout {
    let session = on_air.playing.key;
    match track.next(on_air.handed) {
        Next::Packet {
            start,
            samples,
            payload,
        } => {
            let heard_from = on_air.handed.max(on_air.since);
            let skip = u32::try_from(heard_from.samples_after(start))
                .unwrap_or(0)
                .min(samples);
            on_air.handed = start.offset(i64::from(samples));
            Playout::Frame(Frame {
                session,
                start,
                samples,
                skip,
                payload: payload.to_vec(),
            })
        }
        Next::Hole { until, next } => {
            let start = on_air.handed;
            let packet = track.packet_samples();
            let len = until.samples_after(start).min(i64::from(packet));
            on_air.handed = start.offset(len);
            let next = (len == i64::from(packet) && on_air.handed == until).then(|| next.to_vec());
            Playout::Gap(Gap {
                session,
                start,
                samples: u32::try_from(len).unwrap_or(packet),
                next,
            })
        }
        // A packet may still come; conceal no more than is needed now.
        Next::Nothing => {
            let start = on_air.handed;
            let len = boundary
                .samples_after(start)
                .clamp(1, i64::from(track.packet_samples().max(1)));
            on_air.handed = start.offset(len);
            Playout::Gap(Gap {
                session,
                start,
                samples: u32::try_from(len).unwrap_or(1),
                next: None,
            })
        }
    }
}

/// Sessions that may have packets at once: a chain of zones with one or two each.
const TRACKS_MAX: usize = 16;
/// Packets held in all: twice what one session of 20 ms packets can fill before it is too early.
const PACKETS_MAX: usize = 512;
/// Samples ahead of now that a packet may lie: 5 s.
const AHEAD_MAX: i64 = 240_000;
