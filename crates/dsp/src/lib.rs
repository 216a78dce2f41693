//! Gain, ramp, mix, limit, loudness, resample: no allocation after construction.
