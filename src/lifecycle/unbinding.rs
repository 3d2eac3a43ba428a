// SPDX-License-Identifier: GPL-2.0

//! The flag that unbinding has begun, and sleeping that unbinding ends.
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)
//!
//! A task that is about to sleep misses a wake-up that comes a moment earlier. Two rules prevent
//! such a miss. [`Unbinding::begin`] sets the flag before the wake-up. [`Unbinding::wait`] puts the
//! task into the wait queue before it tests the flag. So the task either sees the flag, or is in
//! the queue when the wake-up comes.

use crate::{
    ffi,
    lifecycle::wait_flag::WaitFlag, //
};
use kernel::{
    bindings,
    current,
    ffi::c_long,
    prelude::*,
    sync::atomic::{
        Acquire,
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

/// A flag, set when unbinding begins, and a wait queue (`wait_queue_head_t`).
///
/// Each binding has one `Unbinding`, which exists before the driver's probe runs. A driver gets it
/// from [`DmaDevice::unbinding`](crate::DmaDevice::unbinding) or
/// [`DriverContext::unbinding`](crate::DriverContext::unbinding). An interrupt handler keeps an
/// `Arc` of the `Unbinding` and wakes the tasks that wait for the interrupt.
///
/// ```
/// # use kernel::{prelude::*, sync::{atomic::{Acquire, Atomic, Release}, Arc}, time::Jiffies};
/// # use sgdma::{Driver, DriverContext, Unbinding};
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
///     /// Sleeps until there was an interrupt. Returns `ENODEV` if the device is unbound first,
///     /// and `ERESTARTSYS` if a signal arrives first.
///     fn wait(&self) -> Result {
///         self.unbinding.wait(Jiffies::MAX, || self.seen.load(Acquire))
///     }
/// }
/// ```
#[repr(transparent)]
// The flag is true from the beginning of unbinding on. It is never reset.
pub struct Unbinding(WaitFlag);

impl Unbinding {
    /// Creates the flag of a binding, for a driver that binds without [`crate::pci`].
    #[doc(alias = "init_waitqueue_head")]
    pub fn new() -> impl PinInit<Self> {
        // SAFETY: `Unbinding` is `repr(transparent)` over its only field. So a pointer to one can
        // be cast to a pointer to the field, and an initialised field makes a valid `Unbinding`.
        unsafe { pin_init::cast_pin_init(WaitFlag::new()) }
    }

    /// Sets the flag and wakes all waiting tasks. For any context.
    ///
    /// The flag stays set. [`crate::pci`] calls this before
    /// [`Driver::unbind`](crate::pci::Driver::unbind). File operations fail with `ENODEV` from then
    /// on.
    pub fn begin(&self) {
        // The store comes first: a task that is queued after the wake-up then sees the flag.
        self.0.flag.store(true, Release);
        self.wake_all();
    }

    /// Returns true if unbinding has begun. For any context.
    ///
    /// A file operation that passed the gate earlier may still be running. Unbinding waits for the
    /// operation, so a long operation calls this before each of its steps.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.flag.load(Acquire)
    }

    /// Wakes all waiting tasks, so that each tests its condition again: `wake_up_all()`. For any
    /// context.
    #[doc(alias = "wake_up_all")]
    pub fn wake_all(&self) {
        // SAFETY: The queue is valid. The number 0 wakes all tasks; the key may be null.
        unsafe {
            bindings::__wake_up(self.queue(), TASK_NORMAL, 0, core::ptr::null_mut());
        }
    }

    /// Sleeps until `condition` returns true: `wait_event_interruptible_timeout()`.
    ///
    /// Code that makes the condition true calls [`wake_all`](Self::wake_all) afterwards.
    /// `condition` runs in the calling task, once before the first sleep and once after each
    /// wake-up; it may sleep. `timeout` is in jiffies; `Jiffies::MAX` waits without a limit.
    ///
    /// # Errors
    ///
    /// In each case `condition` returned false the last time.
    ///
    /// - `ENODEV` if unbinding has begun.
    /// - `ERESTARTSYS` if a signal is pending.
    /// - `ETIMEDOUT` if `timeout` has passed.
    #[doc(alias = "wait_event_interruptible_timeout")]
    pub fn wait(&self, timeout: Jiffies, mut condition: impl FnMut() -> bool) -> Result {
        pin_init::stack_pin_init!(let waiter = Waiter::new(self));
        let mut left = ticks(timeout);
        loop {
            // The task is in the queue. A wake-up after this test ends the sleep below at once.
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

    /// Returns the wait queue. It stays in place as long as the value lives.
    pub(crate) fn queue(&self) -> *mut bindings::wait_queue_head {
        self.0.queue()
    }

    /// Returns the flag, for C, which reads it by `smp_load_acquire()`.
    pub(crate) fn begun(&self) -> *const bool {
        self.0.flag.as_ptr()
    }
}

/// Returns a time as the scheduler takes it. The longest ones are no limit.
pub(super) fn ticks(timeout: Jiffies) -> c_long {
    c_long::try_from(timeout).unwrap_or(MAX_SCHEDULE_TIMEOUT)
}

/// A task in the wait queue. A wake-up that comes before the task sleeps is not lost.
///
/// # Invariants
///
/// `entry` is in the queue of `unbinding`, for the task that created the `Waiter`.
#[pin_data(PinnedDrop)]
struct Waiter<'a> {
    unbinding: &'a Unbinding,
    #[pin]
    entry: Opaque<bindings::wait_queue_entry>,
    /// `wait_woken()` must run in the task that is in the queue.
    _task: NotThreadSafe,
}

impl<'a> Waiter<'a> {
    fn new(unbinding: &'a Unbinding) -> impl PinInit<Self> {
        let queue = unbinding.queue();
        pin_init!(Self {
            unbinding,
            // INVARIANT: `sgdma_add_waiter()` puts `entry` into the queue for the current task.
            entry <- Opaque::ffi_init(move |slot| {
                // SAFETY:
                // - `queue` is initialised. The borrow `unbinding` keeps it alive as long as
                //   `entry` is in it.
                // - `slot` is valid for writing. The `Waiter` is pinned, so `slot` stays in place
                //   until its drop removes it from the queue.
                unsafe { ffi::sgdma_add_waiter(queue, slot) }
            }),
            _task: NotThreadSafe,
        })
    }

    /// Sleeps for up to `timeout` jiffies: `wait_woken()`. Returns the jiffies that are left.
    ///
    /// A signal ends the sleep, and so does a wake-up since the last call.
    fn sleep(&self, timeout: c_long) -> c_long {
        // SAFETY: By the type invariants the entry is in a queue for the task that created it.
        // `_task` keeps the `Waiter` in that task, so that task calls this.
        unsafe { bindings::wait_woken(self.entry.get(), TASK_INTERRUPTIBLE as c_uint, timeout) }
    }
}

#[pinned_drop]
impl PinnedDrop for Waiter<'_> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants the entry is in this queue. Only this drop removes it, so
        // it is removed once.
        unsafe { bindings::remove_wait_queue(self.unbinding.queue(), self.entry.get()) };
    }
}
