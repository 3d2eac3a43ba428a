// SPDX-License-Identifier: GPL-2.0

//! Buffers that are given to the device, and dropped with the device at work.

use crate::{
    common::edu::{
        self,
        Bar,
        CHUNK,
        DMA_CMD,
        INNER_BUFFER, //
    },
    watched::Watched,
    Data, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use sgdma::{
    ByteBuffer,
    CoherentBuffer,
    DmaPool,
    Exclusive,
    FromDevice,
    InFlight,
    Iova,
    Mapping,
    Quiet,
    SegmentLimits,
    SgTable,
    ToDevice, //
};

/// The size of the device's pages in bytes, whatever the size of the CPU's pages.
const DEVICE_PAGE: usize = 4096;

/// The bus address that was dropped last while the device was at it.
static HELD: Atomic<u64> = Atomic::new(0);

/// Waits two seconds for the end of a transfer.
pub(crate) fn wait(registers: &Bar<'_>) -> Quiet {
    edu::wait_idle(registers, 2000).unwrap_or(Quiet::Unknown)
}

impl Data<'_> {
    /// Checks that a buffer of several segments that begins in the middle of a page does so for the
    /// device.
    pub(crate) fn align(&self) -> Result {
        let page_by_page = SegmentLimits {
            max_size: DEVICE_PAGE,
            ..SegmentLimits::from(self.dma)
        };
        let bytes = ByteBuffer::from(VVec::from_elem(0u8, 5 * DEVICE_PAGE, GFP_KERNEL)?);
        let table = SgTable::new(bytes, 512..4 * DEVICE_PAGE + 100, page_by_page, GFP_KERNEL)?;
        let mapped = table.map(self.dma, ToDevice)?;
        let blocks = mapped.dma_blocks(DEVICE_PAGE as u64)?;
        pr_info!("offset {} of {} blocks\n", blocks.offset(), blocks.count());
        Ok(())
    }

    /// Makes the device write to a buffer, and drops the buffer in a context that may not sleep.
    fn drop_in_flight<P: Exclusive>(&self, table: SgTable<P>) -> Result {
        let in_flight = table.map(self.dma, FromDevice)?.submit();
        let addr = in_flight.dma_pages().next();
        self.drop_at_work(in_flight, addr)
    }

    /// Drops memory that says when it is freed. Code of this module takes the buffer down, or none
    /// does.
    pub(crate) fn drop_watched(&self) -> Result {
        let table = SgTable::new(Watched::new()?, 0..PAGE_SIZE, self.dma, GFP_KERNEL)?;
        self.drop_in_flight(table)
    }

    pub(crate) fn drop_plain(&self) -> Result {
        self.drop_in_flight(SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?)
    }

    /// The same with coherent memory.
    pub(crate) fn drop_ring(&self) -> Result {
        let ring = CoherentBuffer::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?.submit();
        let addr = ring.dma_address();
        self.drop_at_work(ring, Some(addr))
    }

    /// The same with a block of a pool, which the block is the last to refer to.
    pub(crate) fn drop_block(&self) -> Result {
        let pool = DmaPool::new(c"ends", self.dma, PAGE_SIZE, PAGE_SIZE, 0)?;
        let block = pool.alloc(GFP_KERNEL)?.submit();
        let addr = block.dma_address();
        self.drop_at_work(block, Some(addr))
    }

    /// The same with a range of bus addresses. One page of it is linked, and one is not.
    pub(crate) fn drop_range(&self) -> Result {
        let mut range = Iova::reserve(self.dma, 2 * PAGE_SIZE, FromDevice, GFP_KERNEL)?;
        let table = SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?;
        range.link(PAGE_SIZE, table, GFP_KERNEL)?;
        let in_flight = range.submit()?;
        let addr = in_flight.dma_runs().next().map(|run| run.addr);
        self.drop_at_work(in_flight, addr)
    }

    /// Forgets a range. The device is told no address of it.
    pub(crate) fn forget_range(&self) -> Result {
        let range: Iova<'_, _> = Iova::reserve(self.dma, PAGE_SIZE, FromDevice, GFP_KERNEL)?;
        core::mem::forget(range);
        Ok(())
    }

    /// The same with a buffer that user space may map, where the device can share one.
    pub(crate) fn drop_for_user(&self) -> Result {
        let table = SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?.for_user(FromDevice)?;
        let Ok(table) = table.in_place_for(self.dma) else {
            return self.drop_plain();
        };
        let in_flight = table.map_shared()?.submit();
        let addr = in_flight.dma_pages().next();
        self.drop_at_work(in_flight, addr)
    }

    fn drop_at_work<M: Mapping>(&self, in_flight: InFlight<M>, addr: Option<u64>) -> Result {
        let addr = addr.ok_or(EINVAL)?;
        let command = DMA_CMD::zeroed().with_to_memory(true);
        edu::start(&self.registers, INNER_BUFFER, addr, CHUNK, command)?;
        HELD.store(addr, Relaxed);
        let _spinning = self.spin.lock();
        drop(in_flight);
        Ok(())
    }

    /// Checks that nobody else is given the address that is held.
    pub(crate) fn others(&self) -> Result {
        let mut all = KVec::new();
        for _ in 0..64 {
            let mapped =
                SgTable::alloc(PAGE_SIZE, self.dma, GFP_KERNEL)?.map(self.dma, FromDevice)?;
            if mapped.dma_pages().next() == Some(HELD.load(Relaxed)) {
                return Err(EEXIST);
            }
            all.push(mapped, GFP_KERNEL)?;
        }
        Ok(())
    }

    pub(crate) fn reset(&self) -> Result {
        let reset = self.dma.begin_reset();
        match wait(&self.registers) {
            Quiet::Reset => reset.done(),
            Quiet::Unknown => return Err(ETIMEDOUT),
        }
        Ok(())
    }

    /// Drops a buffer that the device was given again after a reset.
    pub(crate) fn drop_again(&self) -> Result {
        let table = SgTable::new(Watched::new()?, 0..PAGE_SIZE, self.dma, GFP_KERNEL)?;
        let mut in_flight = table.map(self.dma, FromDevice)?.submit();
        let addr = in_flight.dma_pages().next();
        self.reset()?;
        in_flight.resubmit();
        self.drop_at_work(in_flight, addr)
    }

    /// Drops a buffer between the begin of a reset and its end.
    pub(crate) fn drop_at_reset(&self) -> Result {
        let reset = self.dma.begin_reset();
        self.drop_watched()?;
        wait(&self.registers);
        reset.done();
        Ok(())
    }
}
