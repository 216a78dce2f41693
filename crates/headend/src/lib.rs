//! The head-end of Loa: puts the parts together. The binary is `loa`.

pub mod cli;
pub mod config;
pub mod demo;
pub mod epoch;
pub mod installation;
pub mod library;
pub mod on_air;
pub mod run;
pub mod workbench;
