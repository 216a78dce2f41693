//! The receiver of Loa: puts the parts together. The binary is `loa-receiver`.

mod accounts;
mod config;
pub mod identity;
mod playback;
mod renderer;
mod reporter;
mod run;
mod status;
mod stop;

pub use config::{
    ClockConfig, ClockTrustConfig, Config, ConfigError, MulticastConfig, OutputConfig, ReportConfig,
    StationConfig, ZoneConfig, ZoneLink,
};
pub use run::run;
