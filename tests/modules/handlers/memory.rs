// SPDX-License-Identifier: GPL-2.0

//! Memory that an interrupt handler completes and drops.

use kernel::prelude::*;
use sgdma::{
    Bidirectional,
    CoherentBuffer,
    DmaDevice,
    DmaPool,
    InFlight,
    Mapped,
    PoolBlock,
    SgTable, //
};

/// A buffer, a ring, and the last block of a pool. Freeing the ring or the pool may sleep.
pub(crate) struct Memory<'bound>(
    InFlight<Mapped<'bound, Bidirectional>>,
    InFlight<CoherentBuffer<'bound>>,
    InFlight<PoolBlock<'bound>>,
);

impl<'bound> Memory<'bound> {
    pub(crate) fn new(dma: DmaDevice<'bound>) -> Result<Self> {
        let table = SgTable::alloc(1 << 16, dma, GFP_KERNEL)?;
        let pool = DmaPool::new(c"handlers", dma, 64, 64, 0)?;
        Ok(Self(
            table.map(dma, Bidirectional)?.submit(),
            CoherentBuffer::alloc(1 << 16, dma, GFP_KERNEL)?.submit(),
            pool.alloc(GFP_KERNEL)?.submit(),
        ))
    }

    pub(crate) fn complete_and_drop(self) {
        drop((self.0.complete(), self.1.complete(), self.2.complete()));
    }
}
