// SPDX-License-Identifier: GPL-2.0

//! The beginning of a binding's end, and sleeping without missing it.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! A wake-up alone is lost on somebody who is about to sleep. So the end of a binding is a state,
//! set before the wake-up and looked at by everybody who has queued up to sleep.

use crate::ffi;
use kernel::{
    bindings,
    current,
    ffi::c_long,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Release, //
    },
    task::{
        MAX_SCHEDULE_TIMEOUT,
        TASK_INTERRUPTIBLE,
        TASK_NORMAL, //
    },
    time::Jiffies,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// Says whether the end of a binding has begun, and lets a driver's code sleep until then.
///
/// Each binding has one, from before the driver's probe on: see
/// [`DmaDevice::unbinding`](crate::DmaDevice::unbinding) and
/// [`Lent::unbinding`](crate::Lent::unbinding). An interrupt handler keeps an `Arc` of it, to wake
/// those who wait for the interrupt.
///
/// ```
/// # use kernel::{prelude::*, sync::{atomic::{Acquire, Atomic, Release}, Arc}, time::Jiffies};
/// # use sgdma::{pci::Driver, Lent, Unbinding};
/// /// What an interrupt handler and file operations share.
/// struct Events {
///     seen: Atomic<bool>,
///     unbinding: Arc<Unbinding>,
/// }
///
/// impl Events {
///     fn interrupt(&self) {
///         self.seen.store(true, Release);
///         self.unbinding.wake_all();
///     }
///
///     /// Sleeps until there was an interrupt: with `ENODEV` when the device is unbound before,
///     /// with `ERESTARTSYS` when a signal arrives before.
///     fn wait(&self) -> Result {
///         self.unbinding.wait(Jiffies::MAX, || self.seen.load(Acquire))
///     }
/// }
/// ```
pub struct Unbinding {
    begun: Atomic<bool>,
    queue: Opaque<bindings::wait_queue_head>,
}

// SAFETY: Wait queues are made for use by all tasks.
unsafe impl Send for Unbinding {}
// SAFETY: As for `Send`.
unsafe impl Sync for Unbinding {}

impl Unbinding {
    /// Makes one, for a driver that binds without [`crate::pci`].
    pub fn new() -> impl PinInit<Self> {
        // SAFETY:
        // - The closure initialises both fields of `slot`, and cannot fail.
        // - `slot` is valid for writing, and nobody moves the value: it is given to be pinned.
        // - A wait queue that is initialised asks for no clean-up.
        unsafe {
            pin_init::pin_init_from_closure(|slot: *mut Self| {
                (&raw mut (*slot).begun).write(Atomic::new(false));
                ffi::sgdma_init_waitqueue_head(Opaque::cast_into(&raw const (*slot).queue));
                Ok::<(), core::convert::Infallible>(())
            })
        }
    }

    /// Says that unbinding begins, for good, and wakes all who wait. Any context.
    ///
    /// [`crate::pci`] does so before [`Driver::unbind`](crate::pci::Driver::unbind). File
    /// operations answer `ENODEV` from then on.
    pub fn begin(&self) {
        // Before the wake-up: who queues up too late for that looks at this.
        self.begun.store(true, Release);
        self.wake_all();
    }

    /// Returns whether unbinding has begun, which stays so. Any context.
    ///
    /// An operation that has passed the gate before that may still run: one that is long asks
    /// before each of its steps.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Acquire)
    }

    /// Has all who wait look at their conditions again: `wake_up_all()`. Any context.
    pub fn wake_all(&self) {
        // SAFETY: The queue is initialised. Zero stands for all.
        unsafe {
            bindings::__wake_up(self.queue.get(), TASK_NORMAL, 0, core::ptr::null_mut());
        }
    }

    /// Sleeps until `condition` holds: `wait_event_interruptible_timeout()`.
    ///
    /// Whoever makes `condition` true calls [`wake_all`](Self::wake_all) afterwards. `condition` is
    /// asked first and at each wake-up, in the calling task, and may sleep. `timeout` is in
    /// jiffies; `Jiffies::MAX` is for ever.
    ///
    /// # Errors
    ///
    /// The condition did not hold when it was asked last, and
    ///
    /// - `ENODEV`: unbinding has begun.
    /// - `ERESTARTSYS`: the task has a signal to see to.
    /// - `ETIMEDOUT`: the time is over.
    pub fn wait(&self, timeout: Jiffies, mut condition: impl FnMut() -> bool) -> Result {
        pin_init::stack_pin_init!(let waiter = Waiter::new(self));
        let mut left = c_long::try_from(timeout).unwrap_or(MAX_SCHEDULE_TIMEOUT);
        loop {
            // Queued already: what changes from here on ends the sleep below.
            if condition() {
                return Ok(());
            }
            if self.has_begun() {
                return Err(ENODEV);
            }
            if current!().signal_pending() {
                return Err(ERESTARTSYS);
            }
            if left == 0 {
                return Err(ETIMEDOUT);
            }
            left = waiter.sleep(left);
        }
    }
}

/// A task that is queued up to be woken. It sees each wake-up, also one that comes before it
/// sleeps.
///
/// # Invariants
///
/// `entry` is in the queue of `unbinding`, for the task that has made it.
#[pin_data(PinnedDrop)]
struct Waiter<'a> {
    unbinding: &'a Unbinding,
    #[pin]
    entry: Opaque<bindings::wait_queue_entry>,
    /// The task that is in the queue must sleep.
    _task: NotThreadSafe,
}

impl<'a> Waiter<'a> {
    fn new(unbinding: &'a Unbinding) -> impl PinInit<Self> {
        let queue = unbinding.queue.get();
        pin_init!(Self {
            unbinding,
            // INVARIANT: Added here, for the current task.
            entry <- Opaque::ffi_init(move |slot| {
                // SAFETY: The queue is initialised, and borrowed by `unbinding`. `slot` is valid
                // for writing, and stays where it is until the drop takes it off.
                unsafe { ffi::sgdma_add_waiter(queue, slot) }
            }),
            _task: NotThreadSafe,
        })
    }

    /// Sleeps until there was a wake-up since the last call, or a signal, or the time is over:
    /// `wait_woken()`. Returns how much of it is left.
    fn sleep(&self, timeout: c_long) -> c_long {
        // SAFETY: By the type invariants the entry is in a queue, for this task.
        unsafe { bindings::wait_woken(self.entry.get(), TASK_INTERRUPTIBLE as c_uint, timeout) }
    }
}

#[pinned_drop]
impl PinnedDrop for Waiter<'_> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants it is in there, and nobody else takes it off.
        unsafe { bindings::remove_wait_queue(self.unbinding.queue.get(), self.entry.get()) };
    }
}
