// SPDX-License-Identifier: GPL-2.0

//! A flag that tasks wait for, until the device is unbound.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)
//!
//! The C half, `completion.c`, says why this is not a `struct completion`.

use crate::{
    ffi,
    lifecycle::{
        unbinding::{
            ticks,
            Unbinding, //
        },
        wait_flag::WaitFlag, //
    }, //
};
use kernel::{
    error::to_result,
    prelude::*,
    time::Jiffies, //
};

/// A flag that a handler sets and that tasks wait for, such as the end of a command.
///
/// Use [`Unbinding::wait`] to wait for any other condition. Only those who wait for this flag are
/// woken with it, whereas [`Unbinding::wake_all`] wakes all who wait for the device.
///
/// ```
/// # use kernel::{prelude::*, time::msecs_to_jiffies};
/// # use sgdma::{Completion, Driver, DriverContext, IrqContext, IrqReturn};
/// # trait HasCommand { fn command_done(&self) -> &Completion; fn start(&self); }
/// // In `Handlers::irq`:
/// fn irq<D: Driver>(ctx: &IrqContext<'_, D>) -> IrqReturn
/// # where for<'bound> D::Data<'bound>: HasCommand
/// {
///     ctx.command_done().complete();
///     IrqReturn::Handled
/// }
///
/// // In an operation. Unbinding and a kill end the wait.
/// fn run<D: Driver>(ctx: &DriverContext<'_, D>) -> Result
/// # where for<'bound> D::Data<'bound>: HasCommand
/// {
///     ctx.command_done().reset();
///     ctx.start();
///     ctx.command_done().wait(ctx.unbinding(), msecs_to_jiffies(1000))
/// }
///
/// # fn example() -> Result {
/// pin_init::stack_pin_init!(let done = Completion::new());
/// assert_eq!(done.wait_timeout(1), Err(ETIMEDOUT));
/// done.complete();
/// assert_eq!(done.wait_timeout(1), Ok(()));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "completion")]
#[repr(transparent)]
// Only C reads and writes the flag, under the lock of the queue.
pub struct Completion(WaitFlag);

impl Completion {
    /// Creates a flag that is not set.
    #[doc(alias = "init_completion")]
    pub fn new() -> impl PinInit<Self> {
        // SAFETY: `Completion` is `repr(transparent)` over its only field. So a pointer to one can
        // be cast to a pointer to the field, and an initialised field makes a valid completion.
        unsafe { pin_init::cast_pin_init(WaitFlag::new()) }
    }

    /// Sets the flag, and wakes all who wait for it. For any context.
    ///
    /// The flag stays set until [`reset`](Self::reset).
    #[doc(alias = "complete_all")]
    pub fn complete(&self) {
        // SAFETY: `new()` initialised the flag and its queue. `self` borrows both until the
        // function returns, which is longer than the function needs: see `completion.c`.
        unsafe { ffi::sgdma_complete(self.0.queue(), self.0.flag.as_ptr()) };
    }

    /// Returns true if the flag is set. For any context.
    #[must_use]
    #[doc(alias = "completion_done")]
    pub fn is_done(&self) -> bool {
        // SAFETY: `new()` initialised the flag and its queue.
        unsafe { ffi::sgdma_completion_is_done(self.0.queue(), self.0.flag.as_ptr()) }
    }

    /// Takes the flag back, before it is used for another command. For any context.
    #[doc(alias = "reinit_completion")]
    pub fn reset(&self) {
        // SAFETY: `new()` initialised the flag and its queue.
        unsafe { ffi::sgdma_completion_reset(self.0.queue(), self.0.flag.as_ptr()) };
    }

    /// Sleeps until the flag is set, for up to `timeout` jiffies.
    ///
    /// Unbinding ends the sleep, and so does a signal that kills the process. Other signals do not.
    /// The kernel logs a task that sleeps for minutes, so `timeout` should be less.
    ///
    /// # Errors
    ///
    /// In each case the flag was not set.
    ///
    /// - `ENODEV` if unbinding has begun.
    /// - `EINTR` if the process is being killed.
    /// - `ETIMEDOUT` if `timeout` has passed.
    #[doc(alias = "wait_for_completion_killable_timeout")]
    pub fn wait(&self, unbinding: &Unbinding, timeout: Jiffies) -> Result {
        // SAFETY:
        // - `new()` initialised the flag and its queue, and `Unbinding::new()` the other queue.
        // - Both are borrowed until the function returns, which takes the task out of both queues.
        to_result(unsafe {
            ffi::sgdma_completion_wait(
                self.0.queue(),
                self.0.flag.as_ptr(),
                unbinding.queue(),
                unbinding.begun(),
                ticks(timeout),
            )
        })
    }

    /// Sleeps until the flag is set, for up to `timeout` jiffies, also while the device is being
    /// unbound.
    ///
    /// For commands that end a binding, in [`stop`](crate::pci::Driver::stop), and for a reset.
    /// Nothing but the timeout ends the sleep early.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if `timeout` has passed and the flag was not set.
    #[doc(alias = "wait_for_completion_timeout")]
    pub fn wait_timeout(&self, timeout: Jiffies) -> Result {
        // SAFETY:
        // - `new()` initialised the flag and its queue. There is no other queue.
        // - The flag is borrowed until the function returns, which takes the task out of its queue.
        to_result(unsafe {
            ffi::sgdma_completion_wait(
                self.0.queue(),
                self.0.flag.as_ptr(),
                core::ptr::null_mut(),
                core::ptr::null(),
                ticks(timeout),
            )
        })
    }
}
