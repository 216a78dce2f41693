//! Receivers, and what they prove.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{ReceiverId, SessionId, ZoneId};
use crate::priority::BulletinClass;
use crate::time::WallTime;
use crate::zone::Channel;

/// A registered receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Its row in the store.
    pub id: ReceiverId,
    /// Short stable name.
    pub code: String,
    /// The zone it stands in.
    pub zone: ZoneId,
    /// Ed25519 key that signs its reports.
    pub public_key: [u8; 32],
    /// Where it stands; none where that is not known.
    #[serde(default)]
    pub place: Option<Place>,
}

/// A place on the ground (WGS 84), to a millionth of a degree: some 10 cm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Place {
    /// North of the equator, in millionths of a degree.
    pub latitude_e6: i32,
    /// East of Greenwich, in millionths of a degree.
    pub longitude_e6: i32,
}

/// A place that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no place; write LATITUDE,LONGITUDE in degrees, such as 10.7769,106.7009")]
pub struct ParsePlaceError(String);

impl Place {
    /// Returns degrees north, and degrees east.
    pub fn degrees(self) -> (f64, f64) {
        (
            f64::from(self.latitude_e6) / 1e6,
            f64::from(self.longitude_e6) / 1e6,
        )
    }
}

impl FromStr for Place {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |part: &str, most: f64| {
            let degrees: f64 = part.trim().parse().ok()?;
            // Within bounds, so that it fits.
            (degrees.abs() <= most).then(|| (degrees * 1e6).round() as i32)
        };
        let (north, east) = text.split_once(',').unwrap_or((text, ""));
        let place = read(north, 90.0).zip(read(east, 180.0));
        let (latitude_e6, longitude_e6) = place.ok_or_else(|| ParsePlaceError(text.to_owned()))?;
        Ok(Self {
            latitude_e6,
            longitude_e6,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (north, east) = self.degrees();
        write!(f, "{north:.6},{east:.6}")
    }
}

/// A receiver's account of one session it played: the proof that people could hear it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which session.
    pub session: SessionId,
    /// The group it came on.
    pub channel: Channel,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
    /// When its first sample sounded.
    pub first: WallTime,
    /// When the last one so far did.
    pub last: WallTime,
    /// How long it sounded, concealed stretches included.
    pub sounded: Duration,
    /// How much of that was concealed.
    pub concealed: Duration,
    /// Packets of it that were used.
    pub packets: u64,
    /// Packets of it that never came in time.
    pub lost: u64,
    /// Loudness at the output while it sounded: mean square, dBFS.
    pub output_dbfs: f64,
    /// Whether it has left the air here; what was pre-empted may come back.
    pub over: bool,
    /// What of it came and was kept silent.
    #[serde(default)]
    pub silenced: Option<Silenced>,
}

/// What a receiver kept silent of a session that it could have played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// Why, most recently.
    pub why: Silence,
    /// How long.
    pub span: Duration,
}

/// Why a receiver is silent, but for an emergency with a named author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// It knows no policy of its zone yet.
    PolicyUnknown,
    /// Its zone may not sound at this hour.
    QuietHours,
    /// Its zone had its minutes of the day.
    MinutesUsed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them_and_bounded() {
        let rows = [
            ("10.7769,106.7009", Some("10.776900,106.700900")),
            (" -12.5 , -180 ", Some("-12.500000,-180.000000")),
            ("90.1,0", None),
            ("0,180.1", None),
            ("10.7769", None),
            ("NaN,0", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let read = text.parse::<Place>().ok().map(|place| place.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
