// SPDX-License-Identifier: GPL-2.0

//! The memory of a command that the device has, and the list of its pages.

use crate::{
    common::memory::{
        InFlightMemory,
        Memory, //
    },
    controller::Controller,
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

pub(crate) struct Transfer<'bound> {
    memory: InFlightMemory<'bound>,
    /// The PRPs for the command, if it has memory.
    pub(crate) prp: Option<[u64; 2]>,
    lists: [Option<InFlight<PoolBlock<'bound>>>; MAX_LISTS],
}

impl<'bound> Transfer<'bound> {
    /// Maps `memory`, and describes it to the device.
    pub(crate) fn new(nvme: &Controller<'bound>, memory: Memory) -> Result<Self> {
        let (len, is_staged) = (memory.len(), memory.is_staged());
        let (memory, prps) = memory.submit(nvme.dma, |table| {
            let table = table.map(|table| nvme.describe(table, len));
            table.transpose()
        })?;
        if is_staged {
            nvme.stats.staged.fetch_add(1, Relaxed);
        }
        let (prp, lists) = match prps {
            Some(Prps { prp, lists }) => (Some(prp), lists.map(|list| list.map(PoolBlock::submit))),
            None => (None, [const { None }; MAX_LISTS]),
        };
        Ok(Self { memory, prp, lists })
    }

    /// Puts the memory in flight again: the device may have been reset since that was mapped.
    pub(crate) fn resubmit(&mut self) {
        self.memory.resubmit();
        for list in self.lists.iter_mut().flatten() {
            list.resubmit();
        }
    }

    /// Ends the transfer, as the device is done with it or was never told of it. Returns the
    /// memory. For any context.
    pub(crate) fn complete(self) -> Memory {
        for list in self.lists.into_iter().flatten() {
            drop(list.complete());
        }
        self.memory.complete()
    }
}
