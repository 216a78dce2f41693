//! Any bytes into every reader of datagrams: no panic, and nothing believed that was not signed.
//!
//! `cd tests/fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run datagrams`
#![no_main]

use libfuzzer_sys::fuzz_target;
use loa_model::WallTime;

fuzz_target!(|bytes: &[u8]| {
    let near = WallTime::from_unix_s(1_800_000_000);
    let _ = loa_wire::read_rtp(bytes);
    let _ = loa_wire::read_rtcp(bytes, near);
    let _ = loa_wire::read_sap(bytes);
    let _ = loa_wire::Certificate::decode(bytes);
    let _ = loa_session::packet_samples(bytes);
    assert!(loa_wire::verify_report(&[1; 32], bytes, bytes).is_err());
});
