// SPDX-License-Identifier: GPL-2.0

//! A pair of queues: commands go into one, and completions come from the other.

use crate::{
    command::{
        Answer,
        Command,
        Completion, //
    },
    registers::{
        Bar,
        Doorbells, //
    },
    request::{
        Outcome,
        Request, //
    },
    slots::{
        Slots,
        MAX_SLOTS, //
    },
    transfer::Transfer, //
};
use core::mem;
use kernel::{
    dma::DmaAddress,
    prelude::*,
    sync::Arc, //
};
use sgdma::{
    new_irq_lock,
    CoherentBuffer,
    DmaDevice,
    InFlight,
    IrqLock,
    Words, //
};

/// A command that the device has.
pub(crate) struct Sent<'bound> {
    transfer: Transfer<'bound>,
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
        let stage = self.transfer.complete();
        self.request.finish(Outcome { answer, stage });
    }

    /// Ends the command, with whose memory the device may go on: it goes into quarantine.
    pub(crate) fn abandon(self, error: Error) {
        drop(self.transfer);
        self.request.finish(Outcome {
            answer: Err(error),
            stage: None,
        });
    }
}

#[derive(Clone, Copy)]
pub(crate) enum State {
    Open,
    /// The controller is being reset.
    Closed,
    /// The queue takes no command any more, for this reason.
    Dead(Error),
}

/// The memory of the queues.
struct Rings<'bound> {
    submission: InFlight<CoherentBuffer<'bound>>,
    completion: InFlight<CoherentBuffer<'bound>>,
}

struct Inner<'bound> {
    state: State,
    /// `None` when the controller has stopped.
    rings: Option<Rings<'bound>>,
    /// The place of the next command.
    tail: u16,
    /// The place of the next completion.
    head: u16,
    /// The phase bit of a completion that is new.
    phase: bool,
    slots: Slots<Sent<'bound>>,
    completed: u32,
    /// The most commands that the device had at once.
    most: u32,
}

#[pin_data]
pub(crate) struct Queue<'bound> {
    pub(crate) id: u16,
    pub(crate) vector: u32,
    /// The number of entries of each queue.
    pub(crate) depth: u16,
    pub(crate) submission: DmaAddress,
    pub(crate) completion: DmaAddress,
    doorbells: Doorbells,
    #[pin]
    inner: IrqLock<Inner<'bound>>,
}

/// The most entries of a queue: each slot has one, and one stays free.
pub(crate) const MAX_DEPTH: u16 = MAX_SLOTS + 1;

impl<'bound> Queue<'bound> {
    /// Makes a queue that is closed.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        id: u16,
        vector: u32,
        depth: u16,
        stride: u32,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let entries = usize::from(depth);
            let submission = CoherentBuffer::alloc(entries * Command::SIZE, dma, GFP_KERNEL)?;
            let completion = CoherentBuffer::alloc(entries * Completion::SIZE, dma, GFP_KERNEL)?;
            let doorbells = Doorbells::new(id, stride);
            let addrs = (submission.dma_address(), completion.dma_address());
            let inner = Inner {
                state: State::Closed,
                rings: Some(Rings {
                    submission: submission.submit(),
                    completion: completion.submit(),
                }),
                tail: 0,
                head: 0,
                phase: true,
                slots: Slots::new(depth - 1)?,
                completed: 0,
                most: 0,
            };
            Ok(try_pin_init!(Self {
                id,
                vector,
                depth,
                submission: addrs.0,
                completion: addrs.1,
                doorbells,
                inner <- new_irq_lock!(inner),
            }))
        })
    }

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

    /// Ends each command that the device has completed. Calls `wrong` for each completion that no
    /// command waited for. Returns false if there was no completion. For any context.
    pub(crate) fn handle(&self, bar: &Bar<'_>, mut wrong: impl FnMut(u16)) -> bool {
        let mut count = 0;
        // A device that goes on for ever does not keep the CPU for ever.
        while count < self.depth {
            let Some((entry, answer, sent)) = self.next() else {
                break;
            };
            count += 1;
            match sent {
                Some(sent) => sent.finish(Ok(answer)),
                None => wrong(entry.id()),
            }
        }
        if count > 0 {
            let inner = self.inner.lock();
            let _ = self.doorbells.completed(bar, inner.head);
        }
        count > 0
    }

    /// Takes the next completion, and the command that it is of.
    fn next(&self) -> Option<(Completion, Answer, Option<Sent<'bound>>)> {
        let mut inner = self.inner.lock();
        let ring = &inner.rings.as_ref()?.completion;
        let at = usize::from(inner.head) * Completion::SIZE;
        let flag = ring.flag::<u16>(at + Completion::STATUS).ok()?;
        // The status is read once, because the device may change it. The other words are read after
        // it, so they are as new.
        let status = u16::from_le(flag.load());
        if (status & Completion::PHASE != 0) != inner.phase {
            return None;
        }
        let entry: Completion = ring.read_entry(at).ok()?;
        inner.head += 1;
        if inner.head == self.depth {
            inner.head = 0;
            inner.phase = !inner.phase;
        }
        let sent = if entry.queue() == self.id {
            inner.slots.take(entry.id())
        } else {
            None
        };
        inner.completed = inner.completed.wrapping_add(1);
        let answer = Answer {
            status: status >> 1,
            result: entry.result(),
        };
        Some((entry, answer, sent))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.inner.lock().state = state;
    }

    /// Takes a command that the device has not completed, for which `wanted` holds.
    pub(crate) fn take(&self, wanted: impl FnMut(&mut Sent<'bound>) -> bool) -> Option<Sent<'bound>> {
        let mut inner = self.inner.lock();
        let id = inner.slots.find(wanted)?;
        inner.slots.take(id)
    }

    /// Returns the id of a command that the device has not completed, for which `wanted` holds.
    pub(crate) fn find(&self, wanted: impl FnMut(&mut Sent<'bound>) -> bool) -> Option<u16> {
        self.inner.lock().slots.find(wanted)
    }

    /// Makes the queue as it was when it was new. The controller does not use it.
    pub(crate) fn rewind(&self) -> Result {
        let mut inner = self.inner.lock();
        let ring = &inner.rings.as_ref().ok_or(ENODEV)?.completion;
        for n in 0..usize::from(self.depth) {
            ring.write(n * Completion::SIZE + Completion::STATUS, 0u16)?;
        }
        (inner.tail, inner.head, inner.phase) = (0, 0, true);
        Ok(())
    }

    /// Frees the queue's memory, which the controller does not use any more. May sleep.
    pub(crate) fn free(&self) {
        let rings = self.inner.lock().rings.take();
        if let Some(rings) = rings {
            drop(rings.submission.complete());
            drop(rings.completion.complete());
        }
    }

    /// Returns how many commands were completed, and the most that the device had at once.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let inner = self.inner.lock();
        (inner.completed, inner.most)
    }
}

/// A place for a command that is to be sent. A drop gives it back.
pub(crate) struct Slot<'a, 'bound> {
    queue: &'a Queue<'bound>,
    id: u16,
}

impl<'bound> Slot<'_, 'bound> {
    /// Sends a command.
    ///
    /// # Errors
    ///
    /// The command was not sent: `EIO` if the controller is being reset, or the reason why the queue
    /// takes no command.
    pub(crate) fn send(self, bar: &Bar<'_>, command: Command, sent: Sent<'bound>) -> Result {
        let command = command.with_id(self.id).with_prp(sent.transfer.prp());
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
        sent: Sent<'bound>,
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
