//! Whether the station does what it should, for people and for programs that watch it.

use std::fmt;
use std::time::Duration;

use loa_model::{Zone, ZoneId};
use serde::{Serialize, Serializer};

use crate::lang::Lang;
use crate::plain::decimal;

/// Whether the station does what it should.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Health {
    /// What is wrong; empty when all is well.
    pub problems: Vec<Trouble>,
    /// Whether the station is off the air because of them.
    pub off_air: bool,
}

/// Something that is wrong. To programs it is a sentence in English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is sent any more.
    AirThreadEnded,
    /// The clock of the system was set while the head-end ran, by so many milliseconds.
    ClockSet {
        /// How far ahead it is of what it was.
        ahead_ms: i64,
    },
    /// The days cannot be planned, and why.
    CannotPlan(String),
    /// The network takes nothing of what is to be sent, for so long.
    SendsFail(Duration),
    /// The certificate of the station's key is over after so long, and receivers refuse all that it signs from then on.
    CertificateEnds(Duration),
    /// The library does not hold the piece with this title, which should sound in the place of dead air.
    MissingFill(String),
    /// Something is on the air in a zone and nothing is heard.
    DeadAir(ZoneName),
    /// What somebody put on the air was heard late.
    SlowStart {
        /// Where.
        zone: ZoneName,
        /// How long after the button was pressed.
        took: Duration,
        /// How long it may take.
        most: Duration,
    },
    /// The database does not take the as-run log; so many entries wait.
    LogWaits(u64),
}

/// A zone, as it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName {
    id: ZoneId,
    code: String,
    name: String,
}

impl From<&Zone> for ZoneName {
    fn from(zone: &Zone) -> Self {
        Self {
            id: zone.id,
            code: zone.code.clone(),
            name: zone.name.clone(),
        }
    }
}

impl Trouble {
    /// Returns the zone that it is about, if it is about one.
    pub(crate) const fn zone(&self) -> Option<ZoneId> {
        match self {
            Self::DeadAir(zone) | Self::SlowStart { zone, .. } => Some(zone.id),
            Self::AirThreadEnded
            | Self::ClockSet { .. }
            | Self::CannotPlan(_)
            | Self::SendsFail(_)
            | Self::CertificateEnds(_)
            | Self::MissingFill(_)
            | Self::LogWaits(_) => None,
        }
    }

    /// Says it in the language of the pages.
    pub(crate) fn say(&self, lang: Lang) -> String {
        match self {
            Self::AirThreadEnded => lang.say("trouble-air-thread"),
            Self::ClockSet { ahead_ms } => {
                lang.say_with("trouble-clock-set", &[("ms", &ahead_ms.to_string())])
            }
            Self::CannotPlan(why) => lang.say_with("trouble-cannot-plan", &[("why", why)]),
            Self::SendsFail(span) => {
                lang.say_with("trouble-sends-fail", &[("seconds", &span.as_secs().to_string())])
            }
            Self::CertificateEnds(Duration::ZERO) => lang.say("trouble-certificate-over"),
            Self::CertificateEnds(left) => lang.say_with(
                "trouble-certificate-ends",
                &[("days", &whole_days(*left).to_string())],
            ),
            Self::MissingFill(title) => lang.say_with("trouble-missing-fill", &[("title", title)]),
            Self::DeadAir(zone) => lang.say_with("trouble-dead-air", &[("zone", &zone.name)]),
            Self::SlowStart { zone, took, most } => lang.say_with(
                "trouble-slow-start",
                &[
                    ("zone", &zone.name),
                    ("took", &decimal(took.as_secs_f64(), lang)),
                    ("most", &decimal(most.as_secs_f64(), lang)),
                ],
            ),
            Self::LogWaits(entries) => {
                lang.say_with("trouble-log-waits", &[("entries", &entries.to_string())])
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AirThreadEnded => f.write_str("the air thread has ended; restart the head-end"),
            Self::ClockSet { ahead_ms } => write!(
                f,
                "the system clock was set by {ahead_ms} ms; restart the head-end to follow it"
            ),
            Self::CannotPlan(why) => {
                write!(f, "the day cannot be planned, the plan in force stays: {why}")
            }
            Self::SendsFail(span) => write!(
                f,
                "nothing has gone out for {} s: the network takes no packet; look at the cable and at the address",
                span.as_secs()
            ),
            Self::CertificateEnds(Duration::ZERO) => f.write_str(
                "the station's certificate is over: receivers refuse all that it sends; make a new one with `loa key issue`, \
                 put it to use with `loa key install`, and restart the head-end",
            ),
            Self::CertificateEnds(left) => write!(
                f,
                "the station's certificate is over in {} days, and receivers refuse all that it sends from then on; make a new \
                 one with `loa key issue`, put it to use with `loa key install`, and restart the head-end",
                whole_days(*left)
            ),
            Self::MissingFill(title) => write!(
                f,
                "playout.fill is \"{title}\", which the library does not hold: nothing sounds in the place of dead air; \
                 `loa media list` shows what there is, and the head-end takes it up at its start"
            ),
            Self::DeadAir(zone) => write!(
                f,
                "dead air in zone \"{}\": something is on the air and nothing is heard",
                zone.code
            ),
            Self::SlowStart { zone, took, most } => write!(
                f,
                "zone \"{}\" was heard {:.1} s after the button was pressed, more than the {:.1} s that are allowed",
                zone.code,
                took.as_secs_f64(),
                most.as_secs_f64()
            ),
            Self::LogWaits(entries) => write!(
                f,
                "the database does not take the as-run log; {entries} entries wait"
            ),
        }
    }
}

/// Returns how many days are left, the last one counted too.
const fn whole_days(left: Duration) -> u64 {
    left.as_secs().div_ceil(86_400)
}

impl Serialize for Trouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
