// SPDX-License-Identifier: GPL-2.0

//! A command that the device has: its memory, and who waits for it.

use crate::{
    command::Answer,
    common::memory::Memory,
    request::{
        Outcome,
        Request, //
    },
    transfer::Transfer, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// A command that the device has.
pub(crate) struct Sent<'bound> {
    pub(crate) transfer: Transfer<'bound>,
    request: Arc<Request>,
    /// The watchdog's time when the command was sent, or was aborted.
    pub(crate) since: u32,
    pub(crate) aborted: bool,
}

impl<'bound> Sent<'bound> {
    pub(crate) fn new(transfer: Transfer<'bound>, request: Arc<Request>, since: u32) -> Self {
        Self {
            transfer,
            request,
            since,
            aborted: false,
        }
    }

    /// Ends the command, with whose memory the device is done. For any context.
    pub(crate) fn finish(self, answer: Result<Answer>) {
        let memory = self.transfer.complete();
        self.request.finish(Outcome { answer, memory });
    }

    /// Ends the command, with whose memory the device may go on: it goes into quarantine.
    pub(crate) fn abandon(self, error: Error) {
        drop(self.transfer);
        self.request.finish(Outcome {
            answer: Err(error),
            memory: Memory::None,
        });
    }
}
