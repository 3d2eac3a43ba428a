// SPDX-License-Identifier: GPL-2.0

//! A request, for the task that waits for its end.
//!
//! A [`Pending`] borrows no more of the binding than its outcome does. One that borrows nothing may
//! be kept by an open file.

use kernel::{
    prelude::*,
    sync::Arc,
    time::Jiffies, //
};
use sgdma::{
    new_irq_lock,
    Completion,
    IrqLock,
    Unbinding, //
};

/// A request whose end is a `T`.
#[pin_data]
pub(crate) struct Pending<T> {
    #[pin]
    done: Completion,
    #[pin]
    outcome: IrqLock<Option<T>>,
}

// `Unpin`, because an `IrqLock` lends a value that must not move only pinned.
impl<T: Unpin> Pending<T> {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                done <- Completion::new(),
                outcome <- new_irq_lock!(None),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Ends the request. For any context.
    pub(crate) fn finish(&self, outcome: T) {
        *self.outcome.lock() = Some(outcome);
        self.done.complete();
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.is_done()
    }

    /// Takes the outcome of a request that is done.
    pub(crate) fn take(&self) -> Result<T> {
        self.outcome.lock().take().ok_or(EIO)
    }

    /// Waits for the end of the request.
    ///
    /// # Errors
    ///
    /// Those of [`Completion::wait`]. The device may still be at work.
    pub(crate) fn wait(&self, unbinding: &Unbinding, timeout: Jiffies) -> Result<T> {
        self.done.wait(unbinding, timeout)?;
        self.take()
    }
}
