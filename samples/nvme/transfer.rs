// SPDX-License-Identifier: GPL-2.0

//! The memory of a command that the device has, and the list of its pages.

use crate::{
    common::memory::{
        InFlightMemory,
        Memory, //
    },
    controller::Controller,
    dma_buf::Lent,
    prp::{
        Prps,
        MAX_LISTS, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use sgdma::{
    InFlight,
    PoolBlock, //
};

/// The bytes that a command is about: memory, or part of a dma-buf.
pub(crate) trait IntoTransfer<'bound> {
    /// Describes the memory to the device, and puts it in flight.
    fn into_transfer(self, nvme: &Controller<'bound>) -> Result<Transfer<'bound>>;
}

pub(crate) struct Transfer<'bound> {
    memory: InFlightMemory<'bound>,
    /// The dma-buf that the command has instead of memory.
    dma_buf: Option<Lent<'bound>>,
    /// The PRPs for the command, if it has memory or a dma-buf.
    pub(crate) prp: Option<[u64; 2]>,
    lists: [Option<InFlight<PoolBlock<'bound>>>; MAX_LISTS],
}

impl<'bound> IntoTransfer<'bound> for Memory {
    fn into_transfer(self, nvme: &Controller<'bound>) -> Result<Transfer<'bound>> {
        let (len, is_staged) = (self.len(), self.is_staged());
        let (memory, prps) = self.submit(nvme.dma, |table| {
            let table = table.map(|table| nvme.describe(table, 0..len));
            table.transpose()
        })?;
        if is_staged {
            nvme.stats.staged.fetch_add(1, Relaxed);
        }
        Ok(Transfer::new(memory, None, prps))
    }
}

impl<'bound> Transfer<'bound> {
    fn new(
        memory: InFlightMemory<'bound>,
        dma_buf: Option<Lent<'bound>>,
        prps: Option<Prps<'bound>>,
    ) -> Self {
        let (prp, lists) = match prps {
            Some(Prps { prp, lists }) => (Some(prp), lists.map(|list| list.map(PoolBlock::submit))),
            None => (None, [const { None }; MAX_LISTS]),
        };
        Self {
            memory,
            dma_buf,
            prp,
            lists,
        }
    }

    /// Makes the transfer of a dma-buf that `prps` describe.
    pub(crate) fn of_dma_buf(prps: Prps<'bound>, dma_buf: Lent<'bound>) -> Self {
        Self::new(InFlightMemory::None, Some(dma_buf), Some(prps))
    }

    /// Puts the memory in flight again: the device may have been reset since that was mapped.
    pub(crate) fn resubmit(&mut self) {
        self.memory.resubmit();
        if let Some(dma_buf) = &mut self.dma_buf {
            dma_buf.resubmit();
        }
        for list in self.lists.iter_mut().flatten() {
            list.resubmit();
        }
    }

    /// Ends the transfer, as the device is done with it or was never told of it. Returns the
    /// memory, and gives a dma-buf back to its task. For any context.
    pub(crate) fn complete(self) -> Memory {
        for list in self.lists.into_iter().flatten() {
            drop(list.complete());
        }
        if let Some(dma_buf) = self.dma_buf {
            dma_buf.complete();
        }
        self.memory.complete()
    }
}
