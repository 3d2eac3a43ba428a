// SPDX-License-Identifier: GPL-2.0

//! A reference to a work item of a binding, for those who may outlive the binding.

use crate::ffi;
use core::ptr::NonNull;

/// A work item of a binding. The binding may have ended: then nothing runs.
///
/// # Invariants
///
/// The pointer is to handlers, and the value has a reference to them.
pub(crate) struct WorkRef {
    handlers: NonNull<ffi::sgdma_handlers>,
    item: u32,
}

// SAFETY: No C function on handlers depends on the task that calls it.
unsafe impl Send for WorkRef {}
// SAFETY: As above. The functions may be called at the same time.
unsafe impl Sync for WorkRef {}

impl WorkRef {
    /// Returns a reference to work item `item`, or `None` if the driver has no such item. For any
    /// context.
    ///
    /// # Safety
    ///
    /// `handlers` are valid.
    pub(crate) unsafe fn new(handlers: NonNull<ffi::sgdma_handlers>, item: u32) -> Option<Self> {
        // SAFETY: The caller promises valid handlers.
        let found = unsafe { ffi::sgdma_handlers_get(handlers.as_ptr(), item) };
        // INVARIANT: If the call above has returned true, it took the reference.
        found.then(|| Self { handlers, item })
    }

    /// Returns true unless the driver was stopped. For any context.
    pub(crate) fn is_live(&self) -> bool {
        // SAFETY: By the type invariants the handlers are valid.
        unsafe { ffi::sgdma_handlers_are_live(self.handlers.as_ptr()) }
    }

    /// Queues the work item, unless the driver was stopped. For any context.
    pub(crate) fn queue(&self) {
        // SAFETY: By the type invariants the handlers are valid.
        unsafe { ffi::sgdma_handlers_queue(self.handlers.as_ptr(), self.item) };
    }
}

impl Drop for WorkRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the reference is this value's, which is not used again.
        // Whoever made the handlers has a reference until they are shut down.
        unsafe { ffi::sgdma_handlers_put(self.handlers.as_ptr()) };
    }
}
