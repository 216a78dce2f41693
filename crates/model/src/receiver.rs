//! Receivers, and what they prove.

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
