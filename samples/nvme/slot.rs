// SPDX-License-Identifier: GPL-2.0

//! A place in a queue, in which a command is sent.

use crate::{
    command::Command,
    queue::{
        Queue,
        State, //
    },
    registers::Bar,
    sent::Sent, //
};
use core::mem;
use kernel::prelude::*;
use sgdma::Words;

/// A place for a command that is to be sent. A drop gives it back.
pub(crate) struct Slot<'a, 'bound> {
    queue: &'a Queue<'bound>,
    id: u16,
}

impl<'bound> Queue<'bound> {
    /// Reserves a slot for a command.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none now, or the reason why there will be none.
    pub(crate) fn reserve(&self) -> Result<Slot<'_, 'bound>> {
        let mut inner = self.inner.lock();
        match inner.state {
            State::Open => {}
            State::Closed => return Err(EAGAIN),
            State::Dead(error) => return Err(error),
        }
        let id = inner.slots.reserve().ok_or(EAGAIN)?;
        Ok(Slot { queue: self, id })
    }
}

impl<'bound> Slot<'_, 'bound> {
    /// Sends a command.
    ///
    /// # Errors
    ///
    /// The command was not sent: `EIO` if the controller is being reset, or the reason why the
    /// queue takes no command.
    pub(crate) fn send(self, bar: &Bar<'_>, command: Command, sent: Sent<'bound>) -> Result {
        let command = match sent.transfer.prp {
            Some(prp) => command.with_prp(prp),
            None => command,
        }
        .with_id(self.id);
        let result = self.put(bar, &command, sent);
        match result {
            // The slot is the command's.
            Ok(()) => mem::forget(self),
            Err((error, sent)) => {
                drop(sent.transfer.complete());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Puts a command into the queue. An error returns `sent`.
    #[expect(clippy::result_large_err, reason = "the error returns the memory")]
    fn put(
        &self,
        bar: &Bar<'_>,
        command: &Command,
        mut sent: Sent<'bound>,
    ) -> Result<(), (Error, Sent<'bound>)> {
        let queue = self.queue;
        let mut inner = queue.inner.lock();
        let error = match (inner.state, &inner.rings) {
            (State::Open, Some(rings)) => {
                let at = usize::from(inner.tail) * Command::SIZE;
                rings.submission.write_entry(at, command).err()
            }
            (State::Dead(error), _) => Some(error),
            _ => Some(EIO),
        };
        if let Some(error) = error {
            return Err((error, sent));
        }
        // No reset begins before the lock is free: it closes the queue first.
        sent.transfer.resubmit();
        // From here on the device may complete the command. The handler waits for the lock.
        let tail = (inner.tail + 1) % queue.depth;
        if let Err(error) = queue.doorbells.submitted(bar, tail) {
            return Err((error, sent));
        }
        inner.tail = tail;
        inner.slots.send(self.id, sent);
        inner.most = inner.most.max(inner.slots.used());
        Ok(())
    }
}

impl Drop for Slot<'_, '_> {
    fn drop(&mut self) {
        self.queue.inner.lock().slots.give_back(self.id);
    }
}
