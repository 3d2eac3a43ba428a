// SPDX-License-Identifier: GPL-2.0

//! The bytes of a request: memory, or part of a dma-buf.

use crate::{
    common::{
        loan::{
            Loan,
            LoanInFlight, //
        },
        memory::{
            InFlightMemory,
            Memory, //
        }, //
    },
    uapi, //
};
use core::ops::Range;
use kernel::prelude::*;
use sgdma::{
    DmaDevice,
    DmaTable,
    SgTable, //
};

/// The bytes of a request that is to be sent, or has ended.
pub(crate) enum Bytes<'bound> {
    Memory(Memory),
    DmaBuf(Loan<'bound>, Range<usize>),
}

/// The bytes of a request, mapped and in flight.
pub(crate) enum BytesInFlight<'bound> {
    Memory(InFlightMemory<'bound>),
    DmaBuf(LoanInFlight<'bound>, Range<usize>),
}

impl From<Memory> for Bytes<'_> {
    fn from(memory: Memory) -> Self {
        Self::Memory(memory)
    }
}

impl<'bound> Bytes<'bound> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Memory(memory) => memory.len(),
            Self::DmaBuf(_, range) => range.len(),
        }
    }

    /// Returns whether the device writes the bytes.
    pub(crate) fn is_read(&self) -> bool {
        match self {
            Self::Memory(memory) => memory.is_read(),
            Self::DmaBuf(loan, _) => matches!(loan, Loan::Read(_)),
        }
    }

    /// Returns the stage that the device writes, if the bytes go through one.
    pub(crate) fn read_stage(&self) -> Option<&SgTable> {
        match self {
            Self::Memory(memory) => memory.read_stage(),
            Self::DmaBuf(..) => None,
        }
    }

    /// Returns where such bytes are counted.
    pub(crate) fn counter(&self) -> fn(&mut uapi::sgdma_virtio_stats) -> &mut u64 {
        match (self, self.is_read()) {
            (Self::Memory(memory), true) if memory.is_staged() => |stats| &mut stats.read_staged,
            (Self::Memory(memory), false) if memory.is_staged() => {
                |stats| &mut stats.written_staged
            }
            (Self::Memory(_), true) => |stats| &mut stats.read_in_place,
            (Self::Memory(_), false) => |stats| &mut stats.written_in_place,
            (Self::DmaBuf(..), true) => |stats| &mut stats.read_to_dma_bufs,
            (Self::DmaBuf(..), false) => |stats| &mut stats.written_from_dma_bufs,
        }
    }

    /// Calls `describe`, which describes the bytes to the device: a range of a mapped table. Then
    /// puts the bytes in flight.
    pub(crate) fn submit<R>(
        self,
        dma: DmaDevice<'bound>,
        describe: impl FnOnce(Option<(&DmaTable, Range<usize>)>) -> Result<R>,
    ) -> Result<(BytesInFlight<'bound>, R)> {
        match self {
            Self::Memory(memory) => {
                let all = 0..memory.len();
                let (memory, described) =
                    memory.submit(dma, |table| describe(table.map(|table| (table, all))))?;
                Ok((BytesInFlight::Memory(memory), described))
            }
            Self::DmaBuf(loan, range) => {
                let described = describe(Some((loan.table(), range.clone())))?;
                Ok((BytesInFlight::DmaBuf(loan.submit(), range), described))
            }
        }
    }
}

impl<'bound> BytesInFlight<'bound> {
    /// Ends the device's use of the bytes, which is over or has not begun. For any context. The
    /// task that asked for the request drops the result, because that may sleep.
    pub(crate) fn complete(self) -> Bytes<'bound> {
        match self {
            Self::Memory(memory) => Bytes::Memory(memory.complete()),
            Self::DmaBuf(loan, range) => Bytes::DmaBuf(loan.complete(), range),
        }
    }
}
