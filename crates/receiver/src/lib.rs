//! The receiver of Loa: puts the parts together. The binary is `loa-receiver`.

mod accounts;
mod config;
pub mod identity;
mod keeper;
mod memberships;
mod playback;
mod printer;
mod renderer;
mod reporter;
mod run;
mod state_file;
mod status;
mod stop;

pub use config::{
    ClockConfig, ClockTrustConfig, Config, ConfigError, MulticastConfig, OutputConfig, ReportConfig,
    StationConfig, ZoneConfig, ZoneLink,
};
pub use run::run;
