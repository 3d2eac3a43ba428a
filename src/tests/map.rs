// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/map`: mapping, submitting, and what the device is told.

use super::{
    buffers::{
        is_patterned,
        patterned,
        SINGLE_PAGES, //
    },
    test_device::TestDevice, //
};
use crate::{
    table::from_pages::sg_phys_run,
    Bidirectional,
    CpuTable,
    DmaTable,
    SegmentLimits,
    SgTable,
    ToDevice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_map;

    fn data_survives_map_and_unmap() -> Result {
        let dev = TestDevice::new()?;
        let table = patterned(20 * PAGE_SIZE + 17, dev.dma())?;
        let table = table.map(dev.dma(), ToDevice)?.unmap();
        let table = table.map(dev.dma(), Bidirectional)?.unmap();
        check!(is_patterned(&table)?);
        Ok(())
    }

    fn failed_map_gives_the_buffer_back() -> Result {
        let dev = TestDevice::new()?;
        // Doubles the length until some segment is longer than the device allows.
        let mut len = 2 * dev.dma().max_seg_size();
        let table = loop {
            let table = patterned(len, SegmentLimits::NONE)?;
            if !table.fits(dev.dma().into()) {
                break table;
            }
            len *= 2;
        };
        let Err(failed) = table.map(dev.dma(), ToDevice) else {
            return Err(EINVAL);
        };
        check_eq!(failed.error, E2BIG);
        check!(is_patterned(&failed.buffer)?);
        Ok(())
    }

    fn submitted_table_comes_back_when_complete() -> Result {
        let dev = TestDevice::new()?;
        let in_flight = patterned(5 * PAGE_SIZE, dev.dma())?
            .map(dev.dma(), ToDevice)?
            .submit();
        check_eq!(in_flight.dma_pages().count(), 5);
        check!(is_patterned(&in_flight.complete().unmap())?);
        Ok(())
    }

    fn in_place_is_told_from_bounced() -> Result {
        let dev = TestDevice::new()?;
        let mapped =
            SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?.map(dev.dma(), ToDevice)?;
        let seen = mapped.dma_segments().map(|run| run.addr);
        let in_place = seen.eq(mapped.cpu().entries().map(|sg| sg_phys_run(sg).addr));
        check_eq!(mapped.is_in_place(), in_place);
        // A table that C has mapped is asked like this.
        let raw = mapped.as_raw();
        // SAFETY:
        // - Both views are of one table of system memory, which is mapped for this device.
        // - `mapped` owns the table and outlives the call. Nobody changes the table meanwhile.
        let told =
            unsafe { DmaTable::from_raw(raw).is_in_place(CpuTable::from_raw(raw), dev.dma()) };
        check_eq!(told, in_place);
        Ok(())
    }

    fn best_blocks_hold_the_buffer() -> Result {
        let dev = TestDevice::new()?;
        let page = PAGE_SIZE as u64;
        let order = 3;
        let block = page << order;
        let table = SgTable::alloc_blocks(4 * block as usize, order, dev.dma(), GFP_KERNEL)?;
        let mapped = table.map(dev.dma(), Bidirectional)?;
        let first = mapped.dma_segments().next().ok_or(EINVAL)?.addr;
        let best = |sizes, va| mapped.best_block_size(sizes, va);
        for sizes in [page, page | block, block, u64::MAX] {
            let Ok(size) = best(sizes, first) else {
                // In bounced memory, segments may meet at any address.
                check!(!mapped.is_in_place());
                continue;
            };
            let blocks = mapped.dma_blocks(size)?;
            check_eq!(blocks.offset(), first % size);
            check!(blocks.clone().count() as u64 * size >= 4 * block);
            check!(blocks.into_iter().all(|addr| addr % size == 0));
        }
        if mapped.is_in_place() {
            check_eq!(best(page | block, first + page), Ok(page));
        }
        check_eq!(best(block, first + page), Err(ERANGE));
        check_eq!(best(page, first + 1), Err(ERANGE));
        check_eq!(best(page, 0u64.wrapping_sub(page)), Err(ERANGE));
        check_eq!(best(0, first), Err(ERANGE));
        Ok(())
    }

    #[cfg(CONFIG_NEED_SG_DMA_FLAGS)]
    fn marks_of_an_earlier_mapping_are_gone() -> Result {
        let dev = TestDevice::new()?;
        let mut table = SgTable::alloc(PAGE_SIZE, dev.dma(), GFP_KERNEL)?;
        // SAFETY: `table` has at least one entry, and nobody else has it. 2 is `SG_DMA_SWIOTLB`.
        unsafe { (*table.sgt_mut().sgl).dma_flags = 2 };
        let table = table.map(dev.dma(), ToDevice)?.unmap();
        // SAFETY: `table` still has at least one entry.
        check_eq!(unsafe { (*table.sgt().sgl).dma_flags }, 0);
        Ok(())
    }
}
