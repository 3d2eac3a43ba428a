// SPDX-License-Identifier: GPL-2.0

//! Counters of what has run.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// The number of times that each handler has run.
pub(crate) struct Runs {
    pub(crate) irq: Atomic<u32>,
    pub(crate) irq_thread: Atomic<u32>,
    pub(crate) work: Atomic<u32>,
    pub(crate) timer: Atomic<u32>,
}

impl Runs {
    pub(crate) fn new() -> Self {
        Self {
            irq: Atomic::new(0),
            irq_thread: Atomic::new(0),
            work: Atomic::new(0),
            timer: Atomic::new(0),
        }
    }

    pub(crate) fn get(&self) -> [u32; 4] {
        [&self.irq, &self.irq_thread, &self.work, &self.timer].map(|runs| runs.load(Relaxed))
    }
}
