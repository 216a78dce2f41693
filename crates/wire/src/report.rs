//! A receiver's report to the head-end: JSON, signed by the receiver's own key.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use loa_model::{BulletinClass, Channel, Receipt, SessionId, WallTime};
use serde::{Deserialize, Serialize};

/// How a receiver is, and what it played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Code of the receiver.
    pub receiver: String,
    /// When it was made; each is later than the one before of the same start, so an old one cannot be sent again.
    pub at: WallTime,
    /// When the receiver started, by its own clock as well: it tells one start from another, and puts them in no order.
    pub started: WallTime,
    /// How its clock is.
    pub clock: ClockReport,
    /// What it plays.
    pub playing: Option<PlayingReport>,
    /// Counts since the start, by name.
    pub counters: BTreeMap<String, u64>,
    /// Sound held before it plays, ms.
    pub buffer_ms: f64,
    /// Level at the output over the last second, dBFS.
    pub output_dbfs: f64,
    /// Why something is wrong, if it is, for people.
    pub faults: Vec<String>,
    /// Sessions played since the last report that arrived, newest state of each.
    pub receipts: Vec<Receipt>,
}

/// How a receiver's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockReport {
    /// Whether it plays by the clock rather than by arrival.
    pub trusted: bool,
    /// How far the head-end's beacon seemed ahead when it arrived, ms: clock difference minus network delay.
    pub beacon_ahead_ms: Option<f64>,
    /// How fast the sound card runs against the clock, parts per million.
    pub card_ppm: f64,
}

/// What a receiver plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayingReport {
    /// The session.
    pub session: SessionId,
    /// The group it comes on.
    pub channel: Channel,
    /// Its class.
    pub class: BulletinClass,
    /// An exercise.
    pub drill: bool,
}

/// Why a report is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Longer than a report may be.
    #[error("report is longer than {REPORT_BYTES_MAX} bytes")]
    TooLong,
    /// The receiver's key did not sign it.
    #[error("report is not signed by the receiver's key")]
    Forged,
    /// Not the JSON of a report.
    #[error("report cannot be read")]
    Json(#[source] serde_json::Error),
    /// More in it than a report holds.
    #[error("report holds more than {RECEIPTS_MAX} receipts")]
    TooMany,
}

/// Signs a report's bytes.
pub fn sign_report(receiver_secret: &[u8; 32], body: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(receiver_secret)
        .sign(&message(body))
        .to_bytes()
}

/// Checks a report's signature and reads it.
///
/// # Errors
///
/// See [`ReportError`].
pub fn verify_report(
    receiver_public: &[u8; 32],
    body: &[u8],
    signature: &[u8],
) -> Result<Report, ReportError> {
    if body.len() > REPORT_BYTES_MAX {
        return Err(ReportError::TooLong);
    }
    let key = VerifyingKey::from_bytes(receiver_public).map_err(|_| ReportError::Forged)?;
    let signature = Signature::from_slice(signature).map_err(|_| ReportError::Forged)?;
    key.verify_strict(&message(body), &signature)
        .map_err(|_| ReportError::Forged)?;
    let report: Report = serde_json::from_slice(body).map_err(ReportError::Json)?;
    if report.receipts.len() > RECEIPTS_MAX || report.counters.len() > COUNTERS_MAX {
        return Err(ReportError::TooMany);
    }
    Ok(report)
}

fn message(body: &[u8]) -> Vec<u8> {
    [TAG, body].concat()
}

/// Bytes of the longest report accepted.
pub const REPORT_BYTES_MAX: usize = 64 * 1_024;
/// Receipts in one report.
pub const RECEIPTS_MAX: usize = 64;
const COUNTERS_MAX: usize = 64;
const TAG: &[u8] = b"loa report v1\0\0\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn believes_only_the_receivers_own_key() {
        let report = Report {
            receiver: "thon-1".into(),
            at: WallTime::from_unix_s(5),
            started: WallTime::from_unix_s(1),
            clock: ClockReport {
                trusted: true,
                beacon_ahead_ms: Some(-0.2),
                card_ppm: 12.0,
            },
            playing: None,
            counters: BTreeMap::from([("received".into(), 7)]),
            buffer_ms: 600.0,
            output_dbfs: -20.0,
            faults: vec![],
            receipts: vec![],
        };
        let body = serde_json::to_vec(&report).unwrap();
        let signature = sign_report(&[3; 32], &body);
        let public = crate::public_key(&[3; 32]);
        assert_eq!(verify_report(&public, &body, &signature).unwrap(), report);
        let other = crate::public_key(&[4; 32]);
        assert!(matches!(
            verify_report(&other, &body, &signature),
            Err(ReportError::Forged)
        ));
        let longer = [&body[..], b" "].concat();
        assert!(matches!(
            verify_report(&public, &longer, &signature),
            Err(ReportError::Forged)
        ));
        let junk = b"{}";
        let signed = sign_report(&[3; 32], junk);
        assert!(matches!(
            verify_report(&public, junk, &signed),
            Err(ReportError::Json(_))
        ));
    }
}
