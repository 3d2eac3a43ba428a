// SPDX-License-Identifier: GPL-2.0

//! The handlers of a binding: how they are started, called and ended.
//!
//! Interrupts, work items and timers belong to the binding. The library starts none before the
//! driver's data is complete, and ends all of them before the data is dropped.
//!
//! C headers: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h),
//! [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h),
//! [`include/linux/timer.h`](srctree/include/linux/timer.h)

use crate::{
    driver::{
        tasks::Tasks, //
        Driver,
        DriverContext,
        Handlers,
        IrqContext,
    },
    ffi, //
};
use core::{
    ffi::{
        c_uint,
        c_void, //
    },
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The handlers of a binding of driver `D`. A drop ends them.
///
/// # Invariants
///
/// `raw` comes from `sgdma_handlers_new()`, with [`CALLS`](Self::CALLS) of this driver. The value
/// has the reference.
pub(crate) struct HandlerSet<D: Driver> {
    raw: NonNull<ffi::sgdma_handlers>,
    _driver: PhantomData<fn(D) -> D>,
}

// SAFETY: No C function on handlers depends on the task that calls it, not even the one that ends
// the handlers.
unsafe impl<D: Driver> Send for HandlerSet<D> {}

impl<D: Driver> HandlerSet<D> {
    /// Allocates the handlers for a device of `vectors` vectors. May sleep.
    pub(crate) fn new(vectors: u32) -> Result<Self> {
        // A work item without `work`, or a timer without `timer`, would call a null pointer.
        const {
            assert!(
                (D::Handlers::WORK_ITEMS != 0) == D::Handlers::HAS_WORK,
                "a driver has both `WORK_ITEMS` and `work`, or neither"
            );
            assert!(
                (D::Handlers::TIMERS != 0) == D::Handlers::HAS_TIMER,
                "a driver has both `TIMERS` and `timer`, or neither"
            );
            assert!(
                D::Handlers::HAS_IRQ || !D::Handlers::HAS_IRQ_THREAD,
                "only `irq` starts `irq_thread`"
            );
        }
        // The type `&'static` makes this a constant in memory, not a temporary.
        let calls: &'static ffi::sgdma_handler_calls = &Self::CALLS;
        // SAFETY: `calls` is static. It has a function for each kind that is not zero in number.
        let raw = unsafe {
            ffi::sgdma_handlers_new(calls, D::Handlers::WORK_ITEMS, D::Handlers::TIMERS, vectors)
        };
        // INVARIANT: `raw` was just made, with the calls of this driver.
        Ok(Self {
            raw: NonNull::new(raw).ok_or(ENOMEM)?,
            _driver: PhantomData,
        })
    }

    /// Returns the work items, timers and vectors, as the driver uses them.
    ///
    /// # Safety
    ///
    /// Nobody reaches the result after this value is dropped.
    pub(crate) unsafe fn tasks(&self) -> Tasks {
        // SAFETY: By the type invariants `raw` comes from `sgdma_handlers_new()`. Nobody reaches
        // the result when this value gives its reference back, by its drop: the caller promises
        // that.
        unsafe { Tasks::new(self.raw) }
    }

    /// Lends `ctx` to all handlers from now on.
    ///
    /// # Safety
    ///
    /// - No handler was started before.
    /// - `ctx` is valid, and nobody has it exclusively, until [`shut_down`](Self::shut_down) has
    ///   returned.
    pub(crate) unsafe fn lend(&self, ctx: *const DriverContext<'_, D>) {
        // SAFETY: By the type invariants the handlers exist. The caller promises the rest.
        unsafe { ffi::sgdma_handlers_lend(self.raw.as_ptr(), ctx.cast()) };
    }

    /// Requests the interrupt of `vector`. May sleep.
    ///
    /// # Safety
    ///
    /// - The driver has [`Handlers::irq`].
    /// - [`lend`](Self::lend) was called, and `vector` is less than the number that `new()` was
    ///   given. The interrupt of `vector` has not been requested.
    /// - `irq` is the number of an interrupt of the device, until [`shut_down`](Self::shut_down).
    pub(crate) unsafe fn request_irq(&self, vector: u32, irq: u32) -> Result {
        // SAFETY:
        // - By the type invariants the handlers exist. They have a handler for interrupts, as the
        //   caller promises, and what it uses is complete: the caller has called `lend()`.
        // - The vector exists and is free, as the caller promises.
        // - The module of the driver stays loaded until the binding has ended.
        to_result(unsafe {
            ffi::sgdma_handlers_request_irq(self.raw.as_ptr(), vector, irq, D::MODULE.as_ptr())
        })
    }

    /// Ends all handlers: interrupts first, then work items and timers. May sleep.
    ///
    /// Afterwards no handler can be started any more.
    pub(crate) fn shut_down(&self) {
        // SAFETY: By the type invariants the handlers exist.
        unsafe { ffi::sgdma_handlers_shut_down(self.raw.as_ptr()) };
    }

    const CALLS: ffi::sgdma_handler_calls = ffi::sgdma_handler_calls {
        irq: if D::Handlers::HAS_IRQ {
            Some(irq::<D>)
        } else {
            None
        },
        irq_thread: if D::Handlers::HAS_IRQ_THREAD {
            Some(irq_thread::<D>)
        } else {
            None
        },
        work: if D::Handlers::HAS_WORK {
            Some(work::<D>)
        } else {
            None
        },
        timer: if D::Handlers::HAS_TIMER {
            Some(timer::<D>)
        } else {
            None
        },
    };
}

impl<D: Driver> Drop for HandlerSet<D> {
    fn drop(&mut self) {
        self.shut_down();
        // SAFETY: By the type invariants the reference is this value's, which is not used again.
        // The handlers were shut down.
        unsafe { ffi::sgdma_handlers_put(self.raw.as_ptr()) };
    }
}

/// Borrows the context of a handler.
///
/// The lifetimes of the result are made up. A handler must accept any two lifetimes, so it can keep
/// nothing that borrows the context or the binding.
///
/// # Safety
///
/// `context` is what [`HandlerSet::lend`] of driver `D` was given. The result is used only until
/// the handler returns.
unsafe fn borrow<'a, 'bound, D: Driver>(context: *const c_void) -> &'a DriverContext<'bound, D> {
    // SAFETY: The context is valid, and nobody has it exclusively, until `shut_down()` has
    // returned, as the caller of `lend()` has promised. `shut_down()` waits for the handler that
    // runs now.
    unsafe { &*context.cast() }
}

/// # Safety
///
/// Only for [`HandlerSet::CALLS`].
unsafe extern "C" fn irq<D: Driver>(context: *const c_void, vector: c_uint) -> c_uint {
    // SAFETY: C calls this with the context of `lend()`.
    let ctx = unsafe { borrow::<D>(context) };
    D::Handlers::irq(IrqContext::of(ctx), vector) as c_uint
}

/// # Safety
///
/// Only for [`HandlerSet::CALLS`].
unsafe extern "C" fn irq_thread<D: Driver>(context: *const c_void, vector: c_uint) {
    // SAFETY: C calls this with the context of `lend()`.
    D::Handlers::irq_thread(unsafe { borrow::<D>(context) }, vector);
}

/// # Safety
///
/// Only for [`HandlerSet::CALLS`].
unsafe extern "C" fn work<D: Driver>(context: *const c_void, item: c_uint) {
    // SAFETY: C calls this with the context of `lend()`.
    D::Handlers::work(unsafe { borrow::<D>(context) }, item);
}

/// # Safety
///
/// Only for [`HandlerSet::CALLS`].
unsafe extern "C" fn timer<D: Driver>(context: *const c_void, timer: c_uint) {
    // SAFETY: C calls this with the context of `lend()`.
    let ctx = unsafe { borrow::<D>(context) };
    D::Handlers::timer(IrqContext::of(ctx), timer);
}
