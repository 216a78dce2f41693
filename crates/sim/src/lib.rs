//! A laboratory in virtual time: one head-end, many receivers, and a bad network between them. Dev only, no real time.

mod head_end;
mod lab;
mod network;

pub use head_end::{Datagram, HeadEnd};
pub use lab::{Heard, Lab, Node};
pub use network::{Conditions, Network, Random};
