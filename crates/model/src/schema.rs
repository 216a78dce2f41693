//! How values look in JSON where their types do not tell: for the description of the panel's API.

use utoipa::ToSchema;

/// A span of time: seconds, and nanoseconds of the second begun.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for `Duration`, which is not ours to describe")]
pub struct Span {
    /// Whole seconds.
    secs: u64,
    /// Nanoseconds beyond them.
    #[schema(maximum = 999_999_999)]
    nanos: u32,
}
