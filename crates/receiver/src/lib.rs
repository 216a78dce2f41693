//! The receiver on the pole.
