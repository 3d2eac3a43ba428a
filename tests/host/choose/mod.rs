// SPDX-License-Identifier: GPL-2.0

//! Choices at random, or by a fuzzer.

#[path = "../../../src/tests/random.rs"]
pub mod random;

use random::Random;

/// Makes the choices that a test consists of.
pub trait Choose {
    /// Chooses a number below `n`, which is not zero.
    fn below(&mut self, n: usize) -> usize;
}

impl Choose for Random {
    fn below(&mut self, n: usize) -> usize {
        Random::below(self, n as u64) as usize
    }
}

/// The bytes of a fuzzer: one for each choice, and zeros behind their end.
pub struct Input<'a>(pub &'a [u8]);

impl Choose for Input<'_> {
    fn below(&mut self, n: usize) -> usize {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*byte) % n
    }
}
