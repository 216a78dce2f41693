//! Quiet hours: nothing but an emergency with a named author sounds in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use loa_model::{
    BulletinClass, EndReason, Origin, QuietHours, Refusal, SessionId, WallTime, ZoneId, ZoneTree,
};

use crate::engine::Engine;
use crate::restore::Stretch;
use crate::session::Session;

/// What each zone may sound, and has sounded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quiet {
    hours: BTreeMap<ZoneId, QuietHours>,
    /// How long each zone whose minutes are limited has sounded, by local day: the newest two.
    spent: BTreeMap<ZoneId, BTreeMap<i64, Duration>>,
    /// What is sent to these is heard in a zone whose minutes are limited.
    sent_to_limited: BTreeSet<ZoneId>,
    /// What has sounded by then is in `spent`.
    counted: WallTime,
}

/// From the first sound until the first silence.
pub(crate) type Span = (WallTime, WallTime);

/// What counts of all that is not over yet, by the zone it is sent to.
pub(crate) type Sent = BTreeMap<ZoneId, Vec<Span>>;

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
        let chains = self.limited().flat_map(|zone| tree.chain(zone));
        self.sent_to_limited = chains.map(|above| above.id).collect();
        self.spent.retain(|zone, _| self.hours.contains_key(zone));
    }

    /// Counts what sounds from `now` on.
    pub(crate) const fn begin(&mut self, now: WallTime) {
        self.counted = now;
    }

    /// Returns the first instant from `at` on at which a zone may not sound.
    pub(crate) fn from(&self, zone: ZoneId, at: WallTime) -> Option<WallTime> {
        self.hours.get(&zone)?.quiet_from(at)
    }

    pub(crate) fn permits(&self, zone: ZoneId, at: WallTime) -> bool {
        self.hours.get(&zone).is_none_or(|hours| hours.permits(at))
    }

    /// Returns for how long a zone may sound a day; none without a limit.
    fn limit(&self, zone: ZoneId) -> Option<Duration> {
        let minutes = self.hours.get(&zone)?.policy.minutes_a_day?;
        Some(Duration::from_secs(u64::from(minutes) * 60))
    }

    fn is_limited(&self, zone: ZoneId) -> bool {
        self.limit(zone).is_some()
    }

    fn limited(&self) -> impl Iterator<Item = ZoneId> {
        self.hours.keys().copied().filter(|zone| self.is_limited(*zone))
    }

    /// Counts what a zone heard within a span, to each day its own.
    fn spend(&mut self, zone: ZoneId, heard: &[Span], mut span: Span) {
        let Some(hours) = self.hours.get(&zone) else {
            return;
        };
        let days = self.spent.entry(zone).or_default();
        while span.0 < span.1 {
            let day = hours.local_day(span.0);
            let ends = hours.day_begins(day + 1).min(span.1);
            let sounded = covered(heard, (span.0, ends));
            if !sounded.is_zero() {
                *days.entry(day).or_default() += sounded;
            }
            span.0 = ends;
        }
        while days.len() > DAYS_KEPT {
            days.pop_first();
        }
    }
}

impl Engine {
    /// Counts what has sounded by now. A zone that heard two things at once sounded once.
    pub(crate) fn count_sound(&mut self, now: WallTime) {
        let from = std::mem::replace(&mut self.quiet.counted, now);
        if self.quiet.sent_to_limited.is_empty() {
            return;
        }
        let sent = self.sent(self.sessions.values());
        let sounds = |zone: &ZoneId| self.tree.chain(*zone).any(|above| sent.contains_key(&above.id));
        for zone in self.quiet.limited().filter(sounds).collect::<Vec<_>>() {
            let heard = self.heard_in(zone, &sent);
            self.quiet.spend(zone, &heard, (from, now));
        }
    }

    /// Counts what an earlier run sounded.
    pub(crate) fn count_earlier(&mut self, heard: &[Stretch], now: WallTime) {
        for zone in self.quiet.limited().collect::<Vec<_>>() {
            let here = heard
                .iter()
                .filter(|stretch| self.tree.covers(stretch.zone, zone));
            let mut spans: Vec<_> = here.map(|stretch| (stretch.from, stretch.to)).collect();
            spans.sort_unstable();
            if let Some((first, _)) = spans.first().copied() {
                self.quiet.spend(zone, &spans, (first, now));
            }
        }
        self.quiet.counted = now;
    }

