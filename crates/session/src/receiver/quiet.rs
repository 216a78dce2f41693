//! Quiet hours as a receiver keeps them: its own zone's policy as it was last signed, and what sounded today.

use std::time::Duration;

use loa_model::{
    Channel, QuietHours, QuietPolicyError, SAMPLE_RATE, SampleTime, Silence, WallTime, samples_to_duration,
};
use loa_wire::{Beacon, KeyId};
use serde::{Deserialize, Serialize};

use super::event::Playing;

/// What a receiver remembers of quiet hours over a power cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietMemory {
    /// The zone whose policy it is.
    pub channel: Channel,
    /// Id of the station key that signed it.
    pub station: KeyId,
    /// Run of the head-end that said it.
    pub epoch: u32,
    /// When it was said; what was said before is not believed again.
    pub at: WallTime,
    /// The policy; none says that nothing restricts the zone.
    pub quiet: Option<QuietHours>,
    /// Local day, from 1970, that `sounded_s` counts.
    pub day: i64,
    /// Seconds that sounded on that day, emergencies with a named author aside.
    pub sounded_s: u64,
}

/// Why what was remembered is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuietMemoryError {
    /// The receiver stands in another zone than it did.
    #[error("it is the policy of channel {found}; this receiver's zone is another")]
    OtherZone {
        /// The zone it is for.
        found: Channel,
    },
    /// No policy that can be in force.
    #[error("its policy cannot be in force")]
    Policy(#[source] QuietPolicyError),
}

/// How quiet hours stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuietStatus {
    /// Why nothing but an emergency with a named author sounds; none if everything may.
    pub silence: Option<Silence>,
    /// Gain upon the receiver's own volume, dB.
    pub gain_db: i8,
    /// What sounded of this local day, emergencies with a named author aside.
    pub sounded_s: u64,
    /// When the policy was last heard; none before the first time.
    pub policy_at: Option<WallTime>,
}

/// Decides for each sample whether, and how loud, the zone may sound.
#[derive(Debug, Default)]
pub(super) struct Gate {
    known: Option<Known>,
    /// How far the station's time is ahead of the timeline, where that is laid out by a clock not to be trusted.
    ahead_ns: i64,
    day: i64,
    /// Samples that sounded on `day`, and how many of them were given out to be kept.
    sounded: u64,
    kept: u64,
    /// Something is to be kept.
    changed: bool,
    /// The newest answer, which holds for a stretch.
    span: Option<Span>,
}

/// What the gate says from one sample on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// Why only an emergency with a named author sounds.
    pub(super) silence: Option<Silence>,
    /// How loud the rest is.
    pub(super) gain_db: i8,
    /// The answer may change here.
    pub(super) until: SampleTime,
    /// The local day.
    day: i64,
}

impl Verdict {
    /// Tells whether a session may sound.
    pub(super) fn admits(&self, playing: &Playing) -> bool {
        self.silence.is_none() || playing.passes_quiet_hours()
    }

    /// Returns how loud a session is.
    pub(super) fn gain_db_of(&self, playing: &Playing) -> i8 {
        if playing.passes_quiet_hours() {
            0
        } else {
            self.gain_db
        }
    }
}

#[derive(Debug)]
struct Known {
    station: KeyId,
    epoch: u32,
    at: WallTime,
    quiet: Option<QuietHours>,
}

/// A stretch of the timeline over which nothing changes but the minutes.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: SampleTime,
    until: SampleTime,
    permits: bool,
    gain_db: i8,
    day: i64,
}

impl Gate {
    /// Takes what an authentic beacon of the receiver's own zone says, if nothing newer is known.
    ///
    /// A beacon sent again is refused before it comes here, but not by a receiver that has just started: so the time of
    /// what is remembered counts too. A new run of the same station is believed whatever its clock says.
    pub(super) fn learn(&mut self, station: KeyId, beacon: Beacon) {
        let newer = self.known.as_ref().is_none_or(|known| {
            beacon.at > known.at || (station == known.station && beacon.epoch > known.epoch)
        });
        if !newer {
            return;
        }
        if self
            .known
            .as_ref()
            .is_none_or(|known| known.quiet != beacon.quiet)
        {
            self.changed = true;
            self.span = None;
        }
        self.known = Some(Known {
            station,
            epoch: beacon.epoch,
            at: beacon.at,
            quiet: beacon.quiet,
        });
    }

    /// Takes note of how far the station's time is ahead of the timeline.
    pub(super) fn set_ahead_ns(&mut self, ahead_ns: i64) {
        if ahead_ns != self.ahead_ns {
            self.ahead_ns = ahead_ns;
            self.span = None;
        }
    }

    /// Tells what holds at a sample.
    pub(super) fn verdict(&mut self, at: SampleTime) -> Verdict {
        let held = self.span.filter(|span| span.from <= at && at < span.until);
        let span = held.unwrap_or_else(|| self.span_at(at));
        self.span = Some(span);
        self.judge(&span, at)
    }

