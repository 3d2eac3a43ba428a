// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/walk`.

use super::{
    buffers::SINGLE_PAGES,
    compare,
    reference,
    tables,
    test_device::TestDevice, //
};
use crate::{
    ffi,
    Bidirectional,
    SgTable,
    ToDevice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_walk;

    // A guest waits for this case to end before it kills the random tables, two cases later.
    fn mapping_covers_the_buffer_and_no_more() -> Result {
        let dev = TestDevice::new()?;
        let len = 50 * PAGE_SIZE + 123;
        let mapped = SgTable::alloc(len, dev.dma(), GFP_KERNEL)?.map(dev.dma(), ToDevice)?;
        check_eq!(
            mapped.dma_segments().map(|run| run.len).sum::<u64>(),
            len as u64
        );
        check_eq!(mapped.dma_segments().len(), mapped.nents());
        check!(mapped.nents() <= mapped.cpu().orig_nents());
        let max = dev.dma().max_seg_size() as u64;
        check!(mapped.dma_segments().all(|run| run.len <= max));
        Ok(())
    }

    fn dma_pages_equal_the_c_iterator() -> Result {
        let dev = TestDevice::new()?;
        // As single pages, these need a list of two chained arrays. They fill half of the smallest
        // bounce pool, which has a mebibyte.
        const PAGES: usize = 130;
        for limits in [SINGLE_PAGES, dev.dma().into()] {
            // The buffer has whole pages, because C is wrong about a tail that is bounced into the
            // middle of a page.
            let table = SgTable::alloc(PAGES * PAGE_SIZE, limits, GFP_KERNEL)?;
            let mapped = table.map(dev.dma(), Bidirectional)?;
            let expected = || reference::c_dma_pages(&mapped, 0);
            check_eq!(expected().count(), PAGES);
            check!(mapped.dma_pages().eq(expected()));
            let mut folded = KVVec::new();
            mapped.dma_pages().for_each(|addr| {
                let _ = folded.push(addr, GFP_KERNEL);
            });
            check!(folded.iter().copied().eq(expected()));
        }
        Ok(())
    }

    fn walks_equal_those_of_c() -> Result {
        // SAFETY: The kernel set the parameters before the module's code ran. Nobody changes them.
        let parameters = unsafe { &*ffi::sgdma_parameters() };
        check_eq!(compare::tables(parameters.tables, parameters.seed)?, 0);
        Ok(())
    }

    fn tables_of_64_gib_are_walked() -> Result {
        check!(tables::walk_64_gib()?);
        Ok(())
    }
}
