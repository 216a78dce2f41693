//! Whether a source can be heard now.

use std::time::{Duration, Instant};

use crate::fetch::{Fetch, News};
use loa_model::relay_address::{Address, AddressError};

/// Why a source cannot be heard.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Its address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It failed.
    #[error("{0}")]
    Failed(String),
    /// Nothing came of it.
    #[error("nothing came of it in {} s", .0.as_secs())]
    Silent(Duration),
    /// The machine could not try.
    #[error("cannot try it")]
    Io(#[from] std::io::Error),
}

/// Connects to a source and waits for its first sound, at most `patience`.
///
/// # Errors
///
/// See [`ProbeError`]; no message holds a name or a password.
pub fn probe(address: &str, patience: Duration) -> Result<(), ProbeError> {
    let address: Address = address.parse()?;
    let fetch = Fetch::start(address)?;
    let deadline = Instant::now() + patience;
    match fetch
        .news
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        Ok(News::Audio(_)) => Ok(()),
        Ok(News::Failed(why)) => Err(ProbeError::Failed(why)),
        Err(_) => Err(ProbeError::Silent(patience)),
    }
}
