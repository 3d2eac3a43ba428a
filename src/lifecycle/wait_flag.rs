// SPDX-License-Identifier: GPL-2.0

//! A flag, and the tasks that sleep until they are woken to look at the flag.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use crate::ffi;
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::Atomic,
    types::Opaque, //
};

/// A flag and a wait queue (`wait_queue_head_t`).
///
/// # Invariants
///
/// The queue is initialised.
// The public types wrap this one, so that the items that `#[pin_data]` generates are private.
#[pin_data]
pub(super) struct WaitFlag {
    pub(super) flag: Atomic<bool>,
    #[pin]
    queue: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue has a lock of its own and belongs to no task, so any task may use and drop
// it. The flag is atomic.
unsafe impl Send for WaitFlag {}
// SAFETY: All operations on a wait queue take its lock. The flag is atomic.
unsafe impl Sync for WaitFlag {}

impl WaitFlag {
    /// Creates a flag that is not set, and a queue without tasks.
    pub(super) fn new() -> impl PinInit<Self> {
        // INVARIANT: The queue is initialised here.
        pin_init!(Self {
            flag: Atomic::new(false),
            queue <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writing. The value is pinned, so the queue, which
                // points into itself, is never moved.
                unsafe { ffi::sgdma_init_waitqueue_head(slot) }
            }),
        })
    }

    /// Returns the queue for C. It stays in place as long as the value lives.
    pub(super) fn queue(&self) -> *mut bindings::wait_queue_head {
        self.queue.get()
    }
}
