// SPDX-License-Identifier: GPL-2.0

//! The clock of a driver's watchdog, a timer that looks for requests that take too long.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// The time between two looks of the watchdog.
pub(crate) const WATCHDOG_MS: u32 = 250;

/// A clock that counts the looks of the watchdog.
pub(crate) struct Clock(Atomic<u32>);

impl Clock {
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Returns the time, which wraps around.
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Counts a look of the watchdog. Returns the new time.
    pub(crate) fn tick(&self) -> u32 {
        self.0.fetch_add(1, Relaxed).wrapping_add(1)
    }
}

/// Returns whether more than `limit_ms` milliseconds have passed since a request was made.
pub(crate) fn is_late(since: u32, now: u32, limit_ms: u32) -> bool {
    let limit = (limit_ms / WATCHDOG_MS).max(1);
    // Negative for a request that was made after `now`.
    i64::from(now.wrapping_sub(since) as i32) > i64::from(limit)
}
