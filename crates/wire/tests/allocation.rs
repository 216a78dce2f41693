//! Reading a packet, whole, damaged or cut short, takes no more memory than a datagram's worth: measured, not believed.
//!
//! The packets are those printed in `docs/wire.md`, read as a stranger would who has only the document.
#![expect(
    unsafe_code,
    reason = "a counting allocator is the one way to see an allocation"
)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use loa_model::{Channel, WallTime};
use loa_wire::{
    Addressing, Certificate, DATAGRAM_BYTES_MAX, public_key, read_rtcp, read_rtp, read_sap, verify_report,
};

struct Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const DOCUMENT: &str = include_str!("../../../docs/wire.md");
const NOW: WallTime = WallTime::from_unix_s(1_800_000_000);

fn printed(name: &str) -> Vec<u8> {
    let block = DOCUMENT
        .split("```")
        .find_map(|block| block.strip_prefix(&format!("text {name}\n")))
        .unwrap();
    let digits: Vec<u8> = block.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(byte).collect()
}

/// Reads as everything that comes from the network, and returns how many bytes that allocated.
fn cost(datagram: &[u8]) -> usize {
    let before = BYTES.with(Cell::get);
    let _ = read_rtp(datagram);
    let _ = read_rtcp(datagram, NOW);
    let _ = read_sap(datagram);
    let _ = Certificate::decode(datagram);
    let _ = verify_report(&[7; 32], datagram, &[0; 64]);
    BYTES.with(Cell::get) - before
}

#[test]
fn what_the_document_prints_is_read_and_verified() {
    let certificate = Certificate::decode(&printed("certificate")).unwrap();
    let key = certificate.verify(&public_key(&[1; 32])).unwrap();
    let addressing = Addressing::new([239, 192, 0, 0].into(), 5004).unwrap();
    let rtp = printed("rtp");
    let packet = read_rtp(&rtp).unwrap();
    assert_eq!(packet.payload, [0x58, 0xff, 0xfe]);
    assert_eq!(
        (packet.header.sequence, packet.header.timestamp),
        (1_000, 0x0102_0304)
    );
    packet.verify(&key, addressing.rtp(Channel(2))).unwrap();
    let beacon = printed("beacon");
    let read = read_rtcp(&beacon, NOW).unwrap();
    let beacon = read
        .beacon
        .unwrap()
        .verify(&key, addressing.rtcp(Channel(2)))
        .unwrap();
    assert_eq!((beacon.epoch, beacon.channel), (3, Channel(2)));
}

#[test]
fn reading_allocates_no_more_than_a_datagram() {
    let mut most = 0;
    for name in ["certificate", "rtp", "beacon"] {
        let whole = printed(name);
        for length in 0..=whole.len() {
            most = most.max(cost(&whole[..length]));
        }
        for index in 0..whole.len() {
            for value in [
                0,
                1,
                0x7f,
                0x80,
                0xff,
                whole[index] ^ 1,
                whole[index].wrapping_add(1),
            ] {
                let mut damaged = whole.clone();
                damaged[index] = value;
                most = most.max(cost(&damaged));
            }
        }
        let mut long = whole.clone();
        long.resize(65_507, 0xff);
        most = most.max(cost(&long));
    }
    println!("at most {most} bytes");
    assert!(most <= DATAGRAM_BYTES_MAX, "{most} bytes");
}