    /// Returns what counts of these sessions.
    pub(crate) fn sent<'a>(&self, sessions: impl Iterator<Item = &'a Session>) -> Sent {
        let mut sent = Sent::new();
        if self.quiet.sent_to_limited.is_empty() {
            return sent;
        }
        let counts =
            |session: &&Session| self.quiet.sent_to_limited.contains(&session.zone) && !session.is_authored();
        for session in sessions.filter(counts) {
            let parts = session.closing.iter().chain(&session.on_air);
            let spans = parts.map(|part| (part.from, part.ends));
            sent.entry(session.zone).or_default().extend(spans);
        }
        sent
    }

    /// Returns what counts of all that is heard in a zone.
    fn sent_to(&self, zone: ZoneId) -> Sent {
        let chain = self.tree.chain(zone);
        self.sent(chain.flat_map(|above| self.sessions.in_zone(above.id)))
    }

    /// Returns what of it is heard in a zone, in order.
    fn heard_in(&self, zone: ZoneId, sent: &Sent) -> Vec<Span> {
        let chain = self.tree.chain(zone).filter_map(|above| sent.get(&above.id));
        let mut heard: Vec<_> = chain.flatten().copied().collect();
        heard.sort_unstable();
        heard
    }

    /// Returns for how long a zone will have sounded by `by` on the day of `at`.
    fn sounded(&self, zone: ZoneId, sent: &Sent, at: WallTime, by: WallTime) -> Duration {
        let Quiet {
            hours,
            spent,
            counted,
            ..
        } = &self.quiet;
        let Some(hours) = hours.get(&zone) else {
            return Duration::ZERO;
        };
        let day = hours.local_day(at);
        let to_come = (
            hours.day_begins(day).max(*counted),
            hours.day_begins(day + 1).min(by),
        );
        let counted = spent.get(&zone).and_then(|days| days.get(&day));
        counted.copied().unwrap_or_default() + covered(&self.heard_in(zone, sent), to_come)
    }

    /// Returns from when on a zone has sounded for as long as it may, if it sounds from `from` on.
    fn spent_from(&self, zone: ZoneId, sent: &Sent, from: WallTime) -> Option<WallTime> {
        let limit = self.quiet.limit(zone)?;
        let hours = self.quiet.hours.get(&zone)?;
        // What it sounded until then is counted.
        let from = from.max(self.quiet.counted);
        let spent = from + limit.saturating_sub(self.sounded(zone, sent, from, from));
        let next_day = hours.day_begins(hours.local_day(from) + 1);
        if spent < next_day {
            return Some(spent);
        }
        // That day has all of its minutes.
        (limit < DAY).then(|| next_day + limit)
    }

    /// Tells whether nothing is left of its zone's minutes for a session that would sound from `from` on.
    pub(crate) fn is_spent(&self, session: &Session, from: WallTime) -> bool {
        let limited = !session.is_authored() && self.quiet.is_limited(session.zone);
        limited && self.spent_from(session.zone, &self.sent_to(session.zone), from) == Some(from)
    }

    /// Tells whether a zone may sound at an instant, and for how much longer that day.
    pub(crate) fn check_quiet(&self, zone: ZoneId, at: WallTime) -> Result<(), Refusal> {
        if !self.quiet.permits(zone, at) {
            return Err(Refusal::QuietHours(zone));
        }
        let spent = |limit| limit <= self.sounded(zone, &self.sent_to(zone), at, at);
        if self.quiet.limit(zone).is_some_and(spent) {
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

    /// Takes a session off the air for good, because its zone has to be silent.
    pub(crate) fn silence(&mut self, id: SessionId, at: WallTime, now: WallTime) {
        let silent = self
            .sessions
            .get(id)
            .and_then(|session| self.silent_at(session, &self.sent_to(session.zone)));
        let (Some((_, reason)), Some(session)) = (silent, self.sessions.get_mut(id)) else {
            return;
        };
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

    /// Returns from when on a session has to be silent, and why.
    pub(crate) fn silent_at(&self, session: &Session, sent: &Sent) -> Option<(WallTime, EndReason)> {
        let hours = session.quiet_at.map(|at| (at, EndReason::QuietHours));
        let on_air = session.on_air.as_ref().filter(|_| !session.is_authored());
        let spent = on_air.and_then(|part| self.spent_from(session.zone, sent, part.from));
        let spent = spent.map(|at| (at, EndReason::MinutesSpent));
        [hours, spent].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Session {
    /// Tells whether it is an emergency that a named person released.
    pub(crate) fn is_authored(&self) -> bool {
        let named = matches!(&self.origin, Origin::Override { by, .. } if !by.is_empty());
        named && self.class == BulletinClass::Emergency
    }
}

/// Returns for how much of a span anything of `heard`, which is in order, sounds.
fn covered(heard: &[Span], (mut from, to): Span) -> Duration {
    let mut sounded = Duration::ZERO;
    for (begins, ends) in heard {
        let (begins, ends) = ((*begins).max(from), (*ends).min(to));
        if begins < ends {
            sounded += ends.since(begins);
            from = ends;
        }
    }
    sounded
}

const DAY: Duration = Duration::from_secs(86_400);
/// What is sounding may have begun on the eve.
const DAYS_KEPT: usize = 2;
