//! The operators' panel: axum router and pages over the Console trait.
