//! The head-end of Loa: puts the parts together. The binary is `loa`.

pub mod announce;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
mod durable;
pub mod epoch;
mod fill;
pub mod installation;
pub mod journal;
pub mod library;
pub mod on_air;
pub mod password;
pub mod people;
pub mod planner;
pub mod planning;
pub mod rehearse;
pub mod relay;
pub mod restart;
pub mod run;
mod settings;
pub mod tls;
pub mod totp;
pub mod uploads;
pub mod workbench;
