// SPDX-License-Identifier: GPL-2.0

//! Wait queues: the tasks that sleep until they are woken.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use crate::ffi;
use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// A wait queue: `wait_queue_head_t`.
///
/// # Invariants
///
/// The queue is initialised.
#[repr(transparent)]
pub(super) struct WaitQueue(Opaque<bindings::wait_queue_head>);

// SAFETY: A wait queue has a lock of its own and belongs to no task, so any task may use and drop
// it.
unsafe impl Send for WaitQueue {}
// SAFETY: All operations on a wait queue take its lock.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Creates a queue without tasks.
    pub(super) fn new() -> impl PinInit<Self> {
        let queue = Opaque::ffi_init(|slot| {
            // SAFETY: `slot` is valid for writing. The value is pinned, so the queue, which points
            // into itself, is never moved.
            unsafe { ffi::sgdma_init_waitqueue_head(slot) }
        });
        // INVARIANT: The queue is initialised above.
        // SAFETY: `WaitQueue` is `repr(transparent)` over its only field. So a pointer to one can
        // be cast to a pointer to the field, and an initialised field makes a valid queue.
        unsafe { pin_init::cast_pin_init(queue) }
    }

    /// Returns the queue for C. It stays in place as long as the value lives.
    pub(super) fn as_raw(&self) -> *mut bindings::wait_queue_head {
        self.0.get()
    }
}
