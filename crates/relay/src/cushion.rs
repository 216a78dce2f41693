//! Sound that came and is not yet heard: a little of it is held back, so that what comes late for once breaks nothing.

use std::collections::VecDeque;

use crate::packets::soften_end;

/// Holds sound, and gives it out frame by frame. It begins when enough is there; when it runs dry there is silence until
/// enough is there again, so that what is late is heard late and not in pieces. Whoever runs dry holds more from then on.
#[derive(Clone, Debug)]
pub(crate) struct Cushion {
    held: VecDeque<f32>,
    /// Samples that must be there before it begins.
    enough: usize,
    /// `enough` doubles each time it runs dry, up to this.
    enough_max: usize,
    is_flowing: bool,
}

impl Cushion {
    /// Begins empty; `enough` and `enough_max` are samples.
    pub(crate) const fn new(enough: usize, enough_max: usize) -> Self {
        Self {
            held: VecDeque::new(),
            enough,
            enough_max,
            is_flowing: false,
        }
    }

    /// Returns how many samples it wants to hold before it begins.
    pub(crate) const fn enough(&self) -> usize {
        self.enough
    }

    /// Tells whether the next so many samples are all sound.
    pub(crate) fn has(&self, samples: usize) -> bool {
        (self.is_flowing || self.held.len() >= self.enough) && self.held.len() >= samples
    }

    /// Returns how many samples it holds.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) fn push(&mut self, block: Vec<f32>) {
        self.held.extend(block);
    }

    /// Returns all that it holds.
    pub(crate) fn samples(&mut self) -> &[f32] {
        self.held.make_contiguous()
    }

    /// Forgets all but the newest samples; returns how many it forgot.
    pub(crate) fn keep_newest(&mut self, samples: usize) -> usize {
        let over = self.held.len().saturating_sub(samples);
        self.held.drain(..over);
        over
    }

    /// Forgets all it holds, and begins anew with what comes.
    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.is_flowing = false;
    }

    /// Keeps what it holds until it is enough to begin.
    pub(crate) const fn gather(&mut self) {
        self.is_flowing = false;
    }

    /// Begins with what is there: no more may come.
    pub(crate) const fn begin(&mut self) {
        self.is_flowing = true;
    }

    /// Fills a frame, with silence from where it runs dry; returns how many samples of it are sound.
    pub(crate) fn read(&mut self, frame: &mut [f32]) -> usize {
        self.is_flowing |= self.held.len() >= self.enough;
        let count = if self.is_flowing {
            frame.len().min(self.held.len())
        } else {
            0
        };
        for (sample, held) in frame.iter_mut().zip(self.held.drain(..count)) {
            *sample = held;
        }
        frame[count..].fill(0.0);
        if count < frame.len() {
            soften_end(&mut frame[..count]);
            if self.is_flowing {
                self.is_flowing = false;
                self.enough = (self.enough * 2).min(self.enough_max);
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives blocks of 20 ms, a digit each tick of 20 ms telling how many come, and reads a frame of 20 ms each tick;
    /// returns which frames sound.
    fn heard(cushion: &mut Cushion, blocks: &str) -> String {
        let mut frame = [0.0; 960];
        let tick = |came: char| {
            for _ in 0..came.to_digit(10).unwrap() {
                cushion.push(vec![0.5; 960]);
            }
            match cushion.read(&mut frame) {
                0 => '.',
                960 => '#',
                _ => '?',
            }
        };
        blocks.chars().map(tick).collect()
    }

    #[test]
    fn it_is_heard_in_one_piece_and_each_break_makes_it_more_patient() {
        let rows = [
            ("the first block waits for others", "11111", "..###"),
            ("a block that is late breaks nothing", "111110021", "..#######"),
            (
                "dry, and then as much again and twice that",
                "11100000111111111",
                "..###........####",
            ),
            (
                "no more patient than it may be",
                "111000111111000000001111111111111",
                "..###......######..........######",
            ),
        ];
        for (name, blocks, expected) in rows {
            let mut cushion = Cushion::new(3 * 960, 8 * 960);
            assert_eq!(heard(&mut cushion, blocks), expected, "{name}");
        }
    }

    #[test]
    fn what_is_left_is_heard_when_no_more_comes() {
        let mut cushion = Cushion::new(3 * 960, 3 * 960);
        assert_eq!(heard(&mut cushion, "11"), "..");
        cushion.begin();
        assert_eq!(heard(&mut cushion, "000"), "##.");
        assert_eq!(heard(&mut cushion, "999"), "###");
        assert_eq!((cushion.keep_newest(960), cushion.len()), (23 * 960, 960));
        cushion.clear();
        assert_eq!(
            heard(&mut cushion, "1111"),
            "..##",
            "and no more patient than before"
        );
    }
}
