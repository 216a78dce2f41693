//! Gain, ramp, limit, loudness, resample by drift: mono `f32` at 48 kHz, no allocation after construction.

mod attention;
mod chime;
pub mod compare;
mod db;
mod drift;
mod limiter;
mod loudness;
mod meter;
mod ramp;
mod resampler;

pub use attention::attention_signal;
pub use chime::chime;
pub use db::{SILENCE_DB, db_to_gain, gain_to_db};
pub use drift::{Correction, DRIFT_PPM_MAX, DriftControl, RATE_SLEW_PPM_PER_S, RESYNC_SAMPLES};
pub use limiter::Limiter;
pub use loudness::{Loudness, Target, normalise};
pub use meter::{Level, Meter};
pub use ramp::{Curve, Gain};
pub use resampler::DriftResampler;

use loa_model::SAMPLE_RATE;

/// Samples in a second, as a float.
const RATE: f64 = SAMPLE_RATE as f64;