    /// Counts what sounded, by the verdict it sounded under.
    pub(super) fn count(&mut self, verdict: &Verdict, samples: u64) {
        if verdict.day != self.day {
            (self.day, self.sounded, self.kept) = (verdict.day, 0, 0);
        }
        self.sounded += samples;
        if self.minutes_a_day().is_some() && self.sounded - self.kept >= KEPT_EVERY {
            self.kept = self.sounded;
            self.changed = true;
        }
    }

    /// Returns how it stands at a sample.
    pub(super) fn status(&self, at: SampleTime) -> QuietStatus {
        let span = self.span_at(at);
        let verdict = self.judge(&span, at);
        QuietStatus {
            silence: verdict.silence,
            gain_db: verdict.gain_db,
            sounded_s: whole_seconds(self.sounded_on(span.day)),
            policy_at: self.known.as_ref().map(|known| known.at),
        }
    }

    /// Returns what is to be kept for the next start, if it changed since the last call.
    pub(super) fn poll_memory(&mut self, channel: Channel) -> Option<QuietMemory> {
        let known = self.known.as_ref()?;
        std::mem::take(&mut self.changed).then(|| QuietMemory {
            channel,
            station: known.station,
            epoch: known.epoch,
            at: known.at,
            quiet: known.quiet.clone(),
            day: self.day,
            sounded_s: whole_seconds(self.sounded),
        })
    }

    /// Goes on from what was kept.
    ///
    /// # Errors
    ///
    /// [`QuietMemoryError::Policy`].
    pub(super) fn restore(&mut self, memory: QuietMemory) -> Result<(), QuietMemoryError> {
        if let Some(hours) = &memory.quiet {
            hours.policy.check().map_err(QuietMemoryError::Policy)?;
        }
        self.sounded = memory.sounded_s.min(DAY_S) * u64::from(SAMPLE_RATE);
        (self.day, self.kept, self.span) = (memory.day, self.sounded, None);
        self.known = Some(Known {
            station: memory.station,
            epoch: memory.epoch,
            at: memory.at,
            quiet: memory.quiet,
        });
        Ok(())
    }

    fn judge(&self, span: &Span, at: SampleTime) -> Verdict {
        let left = self.minutes_a_day().map(|minutes| {
            let samples = u64::from(minutes) * 60 * u64::from(SAMPLE_RATE);
            samples.saturating_sub(self.sounded_on(span.day))
        });
        let silence = match (&self.known, left) {
            (None, _) => Some(Silence::PolicyUnknown),
            _ if !span.permits => Some(Silence::QuietHours),
            (_, Some(0)) => Some(Silence::MinutesUsed),
            _ => None,
        };
        let used_up = left
            .filter(|_| silence.is_none())
            .map(|left| at.offset(i64::try_from(left).unwrap_or(i64::MAX)));
        Verdict {
            silence,
            gain_db: span.gain_db,
            until: used_up.map_or(span.until, |used_up| used_up.min(span.until)),
            day: span.day,
        }
    }

    /// Local midnight, edges of windows and steps of volume are the only instants at which the answer changes.
    fn span_at(&self, at: SampleTime) -> Span {
        let unrestricted = QuietHours::default();
        let hours = self
            .known
            .as_ref()
            .and_then(|known| known.quiet.as_ref())
            .unwrap_or(&unrestricted);
        let wall = at.to_wall().offset_ns(self.ahead_ns);
        let (permits, day) = (hours.permits(wall), hours.local_day(wall));
        let begins = hours.day_begins(day);
        let steps = hours.policy.volume.iter();
        let steps = steps.map(|step| begins + Duration::from_secs(u64::from(step.from) * 60));
        let edge = if permits {
            hours.quiet_from(wall)
        } else {
            hours.sounds_from(wall)
        };
        let edges = steps.chain(edge).chain([hours.day_begins(day + 1)]);
        let next = edges.filter(|edge| *edge > wall).min();
        let until = next.map_or(SampleTime(i64::MAX), |edge| {
            // Rounding may put the edge upon the sample itself; time goes on all the same.
            edge.offset_ns(-self.ahead_ns).to_sample().max(at.offset(1))
        });
        Span {
            from: at,
            until,
            permits,
            gain_db: hours.gain_db(wall),
            day,
        }
    }

    fn minutes_a_day(&self) -> Option<u16> {
        let known = self.known.as_ref()?;
        known.quiet.as_ref()?.policy.minutes_a_day
    }

    const fn sounded_on(&self, day: i64) -> u64 {
        if day == self.day { self.sounded } else { 0 }
    }
}

fn whole_seconds(samples: u64) -> u64 {
    samples_to_duration(samples).as_secs()
}

