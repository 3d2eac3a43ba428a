// SPDX-License-Identifier: GPL-2.0

//! The memory of a request: user space's own, or a stage through which the bytes are copied.

use kernel::prelude::*;
use sgdma::{
    Direction,
    DmaDevice,
    DmaTable,
    FromDevice,
    InFlight,
    Mapped,
    PinnedPages,
    SgTable,
    Shared,
    ToDevice,
    UserTable, //
};

/// The memory of a request that is to be sent, or has ended.
pub(crate) enum Memory {
    None,
    Read(UserTable<FromDevice>),
    Write(UserTable<ToDevice>),
    StagedRead(SgTable),
    StagedWrite(SgTable),
}

/// The memory of a request, mapped and in flight.
pub(crate) enum InFlightMemory<'bound> {
    None,
    Read(InFlight<Shared<'bound, FromDevice, PinnedPages>>),
    Write(InFlight<Shared<'bound, ToDevice, PinnedPages>>),
    StagedRead(InFlight<Mapped<'bound, FromDevice>>),
    StagedWrite(InFlight<Mapped<'bound, ToDevice>>),
}

/// Maps memory of user space, and has it described to the device.
fn share<'bound, D: Direction, R>(
    dma: DmaDevice<'bound>,
    table: UserTable<D>,
    describe: impl FnOnce(Option<&DmaTable>) -> Result<R>,
) -> Result<(InFlight<Shared<'bound, D, PinnedPages>>, R)> {
    let shared = table.in_place_for(dma)?.map_shared()?;
    let description = describe(Some(&shared))?;
    Ok((shared.submit(), description))
}

/// Maps a stage, and has it described to the device.
fn stage<'bound, D: Direction, R>(
    dma: DmaDevice<'bound>,
    table: SgTable,
    direction: D,
    describe: impl FnOnce(Option<&DmaTable>) -> Result<R>,
) -> Result<(InFlight<Mapped<'bound, D>>, R)> {
    let mapped = table.map(dma, direction)?;
    let description = describe(Some(&mapped))?;
    Ok((mapped.submit(), description))
}

impl Memory {
    /// Returns the length in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Read(table) => table.len(),
            Self::Write(table) => table.len(),
            Self::StagedRead(table) | Self::StagedWrite(table) => table.len(),
        }
    }

    /// Returns whether the bytes go through a stage.
    pub(crate) fn is_staged(&self) -> bool {
        matches!(self, Self::StagedRead(_) | Self::StagedWrite(_))
    }

    /// Returns the stage that the device writes, if the bytes go through one.
    pub(crate) fn read_stage(&self) -> Option<&SgTable> {
        match self {
            Self::StagedRead(table) => Some(table),
            _ => None,
        }
    }

    /// Returns whether the device writes the memory.
    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Self::Read(_) | Self::StagedRead(_))
    }

    /// Maps the memory, and has `describe` describe it to the device. Puts it in flight.
    pub(crate) fn submit<'bound, R>(
        self,
        dma: DmaDevice<'bound>,
        describe: impl FnOnce(Option<&DmaTable>) -> Result<R>,
    ) -> Result<(InFlightMemory<'bound>, R)> {
        use InFlightMemory as To;
        Ok(match self {
            Self::None => (To::None, describe(None)?),
            Self::Read(table) => {
                let (shared, description) = share(dma, table, describe)?;
                (To::Read(shared), description)
            }
            Self::Write(table) => {
                let (shared, description) = share(dma, table, describe)?;
                (To::Write(shared), description)
            }
            Self::StagedRead(table) => {
                let (mapped, description) = stage(dma, table, FromDevice, describe)?;
                (To::StagedRead(mapped), description)
            }
            Self::StagedWrite(table) => {
                let (mapped, description) = stage(dma, table, ToDevice, describe)?;
                (To::StagedWrite(mapped), description)
            }
        })
    }
}

impl InFlightMemory<'_> {
    /// Puts the memory in flight again, after a reset of the device.
    pub(crate) fn resubmit(&mut self) {
        match self {
            Self::None => {}
            Self::Read(shared) => shared.resubmit(),
            Self::Write(shared) => shared.resubmit(),
            Self::StagedRead(mapped) => mapped.resubmit(),
            Self::StagedWrite(mapped) => mapped.resubmit(),
        }
    }

    /// Takes the memory back, as the device is done with it or was never told of it. For any
    /// context. The task that asked for the request drops the memory, because unpinning may sleep.
    pub(crate) fn complete(self) -> Memory {
        match self {
            Self::None => Memory::None,
            Self::Read(shared) => Memory::Read(shared.complete().unmap()),
            Self::Write(shared) => Memory::Write(shared.complete().unmap()),
            Self::StagedRead(mapped) => Memory::StagedRead(mapped.complete().unmap()),
            Self::StagedWrite(mapped) => Memory::StagedWrite(mapped.complete().unmap()),
        }
    }
}
