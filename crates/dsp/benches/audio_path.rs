//! One second of audio through each stage, beside the floor of one multiplication per sample in the same run.
//!
//! Read the ratios to `gain_floor`, not the times: they hold from machine to machine.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loa_dsp::{DriftResampler, Gain, Limiter, Loudness};

const SECOND: usize = 48_000;
const BLOCK: usize = 480;

fn speech_like(level: f32) -> Vec<f32> {
    (0..SECOND)
        .map(|n| n as f32)
        .map(|n| level * (n * 0.031).sin() * (0.6 + 0.4 * (n * 0.0004).sin()))
        .collect()
}

fn audio_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one_second");
    group.throughput(Throughput::Elements(SECOND as u64));

    let source = speech_like(0.5);
    let mut second = source.clone();
    group.bench_function("gain_floor", |bench| {
        let mut gain = Gain::new(0.5);
        bench.iter(|| {
            second.copy_from_slice(&source);
            gain.apply(&mut second);
        });
    });

    for (name, level) in [("limiter_at_rest", 0.5), ("limiter_at_work", 2.0)] {
        let source = speech_like(level);
        group.bench_function(name, |bench| {
            let mut limiter = Limiter::new(-1.5);
            bench.iter(|| {
                second.copy_from_slice(&source);
                limiter.process(&mut second);
            });
        });
    }

    group.bench_function("drift_resampler", |bench| {
        let mut resampler = DriftResampler::new(BLOCK);
        resampler.set_ppm(100.0);
        let mut out = [0.0f32; BLOCK];
        bench.iter(|| {
            for _ in 0..SECOND / BLOCK {
                let needed = resampler.needed();
                resampler.process(&source[..needed], &mut out);
            }
        });
    });

    group.bench_function("loudness", |bench| {
        let mut loudness = Loudness::new();
        bench.iter(|| loudness.push(&source));
    });
    group.finish();
}

criterion_group!(benches, audio_path);
criterion_main!(benches);
