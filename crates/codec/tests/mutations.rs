//! Damaged files: whatever the bytes, the answer is sound or a refusal, and memory stays in proportion.
#![expect(
    unsafe_code,
    reason = "a counting allocator is the one way to see how much is allocated"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use loa_codec::{AudioFile, MonoFile};
use proptest::prelude::*;

struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static HELD_MAX: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = HELD_MAX.try_with(|most| most.set(most.get().max(held.get())));
    });
}

fn size_of(layout: Layout) -> isize {
    isize::try_from(layout.size()).unwrap_or(isize::MAX)
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size_of(layout));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size_of(layout));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size_of(layout));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const FILES: [&str; 7] = [
    "ban-tin-tinh.mp3",
    "chuyen-muc-xa-a.m4a",
    "xa-b.flac",
    "thon.ogg",
    "nhac-nen.opus",
    "khan-cap.wav",
    "thong-bao.aiff",
];

/// A few times the largest demo file, and what the largest resampler and decoder tables take.
const HELD_BYTES_MAX: isize = 24 << 20;

/// Where, and what is put there: bytes close to the beginning hold most of what parsers believe.
fn edit() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let at = prop_oneof![0usize..64, 0usize..1_024, 0usize..280_000];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..5),
        Just(vec![0xff; 4]),
        Just(vec![0x7f, 0xff, 0xff, 0xff]),
        Just(vec![0; 4]),
    ];
    (at, value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panic_and_hold_little(
        file in prop::sample::select(&FILES[..]),
        edits in prop::collection::vec(edit(), 1..6),
        keep in prop_oneof![3 => Just(usize::MAX), 1 => 1usize..280_000],
    ) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schedules/demo/audio").join(file);
        let mut bytes = std::fs::read(path).unwrap();
        for (at, value) in &edits {
            let at = at % bytes.len();
            let room = value.len().min(bytes.len() - at);
            bytes[at..at + room].copy_from_slice(&value[..room]);
        }
        bytes.truncate(keep);
        let limit = Some(Duration::from_secs(60));
        // The hook's backtrace would be counted; a panic that gets out fails the test without it.
        std::panic::set_hook(Box::new(|_| {}));
        let before = HELD.get();
        HELD_MAX.set(before);
        let mut heard = 0;
        if let Ok(file) = AudioFile::from_source(Box::new(Cursor::new(bytes)), limit) {
            let mut mono = MonoFile::new(file);
            // The first seconds show it; all of every file would take too long.
            while heard < 5 * 48_000 {
                match mono.next_block() {
                    Ok(Some(block)) => heard += block.len(),
                    Ok(None) | Err(_) => break,
                }
            }
        }
        let held = HELD_MAX.get() - before;
        drop(std::panic::take_hook());
        prop_assert!(held < HELD_BYTES_MAX, "{held} bytes held for {file}");
    }
}