const DAY_S: u64 = 86_400;
/// A minute: a power cut forgets less than that, and a memory card is written no more often.
const KEPT_EVERY: u64 = 60 * SAMPLE_RATE as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{Days, QuietPolicy, VolumeStep, Window};

    const ZONE: Channel = Channel(3);

    /// Every day 05:00 to 07:00, two minutes, softly before 06:00; UTC+7.
    fn hours() -> QuietHours {
        let step = |from, gain_db| VolumeStep { from, gain_db };
        QuietHours {
            policy: QuietPolicy {
                windows: vec![Window {
                    days: Days::ALL,
                    from: 300,
                    to: 420,
                }],
                minutes_a_day: Some(2),
                volume: vec![step(360, 0), step(1_260, -12)],
            },
            utc_offset_min: 420,
        }
    }

    fn beacon(epoch: u32, at_s: i64, quiet: Option<QuietHours>) -> Beacon {
        Beacon {
            epoch,
            at: WallTime::from_unix_s(at_s),
            channel: ZONE,
            now: None,
            next_start: None,
            quiet,
        }
    }

    /// A local second of the day, on the timeline.
    fn local(second: i64) -> SampleTime {
        hours()
            .day_begins(20_000)
            .offset_ns(second * 1_000_000_000)
            .to_sample()
    }

    fn gate() -> Gate {
        let mut gate = Gate::default();
        gate.learn(7, beacon(1, 100, Some(hours())));
        gate
    }

    /// Each row: a local second, why it is silent, how loud it is, and when that may change.
    #[test]
    fn answers_hold_until_the_next_edge() {
        let rows = [
            (11_700, Some(Silence::QuietHours), -12, 18_000),
            (18_000, None, -12, 18_120),
            (21_599, None, -12, 21_600),
            (21_600, None, 0, 21_720),
            (25_199, None, 0, 25_200),
            (25_200, Some(Silence::QuietHours), 0, 75_600),
            (80_000, Some(Silence::QuietHours), -12, 86_400),
        ];
        for (second, silence, gain_db, until) in rows {
            let verdict = gate().verdict(local(second));
            assert_eq!((verdict.silence, verdict.gain_db), (silence, gain_db), "{second}");
            assert_eq!(verdict.until, local(until), "{second}");
        }
        let unknown = Gate::default().verdict(local(18_000));
        assert_eq!(unknown.silence, Some(Silence::PolicyUnknown));
    }

    #[test]
    fn a_clock_that_is_wrong_moves_no_edge() {
        let mut gate = gate();
        gate.set_ahead_ns(3_600_000_000_123);
        let verdict = gate.verdict(local(17_999));
        assert_eq!(verdict.silence, None, "it is 05:59:59 at the station");
        assert_eq!(verdict.until.samples_after(local(18_000)), 0);
        // Rounding may not stop time.
        gate.set_ahead_ns(-7);
        let mut at = local(17_999);
        for _ in 0..4 {
            let until = gate.verdict(at).until;
            assert!(until > at);
            at = until;
        }
    }

    #[test]
    fn minutes_are_counted_by_the_local_day() {
        let mut gate = gate();
        let minute = 60 * u64::from(SAMPLE_RATE);
        let morning = gate.verdict(local(18_000));
        gate.count(&morning, 2 * minute - 10);
        assert_eq!(gate.verdict(local(19_000)).until, local(19_000).offset(10));
        let almost = gate.verdict(local(19_000));
        gate.count(&almost, 10);
        assert_eq!(gate.verdict(local(20_000)).silence, Some(Silence::MinutesUsed));
        assert_eq!(gate.status(local(20_000)).sounded_s, 120);
        assert_eq!(gate.verdict(local(18_000 + 86_400)).silence, None, "the next day");
    }

    #[test]
    fn only_what_is_newer_is_believed() {
        let open = || None;
        // Each row: station, epoch and time of a beacon that lifts the policy, and whether it does.
        let rows = [
            (7, 1, 101, true),
            (7, 1, 100, false),
            (7, 1, 99, false),
            (7, 2, 99, true),
            (8, 9, 99, false),
            (8, 1, 101, true),
        ];
        for (station, epoch, at, lifted) in rows {
            let mut restored = Gate::default();
            restored.restore(gate().poll_memory(ZONE).unwrap()).unwrap();
            for mut gate in [gate(), restored] {
                gate.learn(station, beacon(epoch, at, open()));
                let silence = gate.verdict(local(11_700)).silence;
                assert_eq!(silence.is_none(), lifted, "{station} {epoch} {at}");
            }
        }
    }

    #[test]
    fn memory_goes_out_when_it_changed_and_holds_policy_and_minutes() {
        let mut gate = gate();
        assert_eq!(gate.poll_memory(ZONE).unwrap().quiet, Some(hours()));
        gate.learn(7, beacon(1, 101, Some(hours())));
        assert_eq!(gate.poll_memory(ZONE), None, "the same policy again");
        let verdict = gate.verdict(local(18_000));
        gate.count(&verdict, KEPT_EVERY - 1);
        assert_eq!(gate.poll_memory(ZONE), None, "less than a minute");
        gate.count(&verdict, 1);
        let memory = gate.poll_memory(ZONE).unwrap();
        assert_eq!((memory.sounded_s, memory.at), (60, WallTime::from_unix_s(101)));
        let mut restored = Gate::default();
        restored.restore(memory.clone()).unwrap();
        assert_eq!(
            restored.verdict(local(18_000)).until,
            local(18_060),
            "a minute is left"
        );
        let mut broken = memory;
        broken.quiet.as_mut().unwrap().policy.windows[0].to = 0;
        assert_eq!(
            restored.restore(broken),
            Err(QuietMemoryError::Policy(QuietPolicyError::Window))
        );
    }
}
