// SPDX-License-Identifier: GPL-2.0

//! The work items, timers and vectors of a binding, as their driver uses them.

use crate::ffi;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
use crate::lifecycle::work_ref::WorkRef;
use core::ptr::NonNull;
use kernel::time::Jiffies;

/// The work items, timers and vectors of a binding, as their driver uses them.
///
/// After the driver's `stop` has returned, neither work items nor timers can be started any more.
///
/// # Invariants
///
/// The pointer is to handlers that exist as long as anybody can reach this value.
pub struct Tasks(NonNull<ffi::sgdma_handlers>);

// SAFETY: The C functions that `Tasks` calls may be called by any task, at the same time.
unsafe impl Send for Tasks {}
// SAFETY: As above.
unsafe impl Sync for Tasks {}

impl Tasks {
    /// Returns the tasks of `handlers`.
    ///
    /// # Safety
    ///
    /// `handlers` come from `sgdma_handlers_new()`. They have a reference as long as anybody can
    /// reach the result.
    pub(super) unsafe fn new(handlers: NonNull<ffi::sgdma_handlers>) -> Self {
        // INVARIANT: The handlers exist as long, as the caller promises.
        Self(handlers)
    }

    /// Queues a work item: `queue_work()`. For any context.
    ///
    /// Returns false if the item is queued already, if it is not less than
    /// [`WORK_ITEMS`](crate::Handlers::WORK_ITEMS), or if the driver has been stopped.
    #[doc(alias = "queue_work")]
    pub fn queue(&self, item: u32) -> bool {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { ffi::sgdma_handlers_queue(self.0.as_ptr(), item) }
    }

    /// Returns a reference to a work item, or `None` if there is no such item. For any context.
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    pub(super) fn work_ref(&self, item: u32) -> Option<WorkRef> {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { WorkRef::new(self.0, item) }
    }

    /// Makes a timer expire `delay` jiffies from now: `mod_timer()`. For any context.
    ///
    /// A timer that was to expire at another time expires at the new time only.
    ///
    /// Does nothing if `timer` is not less than [`TIMERS`](crate::Handlers::TIMERS), or if the
    /// driver has been stopped.
    #[doc(alias = "mod_timer")]
    pub fn start_timer(&self, timer: u32, delay: Jiffies) {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { ffi::sgdma_handlers_start_timer(self.0.as_ptr(), timer, delay) }
    }

    /// Stops a timer: `timer_delete()`. For any context.
    ///
    /// Returns false if the timer was not to expire. The handler of the timer may still be running.
    #[doc(alias = "timer_delete")]
    pub fn stop_timer(&self, timer: u32) -> bool {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { ffi::sgdma_handlers_stop_timer(self.0.as_ptr(), timer) }
    }

    /// Returns the number of interrupt vectors that the device was given. For any context.
    #[doc(alias = "pci_alloc_irq_vectors")]
    pub fn vectors(&self) -> u32 {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { ffi::sgdma_handlers_vectors(self.0.as_ptr()) }
    }
}
