//! Nothing on the audio path allocates once it is built: measured, not believed.
#![expect(
    unsafe_code,
    reason = "a counting allocator is the one way to see an allocation"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use loa_dsp::{Curve, DriftControl, DriftResampler, Gain, Limiter, Loudness, Meter};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
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

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn audio_path_does_not_allocate() {
    const BLOCK: usize = 480;
    let loud: Vec<f32> = (0..BLOCK).map(|n| (n as f32 * 0.7).sin() * 3.0).collect();
    let mut block = loud.clone();
    let mut out = vec![0.0; BLOCK];

    let mut limiter = Limiter::new(-1.5);
    let mut gain = Gain::new(0.0);
    let mut meter = Meter::new();
    let mut loudness = Loudness::new();
    let mut resampler = DriftResampler::new(BLOCK);
    let mut control = DriftControl::new();
    let input = vec![0.1f32; resampler.needed_max()];

    let count = allocations(|| {
        for round in 0..400u32 {
            block.copy_from_slice(&loud);
            gain.ramp_to((round % 2) as f32, 100, Curve::RaisedCosine);
            gain.apply(&mut block);
            limiter.process(&mut block);
            meter.push(&block);
            loudness.push(&block);
            control.update(f64::from(round) - 200.0, Duration::from_millis(10));
            resampler.set_ppm(control.ppm());
            let needed = resampler.needed();
            resampler.process(&input[..needed], &mut out);
        }
        meter.take();
        resampler.reset();
    });
    assert_eq!(count, 0);
    assert!(allocations(|| drop(vec![0u8; 10])) > 0, "the counter counts");
}
