// SPDX-License-Identifier: GPL-2.0

//! The memory of a command: user space's own, or a stage through which the bytes are copied.

use crate::{
    controller::Controller,
    prp::{
        Prps,
        MAX_LISTS, //
    },
};
use kernel::{
    dma::DmaAddress,
    prelude::*,
    sync::atomic::Relaxed, //
};
use sgdma::{
    FromDevice,
    InFlight,
    Mapped,
    PinnedPages,
    PoolBlock,
    SgTable,
    Shared,
    ToDevice,
    UserTable, //
};

/// The memory of a command that is to be sent.
pub(crate) enum Memory {
    None,
    /// Memory that the driver keeps for the device, at this address.
    At(DmaAddress),
    Read(UserTable<FromDevice>),
    Write(UserTable<ToDevice>),
    StagedRead(SgTable),
    StagedWrite(SgTable),
}

/// The same, mapped, and in flight.
enum Mapping<'bound> {
    None,
    Read(InFlight<Shared<'bound, FromDevice, PinnedPages>>),
    Write(InFlight<Shared<'bound, ToDevice, PinnedPages>>),
    StagedRead(InFlight<Mapped<'bound, FromDevice>>),
    StagedWrite(InFlight<Mapped<'bound, ToDevice>>),
}

/// The memory of a command that the device has, and the list of its pages.
pub(crate) struct Transfer<'bound> {
    mapping: Mapping<'bound>,
    prp: [u64; 2],
    lists: [Option<InFlight<PoolBlock<'bound>>>; MAX_LISTS],
}

impl<'bound> Transfer<'bound> {
    /// Maps `memory`, and describes it to the device.
    pub(crate) fn new(nvme: &Controller<'bound>, memory: Memory) -> Result<Self> {
        let dma = nvme.dma;
        let (mapping, prps) = match memory {
            Memory::None => (Mapping::None, Prps::NONE),
            Memory::At(addr) => (Mapping::None, Prps::of(addr)),
            Memory::Read(table) => {
                let shared = table.in_place_for(dma)?.map_shared()?;
                let prps = nvme.describe(&shared, shared.len())?;
                (Mapping::Read(shared.submit()), prps)
            }
            Memory::Write(table) => {
                let shared = table.in_place_for(dma)?.map_shared()?;
                let prps = nvme.describe(&shared, shared.len())?;
                (Mapping::Write(shared.submit()), prps)
            }
            Memory::StagedRead(table) => {
                let mapped = table.map(dma, FromDevice)?;
                let prps = nvme.describe(&mapped, mapped.len())?;
                nvme.stats.staged.fetch_add(1, Relaxed);
                (Mapping::StagedRead(mapped.submit()), prps)
            }
            Memory::StagedWrite(table) => {
                let mapped = table.map(dma, ToDevice)?;
                let prps = nvme.describe(&mapped, mapped.len())?;
                nvme.stats.staged.fetch_add(1, Relaxed);
                (Mapping::StagedWrite(mapped.submit()), prps)
            }
        };
        Ok(Self {
            mapping,
            prp: prps.prp,
            lists: prps.lists.map(|list| list.map(PoolBlock::submit)),
        })
    }

    /// Returns the PRPs for the command.
    pub(crate) fn prp(&self) -> [u64; 2] {
        self.prp
    }

    /// Ends the transfer, as the device is done with it or was never told of it. Returns the stage
    /// of a read. For any context.
    pub(crate) fn complete(self) -> Option<SgTable> {
        for list in self.lists.into_iter().flatten() {
            drop(list.complete());
        }
        match self.mapping {
            Mapping::None => {}
            Mapping::Read(shared) => drop(shared.complete()),
            Mapping::Write(shared) => drop(shared.complete()),
            Mapping::StagedRead(mapped) => return Some(mapped.complete().unmap()),
            Mapping::StagedWrite(mapped) => drop(mapped.complete()),
        }
        None
    }
}
