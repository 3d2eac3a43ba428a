// SPDX-License-Identifier: GPL-2.0

//! The side of a command that somebody waits for.
//!
//! A request borrows nothing of the binding, so an open file may keep one.

use crate::command::Answer;
use kernel::{
    prelude::*,
    sync::Arc,
    time::Jiffies, //
};
use sgdma::{
    new_irq_lock,
    Completion,
    IrqLock,
    SgTable,
    Unbinding, //
};

/// The end of a command.
pub(crate) struct Outcome {
    /// The device's answer, or the reason why there is none.
    pub(crate) answer: Result<Answer>,
    /// The stage that the device has written, if the bytes go through one.
    pub(crate) stage: Option<SgTable>,
}

#[pin_data]
pub(crate) struct Request {
    #[pin]
    done: Completion,
    #[pin]
    outcome: IrqLock<Option<Outcome>>,
}

impl Request {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                done <- Completion::new(),
                outcome <- new_irq_lock!(None),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Ends the command. For any context.
    pub(crate) fn finish(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(outcome);
        self.done.complete();
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.is_done()
    }

    /// Takes the outcome of a request that is done.
    pub(crate) fn take(&self) -> Result<Outcome> {
        self.outcome.lock().take().ok_or(EIO)
    }

    /// Waits for the end of the command.
    ///
    /// # Errors
    ///
    /// Those of [`Completion::wait`]. The device may still be at work.
    pub(crate) fn wait(&self, unbinding: &Unbinding, timeout: Jiffies) -> Result<Outcome> {
        self.done.wait(unbinding, timeout)?;
        self.take()
    }
}
