//! Any sequence of datagrams into a receiver: no panic, no sound, bounded memory.
//!
//! `cd tests/fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run receiver`
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use loa_model::{Channel, WallTime};
use loa_session::{Receiver, ReceiverSettings};
use loa_wire::Addressing;

fuzz_target!(|datagrams: Vec<(u8, Vec<u8>)>| {
    let mut now = WallTime::from_unix_s(1_800_000_000);
    let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).expect("the default groups");
    let settings = ReceiverSettings { chain: vec![Channel(2), Channel(1)], addressing, root_public: [7; 32] };
    let mut receiver = Receiver::new(settings, true, now);
    for (how, bytes) in datagrams {
        now = now + Duration::from_millis(u64::from(how) * 10);
        let channel = Channel(u16::from(how & 3));
        if how & 4 == 0 {
            receiver.handle_rtp(channel, &bytes, now);
        } else {
            receiver.handle_rtcp(channel, &bytes, now);
        }
        assert!(receiver.playout(now.to_sample()).is_none(), "sound without a key");
    }
});
