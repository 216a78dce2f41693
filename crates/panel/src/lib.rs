//! The operators' panel: pages, a small JSON API, live state, metrics. It knows the station only through [`Console`].

mod api;
mod assets;
mod brake;
mod console;
mod container;
mod error;
mod guard;
mod lang;
mod listen;
mod live;
mod metrics;
mod pages;
mod people;
mod plain;
mod qr;
mod router;
mod routes;
mod scope;

pub use console::{
    Answer, AsRunDay, AsRunLine, Console, ConsoleError, Health, MediaItem, Metric, MetricKind, Reach,
    ReceiverItem, ReportRefusal, Station, Tapped,
};
pub use guard::Asks;
pub use people::{
    AuditLine, AuditPage, AuditVerdict, AuditWanted, Browser, Changed, Due, LogIn, LoginItem, NewTotp,
    OwnChange, People, Person, PersonRefusal, UserChange, UserItem,
};
pub use router::router;
pub use routes::{Route, routes};
