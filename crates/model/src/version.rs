//! Versions of a programme in other languages: how many there may be, and why one is not changed.

use crate::id::CODE_LENGTH_MAX;

/// Why a version in another language is neither set nor taken away. All is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionFault {
    /// The programme is gone, or airs another piece.
    #[error("the programme is gone, or airs another piece by now; load the page again")]
    NoProgramme,
    /// It airs several things, or something live.
    #[error("only a programme of one piece has versions in other languages")]
    NotOnePiece,
    /// The library does not hold the piece.
    #[error("the library does not hold this piece any more; choose another one")]
    NoPiece,
    /// The piece is the programme's own.
    #[error("this is the programme's own piece; choose the one in the other language")]
    OwnPiece,
    /// Zones cannot be set to such a language.
    #[error(
        "\"{0}\" is no language's code: small letters a-z, digits and hyphens, at most {CODE_LENGTH_MAX}"
    )]
    Language(String),
    /// The programme has as many as it may.
    #[error("the programme has {LANGUAGES_MAX} versions; take one away first")]
    TooMany,
    /// There is none in this language to take away.
    #[error("there is no version in \"{0}\" any more")]
    NoVersion(String),
    /// It is the version that is there.
    #[error("nothing would change")]
    Nothing,
}

/// Versions that can be set of one programme; there are not that many languages in a province.
pub const LANGUAGES_MAX: usize = 32;
