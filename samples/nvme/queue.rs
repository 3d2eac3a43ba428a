// SPDX-License-Identifier: GPL-2.0

//! A pair of queues: commands go into one, and completions come from the other.

use crate::{
    command::{
        Answer,
        Command,
        Completion, //
    },
    module_parameters,
    registers::{
        Bar,
        Doorbells, //
    },
    sent::Sent,
    slots::{
        Slots,
        Taken,
        MAX_SLOTS, //
    }, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    new_irq_lock,
    CoherentBuffer,
    DmaDevice,
    InFlight,
    IrqLock,
    Words, //
};

#[derive(Clone, Copy)]
pub(crate) enum State {
    Open,
    /// The controller is being reset.
    Closed,
    /// The queue takes no command any more, for this reason.
    Dead(Error),
}

/// The memory of the queues.
pub(crate) struct Rings<'bound> {
    pub(crate) submission: InFlight<CoherentBuffer<'bound>>,
    completion: InFlight<CoherentBuffer<'bound>>,
}

pub(crate) struct Inner<'bound> {
    pub(crate) state: State,
    /// `None` when the controller has stopped.
    pub(crate) rings: Option<Rings<'bound>>,
    /// The place of the next command.
    pub(crate) tail: u16,
    /// The place of the next completion.
    head: u16,
    /// The phase bit of a completion that is new.
    phase: bool,
    /// The next completion was taken once already.
    again: bool,
    pub(crate) slots: Slots<Sent<'bound>>,
    completed: u32,
    /// The most commands that the device had at once.
    pub(crate) most: u32,
}

#[pin_data]
pub(crate) struct Queue<'bound> {
    pub(crate) id: u16,
    pub(crate) vector: u32,
    /// The number of entries of each queue.
    pub(crate) depth: u16,
    pub(crate) submission: DmaAddress,
    pub(crate) completion: DmaAddress,
    pub(crate) doorbells: Doorbells,
    /// Each completion is taken twice, to show what a device that sends it twice does.
    twice: bool,
    #[pin]
    pub(crate) inner: IrqLock<Inner<'bound>>,
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
                again: false,
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
                twice: sgdma::parameter(&module_parameters::twice) != 0,
                inner <- new_irq_lock!(inner),
            }))
        })
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
                Taken::Sent(sent) => sent.finish(Ok(answer)),
                Taken::GivenUp => {}
                Taken::Unknown => wrong(entry.id()),
            }
        }
        if count > 0 {
            let inner = self.inner.lock();
            let _ = self.doorbells.completed(bar, inner.head);
        }
        count > 0
    }

    /// Takes the next completion, and the command that it is of.
    fn next(&self) -> Option<(Completion, Answer, Taken<Sent<'bound>>)> {
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
        inner.again = self.twice && !inner.again;
        if !inner.again {
            inner.head += 1;
            if inner.head == self.depth {
                (inner.head, inner.phase) = (0, !inner.phase);
            }
        }
        let sent = if entry.queue() == self.id {
            inner.slots.take(entry.id())
        } else {
            Taken::Unknown
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
    pub(crate) fn give_up(
        &self,
        wanted: impl FnMut(&mut Sent<'bound>) -> bool,
    ) -> Option<Sent<'bound>> {
        self.inner.lock().slots.give_up(wanted)
    }

    /// Returns the id of a command that the device has not completed, for which `wanted` holds.
    pub(crate) fn find(&self, wanted: impl FnMut(&mut Sent<'bound>) -> bool) -> Option<u16> {
        self.inner.lock().slots.find(wanted)
    }

    /// Makes the queue as it was when it was new. The controller does not use it.
    pub(crate) fn rewind(&self) -> Result {
        let mut inner = self.inner.lock();
        let rings = inner.rings.as_mut().ok_or(ENODEV)?;
        for n in 0..usize::from(self.depth) {
            let at = n * Completion::SIZE + Completion::STATUS;
            rings.completion.write(at, 0u16)?;
        }
        rings.submission.resubmit();
        rings.completion.resubmit();
        (inner.tail, inner.head, inner.phase) = (0, 0, true);
        inner.slots.forget();
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
