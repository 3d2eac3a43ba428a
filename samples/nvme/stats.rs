// SPDX-License-Identifier: GPL-2.0

//! Counters, which `SGDMA_NVME_STATS` shows.

use crate::uapi;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// The most vectors, and the most queues.
pub(crate) const MAX_QUEUES: usize = uapi::SGDMA_NVME_MAX_QUEUES as usize;

pub(crate) struct Stats {
    /// The interrupts of each vector that were the device's.
    interrupts: [Atomic<u32>; MAX_QUEUES],
    pub(crate) lists: Atomic<u32>,
    pub(crate) chained: Atomic<u32>,
    pub(crate) misaligned: Atomic<u32>,
    pub(crate) staged: Atomic<u32>,
    pub(crate) wrong: Atomic<u32>,
    pub(crate) late: Atomic<u32>,
    pub(crate) resets: Atomic<u32>,
    /// The period of the last complaint, counted from one.
    complained: Atomic<u32>,
}

impl Stats {
    pub(crate) fn new() -> Self {
        let zero = || Atomic::new(0);
        Self {
            interrupts: [const { Atomic::new(0) }; MAX_QUEUES],
            lists: zero(),
            chained: zero(),
            misaligned: zero(),
            staged: zero(),
            wrong: zero(),
            late: zero(),
            resets: zero(),
            complained: zero(),
        }
    }

    pub(crate) fn interrupt(&self, vector: u32) {
        if let Some(count) = self.interrupts.get(vector as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Returns true for the first complaint of each 20 looks of the watchdog, `time` being their
    /// number: of each 5 seconds.
    pub(crate) fn may_complain(&self, time: u32) -> bool {
        let period = time / 20 + 1;
        self.complained.xchg(period, Relaxed) != period
    }

    pub(crate) fn show(&self, to: &mut uapi::sgdma_nvme_stats) {
        for (to, count) in to.interrupts.iter_mut().zip(&self.interrupts) {
            *to = count.load(Relaxed);
        }
        to.lists = self.lists.load(Relaxed);
        to.chained = self.chained.load(Relaxed);
        to.misaligned = self.misaligned.load(Relaxed);
        to.staged = self.staged.load(Relaxed);
        to.wrong = self.wrong.load(Relaxed);
        to.late = self.late.load(Relaxed);
        to.resets = self.resets.load(Relaxed);
    }
}
