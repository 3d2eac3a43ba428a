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
    Direction,
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

/// Maps memory of user space, and describes it to the device.
fn share<'bound, D: Direction>(
    nvme: &Controller<'bound>,
    table: UserTable<D>,
) -> Result<(InFlight<Shared<'bound, D, PinnedPages>>, Prps<'bound>)> {
    let shared = table.in_place_for(nvme.dma)?.map_shared()?;
    let prps = nvme.describe(&shared, shared.len())?;
    Ok((shared.submit(), prps))
}

/// Maps a stage, and describes it to the device.
fn stage<'bound, D: Direction>(
    nvme: &Controller<'bound>,
    table: SgTable,
    direction: D,
) -> Result<(InFlight<Mapped<'bound, D>>, Prps<'bound>)> {
    let mapped = table.map(nvme.dma, direction)?;
    let prps = nvme.describe(&mapped, mapped.len())?;
    nvme.stats.staged.fetch_add(1, Relaxed);
    Ok((mapped.submit(), prps))
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
        let (mapping, prps) = match memory {
            Memory::None => (Mapping::None, Prps::NONE),
            Memory::At(addr) => (Mapping::None, Prps::of(addr)),
            Memory::Read(table) => {
                let (shared, prps) = share(nvme, table)?;
                (Mapping::Read(shared), prps)
            }
            Memory::Write(table) => {
                let (shared, prps) = share(nvme, table)?;
                (Mapping::Write(shared), prps)
            }
            Memory::StagedRead(table) => {
                let (mapped, prps) = stage(nvme, table, FromDevice)?;
                (Mapping::StagedRead(mapped), prps)
            }
            Memory::StagedWrite(table) => {
                let (mapped, prps) = stage(nvme, table, ToDevice)?;
                (Mapping::StagedWrite(mapped), prps)
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
