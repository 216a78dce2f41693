//! The operators' panel: pages, a small JSON API, live state, metrics. It knows the station only through [`Console`].

mod api;
mod assets;
mod console;
mod container;
mod error;
mod guard;
mod lang;
mod listen;
mod live;
mod metrics;
mod pages;
mod plain;
mod router;

pub use console::{
    Answer, AsRunDay, AsRunLine, Console, ConsoleError, Health, LogIn, MediaItem, Metric, MetricKind,
    ReceiverItem, ReportRefusal, Station, Tapped,
};
pub use router::router;
