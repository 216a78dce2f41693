//! Everything a receiver counts. Each datagram that was taken or dropped is in exactly one of these.

use serde::Serialize;

/// Why a datagram was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// It came on a group that is not in this receiver's chain.
    NotJoined,
    /// It is not what our wire format allows, or holds no Opus packet.
    Malformed,
    /// It was sent to another zone than the one whose group it came on.
    WrongZone,
    /// Nobody our root key vouches for has this key.
    UnknownKey,
    /// The signature is not by the key it names.
    Forged,
    /// The station key may not speak here, or not in this class, or has expired.
    Unauthorised,
    /// It is from an earlier run of the head-end, or from another time than now.
    Stale,
    /// It was used before, and its time to sound is over.
    Replayed,
    /// The network delivered it twice.
    Duplicate,
    /// It came when its time to sound was over.
    Late,
    /// It is to sound later than this receiver holds packets for.
    TooEarly,
    /// No room to hold it.
    NoRoom,
}

/// Counts since the receiver started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Packets taken into a buffer.
    pub received: u64,
    /// Beacons accepted.
    pub beacons: u64,
    /// RTCP without a beacon: another player's report, or a BYE, which nobody signs and so nobody believes.
    pub other_rtcp: u64,
    /// See [`DropReason::NotJoined`].
    pub not_joined: u64,
    /// See [`DropReason::Malformed`].
    pub malformed: u64,
    /// See [`DropReason::WrongZone`].
    pub wrong_zone: u64,
    /// See [`DropReason::UnknownKey`].
    pub unknown_key: u64,
    /// See [`DropReason::Forged`].
    pub forged: u64,
    /// See [`DropReason::Unauthorised`].
    pub unauthorised: u64,
    /// See [`DropReason::Stale`].
    pub stale: u64,
    /// See [`DropReason::Replayed`].
    pub replayed: u64,
    /// See [`DropReason::Duplicate`].
    pub duplicate: u64,
    /// See [`DropReason::Late`].
    pub late: u64,
    /// See [`DropReason::TooEarly`].
    pub too_early: u64,
    /// See [`DropReason::NoRoom`].
    pub no_room: u64,
    /// Taken, but its time to sound passed in silence: quiet hours, minutes used up, or no policy known.
    pub quiet: u64,
    /// Taken after a later one of the same stream.
    pub reordered: u64,
    /// Packets of a session that never came, as far as later ones prove it.
    pub lost: u64,
    /// Gaps filled from other packets or the local store, as the renderer told.
    pub recovered: u64,
    /// Gaps concealed, as the renderer told.
    pub concealed: u64,
    /// A session's place on the timeline was corrected by more than a millisecond.
    pub reanchored: u64,
}

impl Counters {
    /// Counts one dropped datagram.
    pub(crate) fn note(&mut self, reason: DropReason) {
        *match reason {
            DropReason::NotJoined => &mut self.not_joined,
            DropReason::Malformed => &mut self.malformed,
            DropReason::WrongZone => &mut self.wrong_zone,
            DropReason::UnknownKey => &mut self.unknown_key,
            DropReason::Forged => &mut self.forged,
            DropReason::Unauthorised => &mut self.unauthorised,
            DropReason::Stale => &mut self.stale,
            DropReason::Replayed => &mut self.replayed,
            DropReason::Duplicate => &mut self.duplicate,
            DropReason::Late => &mut self.late,
            DropReason::TooEarly => &mut self.too_early,
            DropReason::NoRoom => &mut self.no_room,
        } += 1;
    }
}
