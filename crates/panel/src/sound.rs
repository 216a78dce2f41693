//! A piece's sound as a file, in parts: browsers seek in what they play (RFC 9110 §14, one range).

use std::io::SeekFrom;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::error::PanelError;

/// Answers with the file, or with the range of it that is asked for.
///
/// # Errors
///
/// [`PanelError::NoPage`] if it is not there, [`PanelError::BadRange`].
pub(crate) async fn file(path: &std::path::Path, headers: &HeaderMap) -> Result<Response, PanelError> {
    let mut file = File::open(path).await.map_err(|_| PanelError::NoPage)?;
    let whole = file.metadata().await.map_err(|_| PanelError::NoPage)?.len();
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = asked.and_then(|range| Range::read(range, whole));
    let (from, to) = match range {
        None => (0, whole),
        Some(Range::Part(from, to)) => (from, to),
        Some(Range::Outside) => return Err(PanelError::BadRange(whole)),
    };
    file.seek(SeekFrom::Start(from))
        .await
        .map_err(|_| PanelError::NoPage)?;
    let body = read(file, to - from);
    let always = [
        (header::CONTENT_TYPE, "audio/ogg".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, (to - from).to_string()),
        // The name is the hash of what it was made of.
        (header::CACHE_CONTROL, "private, max-age=86400".to_owned()),
    ];
    if range.is_none() {
        return Ok((always, body).into_response());
    }
    let part = format!("bytes {from}-{}/{whole}", to.saturating_sub(1));
    Ok((
        StatusCode::PARTIAL_CONTENT,
        always,
        [(header::CONTENT_RANGE, part)],
        body,
    )
        .into_response())
}

/// Reads `len` bytes of a file from where it is, in small pieces.
pub(crate) fn read(file: File, len: u64) -> Body {
    Body::from_stream(stream::unfold((file, len), |(mut file, left)| async move {
        let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
        if chunk.is_empty() {
            return None;
        }
        match file.read(&mut chunk).await {
            Ok(0) => None,
            Ok(read) => {
                chunk.truncate(read);
                Some((Ok(Bytes::from(chunk)), (file, left - read as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    }))
}

#[derive(Debug, PartialEq)]
enum Range {
    /// From the first byte up to before the second.
    Part(u64, u64),
    /// It lies behind the end.
    Outside,
}

impl Range {
    /// Reads one range; what is none, or several, is as if nothing were asked.
    fn read(text: &str, whole: u64) -> Option<Self> {
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        let (from, to) = match (first, last) {
            ("", last) => (whole.saturating_sub(last.parse().ok()?), whole),
            (first, "") => (first.parse().ok()?, whole),
            (first, last) => {
                let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
                if last < first {
                    return None;
                }
                (first, last.saturating_add(1).min(whole))
            }
        };
        Some(if from < to {
            Self::Part(from, to)
        } else {
            Self::Outside
        })
    }
}

const CHUNK: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_browsers_write_them() {
        let rows = [
            ("bytes=0-", Some(Range::Part(0, 100))),
            ("bytes=10-19", Some(Range::Part(10, 20))),
            ("bytes=90-500", Some(Range::Part(90, 100))),
            ("bytes=-5", Some(Range::Part(95, 100))),
            ("bytes=-500", Some(Range::Part(0, 100))),
            ("bytes=100-", Some(Range::Outside)),
            ("bytes=-0", Some(Range::Outside)),
            ("bytes=5-4", None),
            ("bytes=0-1,5-6", None),
            (
                "bytes=18446744073709551615-18446744073709551615",
                Some(Range::Outside),
            ),
            ("lines=0-1", None),
            ("bytes=x-", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Range::read(text, 100), expected, "{text}");
        }
    }
}
