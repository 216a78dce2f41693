//! The `onair` header extension: which session a packet belongs to, and how it is to be played.

use loa_model::{BulletinClass, Channel, SessionId};

use crate::WireError;
use crate::fields::Fields;

/// What every RTP packet says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnAir {
    /// The session.
    pub session: SessionId,
    /// The zone it is sent to.
    pub channel: Channel,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise, not the real thing.
    pub drill: bool,
    /// A person with a name released it: with class emergency, and only then, it sounds in quiet hours.
    pub authored: bool,
    /// Last packet of this part of the session: nothing follows that is worth waiting for.
    pub last: bool,
    /// The packet's first sample sounds this long after its `ntp-64` time, ms.
    pub playout_delay_ms: u16,
}

impl OnAir {
    pub(crate) fn encode(&self) -> [u8; ONAIR_BYTES] {
        let mut bytes = [0; ONAIR_BYTES];
        bytes[..8].copy_from_slice(&self.session.0.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.channel.0.to_be_bytes());
        bytes[10] = self.class.to_wire();
        bytes[11] = (u8::from(self.drill) * FLAG_DRILL)
            | (u8::from(self.last) * FLAG_LAST)
            | (u8::from(self.authored) * FLAG_AUTHORED);
        bytes[12..].copy_from_slice(&self.playout_delay_ms.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut fields = Fields::new(bytes, "onair");
        let session = SessionId(fields.u64()?);
        let channel = Channel(fields.u16()?);
        let class = BulletinClass::from_wire(fields.u8()?).ok_or(WireError::Value("class"))?;
        let flags = fields.u8()?;
        let playout_delay_ms = fields.u16()?;
        fields.end()?;
        if session.0 == 0 {
            return Err(WireError::Value("session"));
        }
        if flags & !(FLAG_DRILL | FLAG_LAST | FLAG_AUTHORED) != 0 {
            return Err(WireError::Value("flags"));
        }
        let authored = flags & FLAG_AUTHORED != 0;
        if authored && class != BulletinClass::Emergency {
            return Err(WireError::Value("flags"));
        }
        Ok(Self {
            session,
            channel,
            class,
            drill: flags & FLAG_DRILL != 0,
            last: flags & FLAG_LAST != 0,
            authored,
            playout_delay_ms,
        })
    }
}

pub(crate) const ONAIR_BYTES: usize = 8 + 2 + 1 + 1 + 2;
const FLAG_DRILL: u8 = 1;
const FLAG_LAST: u8 = 2;
const FLAG_AUTHORED: u8 = 4;
