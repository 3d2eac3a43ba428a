// SPDX-License-Identifier: GPL-2.0

//! An object's memory in mode `DmaBuf`: a buffer that several devices use, made by this driver or
//! by another one.
//!
//! A device that needs syncs has its turn from [`DmaBufMemory::map`] to [`DmaBufMemory::unmap`].
//! Neither the CPU nor another such device has one meanwhile. Where nobody needs syncs, all use the
//! buffer at the same time.
//!
//! An exporter may take its buffer back, because the memory goes. Work item [`UNMAP`] unmaps such
//! buffers, if the device does not use them. A request whose device uses one ends early, and then
//! unmaps the buffer.

use crate::{
    common::sharing::Sharing,
    Gpu, //
};
use core::mem;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaBuf,
    DmaBufUse,
    DmaTable,
    DriverContext,
    InFlight,
    Revocable,
    SgTable, //
};

/// The work item that unmaps what exporters have taken back.
pub(crate) const UNMAP: u32 = 0;

/// The order of a buffer's blocks, if memory has such blocks. Other devices may take few segments.
const BLOCK_ORDER: u32 = 2;

enum State<'bound> {
    Idle,
    /// Mapped all the time: the device may have been told the addresses.
    Mapped(InFlight<Revocable<'bound, Bidirectional>>),
    /// In quarantine: the device did not answer, and may still be using the buffer.
    Leaked,
}

/// A dma-buf, mapped for the device or not. Its owner calls the methods only while the device does
/// not use the buffer.
pub(crate) struct DmaBufMemory<'bound> {
    dma_buf: DmaBuf,
    state: State<'bound>,
}

impl<'bound> DmaBufMemory<'bound> {
    /// Makes a dma-buf of `size` bytes, a multiple of the size of the CPU's pages.
    ///
    /// Where the device needs syncs, so may others, and the devices take turns.
    pub(crate) fn new(size: usize, sharing: Sharing<'bound>) -> Result<Self> {
        let dma = sharing.dma();
        let for_use = match sharing {
            Sharing::Coherent(_) => DmaBufUse::Shared,
            Sharing::Streaming(_) => DmaBufUse::Turns,
        };
        // A request for too much is the user's error, and no matter for the log.
        let gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
        let table = SgTable::alloc_blocks(size, BLOCK_ORDER, dma, gfp)
            .or_else(|_| SgTable::alloc(size, dma, gfp))?;
        Ok(Self::import(table.export(for_use)?))
    }

    /// Takes a dma-buf of any driver.
    pub(crate) fn import(dma_buf: DmaBuf) -> Self {
        Self {
            dma_buf,
            state: State::Idle,
        }
    }

    /// Returns the dma-buf, for a descriptor.
    pub(crate) fn dma_buf(&self) -> DmaBuf {
        self.dma_buf.clone()
    }

    /// Maps the buffer for the device, whose turn begins if the device needs syncs.
    ///
    /// # Errors
    ///
    /// `EIO` if the buffer is not idle, and the errors of [`DmaBuf::attach_revocable`].
    pub(crate) fn map(&mut self, gpu: &DriverContext<'bound, Gpu>) -> Result {
        match self.state {
            State::Idle => {
                let attached = self.dma_buf.attach_revocable(gpu, Bidirectional, UNMAP)?;
                self.state = State::Mapped(attached.submit());
                Ok(())
            }
            State::Mapped(_) | State::Leaked => Err(EIO),
        }
    }

    /// Unmaps the buffer, if the buffer is mapped. The device does not use the buffer any more.
    pub(crate) fn unmap(&mut self) {
        self.state = match mem::replace(&mut self.state, State::Idle) {
            State::Mapped(attached) => {
                drop(attached.complete());
                State::Idle
            }
            state => state,
        };
    }

    /// Leaves the buffer to a device that does not answer: a mapped buffer goes into quarantine.
    pub(crate) fn leak(&mut self) {
        self.state = State::Leaked;
    }

    fn attached(&self) -> Option<&Revocable<'bound, Bidirectional>> {
        match &self.state {
            State::Mapped(attached) => Some(attached),
            State::Idle | State::Leaked => None,
        }
    }

    /// Returns whether the exporter has taken the buffer back.
    pub(crate) fn is_revoked(&self) -> bool {
        self.attached()
            .is_some_and(|attached| attached.is_revoked())
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.attached().is_some()
    }

    /// Returns what the device sees of the buffer.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the buffer is not mapped, `ENODEV` if the exporter has taken the buffer back.
    pub(crate) fn dma(&self) -> Result<&DmaTable> {
        self.attached().ok_or(EINVAL)?.table()
    }

    /// Returns whether the CPU and the device use the buffer at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        self.attached()
            .is_some_and(|attached| !attached.needs_turns())
    }

    /// Returns the buffer, if the CPU may have a turn.
    ///
    /// # Errors
    ///
    /// `EBUSY` in the device's turn, `EIO` if the device did not answer.
    pub(crate) fn for_cpu(&self) -> Result<DmaBuf> {
        match &self.state {
            State::Mapped(attached) if attached.needs_turns() => Err(EBUSY),
            State::Leaked => Err(EIO),
            State::Idle | State::Mapped(_) => Ok(self.dma_buf.clone()),
        }
    }
}

impl Drop for DmaBufMemory<'_> {
    fn drop(&mut self) {
        // The owner drops the buffer, so the device does not use the buffer.
        self.unmap();
    }
}
