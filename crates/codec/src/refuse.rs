//! Why a file is not accepted, in words an operator can act on.

use std::time::Duration;

/// Why audio could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The file itself cannot be read.
    #[error("cannot read the file")]
    Io(#[source] std::io::Error),
    /// It can be read, and is not something to air.
    #[error(transparent)]
    Refused(#[from] RefuseReason),
}

impl AudioError {
    /// Tells whether reading failed, rather than what was read.
    pub const fn is_io(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefuseReason {
    /// No audio format that is known, or no sound in it.
    #[error("not an audio file that can be played (MP3, AAC/M4A, FLAC, Ogg Vorbis, Opus, WAV or AIFF)")]
    NotAudio,
    /// It says it holds more than it does: a broken copy or download.
    #[error("cut off at {}: the file says there is more; copy or download it again", clock(*.at))]
    Truncated {
        /// How much can be heard.
        at: Duration,
    },
    /// There is nothing to hear in it.
    #[error("empty: there is no sound in it")]
    Empty,
    /// HE-AAC (AAC+), which would be heard with half its treble missing or not at all.
    #[error("HE-AAC (AAC+, with SBR) is not supported; convert it to MP3 or AAC-LC")]
    HeAac,
    /// Bought or rented music with copy protection.
    #[error("copy-protected (DRM); export an unprotected file")]
    Drm,
    /// Longer than this station accepts.
    #[error("longer than the limit of {}", clock(*.limit))]
    TooLong {
        /// The limit.
        limit: Duration,
    },
    /// A known format with a coding inside that is not.
    #[error("{codec} is not supported; convert it to MP3 or FLAC")]
    Unsupported {
        /// What was found.
        codec: String,
    },
    /// Too much of it does not decode.
    #[error("damaged at {}: it does not decode", clock(*.at))]
    Corrupt {
        /// Where that became clear.
        at: Duration,
    },
}

/// Prints a length as people read it: `1:02:03`, `2:03` or `0:03.5`.
fn clock(span: Duration) -> String {
    let s = span.as_secs();
    match (s / 3_600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("0:{s:02}.{}", span.subsec_millis() / 100),
        (0, min, s) => format!("{min}:{s:02}"),
        (h, min, s) => format!("{h}:{min:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_well() {
        let rows = [
            (
                RefuseReason::Truncated {
                    at: Duration::from_millis(3_560),
                },
                "cut off at 0:03.5",
            ),
            (
                RefuseReason::Corrupt {
                    at: Duration::from_secs(123),
                },
                "damaged at 2:03",
            ),
            (
                RefuseReason::TooLong {
                    limit: Duration::from_secs(14_400),
                },
                "limit of 4:00:00",
            ),
            (
                RefuseReason::Unsupported {
                    codec: "AC-3".to_owned(),
                },
                "AC-3 is not supported",
            ),
        ];
        for (reason, expected) in rows {
            assert!(reason.to_string().contains(expected), "{reason}");
        }
    }
}
