//! Quiet hours: nothing but an emergency with a named author sounds in them.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{
    BulletinClass, EndReason, Origin, QuietHours, Refusal, SessionId, WallTime, ZoneId, ZoneTree,
};

use crate::engine::Engine;
use crate::session::Session;

/// What each zone may sound, and has sounded today.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quiet {
    hours: BTreeMap<ZoneId, QuietHours>,
    /// Minutes of sound, by zone, for zones whose minutes are limited: the local day, and how long in it.
    spent: BTreeMap<ZoneId, (i64, Duration)>,
}

impl Quiet {
    pub(crate) fn take(&mut self, tree: &ZoneTree, utc_offset_min: i16) {
        let zones = tree.iter().filter_map(|zone| {
            let policy = tree.quiet(zone.id)?.clone();
            let hours = QuietHours {
                policy,
                utc_offset_min,
            };
            Some((zone.id, hours))
        });
        self.hours = zones.collect();
        self.spent.retain(|zone, _| self.hours.contains_key(zone));
    }

    /// Returns the first instant from `at` on at which a zone may not sound.
    pub(crate) fn from(&self, zone: ZoneId, at: WallTime) -> Option<WallTime> {
        self.hours.get(&zone)?.quiet_from(at)
    }

    pub(crate) fn permits(&self, zone: ZoneId, at: WallTime) -> bool {
        self.hours.get(&zone).is_none_or(|hours| hours.permits(at))
    }

    /// Returns for how long a zone may still sound on the day of `at`; none without a limit.
    pub(crate) fn left(&self, zone: ZoneId, at: WallTime) -> Option<Duration> {
        let hours = self.hours.get(&zone)?;
        let limit = Duration::from_secs(u64::from(hours.policy.minutes_a_day?) * 60);
        let spent = self
            .spent
            .get(&zone)
            .filter(|(day, _)| *day == hours.local_day(at));
        Some(limit.saturating_sub(spent.map_or(Duration::ZERO, |(_, spent)| *spent)))
    }

    /// Counts a stretch of sound in a zone and all below it.
    pub(crate) fn spend(&mut self, tree: &ZoneTree, zone: ZoneId, from: WallTime, to: WallTime) {
        let limited = self
            .hours
            .iter()
            .filter(|(_, hours)| hours.policy.minutes_a_day.is_some());
        for (heard_in, hours) in limited.filter(|(below, _)| tree.covers(zone, **below)) {
            let day = hours.local_day(from);
            let spent = self.spent.entry(*heard_in).or_insert((day, Duration::ZERO));
            if spent.0 != day {
                *spent = (day, Duration::ZERO);
            }
            spent.1 += to.since(from);
        }
    }
}

impl Engine {
    /// Tells whether a zone may sound at an instant, and for how much longer that day.
    pub(crate) fn check_quiet(&self, zone: ZoneId, at: WallTime) -> Result<(), Refusal> {
        if !self.quiet.permits(zone, at) {
            return Err(Refusal::QuietHours(zone));
        }
        if self.quiet.left(zone, at) == Some(Duration::ZERO) {
            return Err(Refusal::MinutesSpent(zone));
        }
        Ok(())
    }

    /// Works out anew when each session has to be silent, after zones or policies changed.
    pub(crate) fn refresh_quiet(&mut self, now: WallTime) {
        self.quiet.take(&self.tree, self.settings.utc_offset_min);
        let Self { sessions, quiet, .. } = self;
        for session in sessions.values_mut().filter(|session| !session.is_authored()) {
            let from = session.on_air.as_ref().map_or(now, |part| part.from).max(now);
            session.quiet_at = quiet.from(session.zone, from);
        }
    }

    /// Returns the next session that has to be silent from an instant on.
    pub(crate) fn next_silence(&self) -> Option<(WallTime, SessionId)> {
        let silent = self.sessions.values().filter(|session| session.wants);
        silent
            .filter_map(|session| Some((session.silent_at()?.0, session.id)))
            .min()
    }

    /// Takes a session off the air for good, because its zone has to be silent.
    pub(crate) fn silence(&mut self, id: SessionId, at: WallTime, now: WallTime) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let reason = session
            .silent_at()
            .map_or(EndReason::QuietHours, |(_, reason)| reason);
        session.wants = false;
        let (mut stopped, _) = session.take_back(at);
        stopped.extend(session.close(at, reason.clone()));
        let bears_it = session
            .closing
            .last()
            .is_some_and(|part| part.reason.as_ref() == Some(&reason));
        self.stop(id, &stopped, now);
        if !bears_it {
            self.log_end(id, &reason, now);
        }
    }
}

impl Session {
    /// Tells whether it is an emergency that a named person released.
    pub(crate) fn is_authored(&self) -> bool {
        let named = matches!(&self.origin, Origin::Override { by, .. } if !by.is_empty());
        named && self.class == BulletinClass::Emergency
    }

    /// Returns from when on it has to be silent, and why.
    fn silent_at(&self) -> Option<(WallTime, EndReason)> {
        let hours = self.quiet_at.map(|at| (at, EndReason::QuietHours));
        let spent = self.on_air.as_ref().and_then(|part| part.spent_at);
        let spent = spent.map(|at| (at, EndReason::MinutesSpent));
        [hours, spent].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
