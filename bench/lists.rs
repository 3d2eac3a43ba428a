// SPDX-License-Identifier: GPL-2.0

//! Measures the way from pages to a list of their bus addresses in memory (PRPs), as an NVMe driver
//! goes it for pinned pages: a table, the mapping, a block of a pool, the list. C does the same.

use crate::{
    generated,
    measure::{
        measure,
        report, //
    },
    raw, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    DmaPool,
    FromDevice,
    PageOwner,
    SegmentLimits,
    SgTable,
    Words, //
};

/// The pages of a command of 512 KiB.
const PAGES: usize = 128;

/// The pages that C makes its lists of. They are kept until all is measured.
struct Pages(NonNull<generated::bench_list>);

impl Pages {
    fn new(dev: DmaDevice<'_>) -> Result<Self> {
        // SAFETY: The device is bound.
        let list = unsafe { generated::bench_list_new(raw(dev), PAGES as u32) };
        Ok(Self(NonNull::new(list).ok_or(ENOMEM)?))
    }

    fn pages(&self) -> Result<KVec<NonNull<bindings::page>>> {
        let mut pages = KVec::new();
        // SAFETY: There are as many pages as were asked for.
        let all = unsafe {
            core::slice::from_raw_parts(generated::bench_list_pages(self.0.as_ptr()), PAGES)
        };
        for page in all.iter().copied().filter_map(NonNull::new) {
            pages.push(page, GFP_KERNEL)?;
        }
        Ok(pages)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: All tables of the pages are gone.
        unsafe { generated::bench_list_free(self.0.as_ptr()) };
    }
}

/// The same pages, as the owner of a table of ours. The pages stand for pinned ones.
struct SamePages(KVec<NonNull<bindings::page>>);

// SAFETY: Pages belong to no task.
unsafe impl Send for SamePages {}

// SAFETY:
// - The pages are those of `Pages`, in its order, once each.
// - `Pages` was made before the tables, and is dropped after them. Its pages are ordinary memory,
//   and were zeroed.
// - C and the tables take turns.
unsafe impl PageOwner for SamePages {
    fn len(&self) -> usize {
        self.0.len() * PAGE_SIZE
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        self.0.iter().copied()
    }
}

/// Measures how C makes the list, and how sgdma does.
pub(crate) fn lists(dev: DmaDevice<'_>) -> Result {
    const LEN: usize = PAGES * size_of::<u64>();
    let pages = Pages::new(dev)?;
    let pool = DmaPool::new(c"bench", dev, LEN, 8, 0)?;
    // The first list makes the pool grow.
    drop(pool.alloc(GFP_KERNEL)?);
    let limits = SegmentLimits {
        max_size: PAGE_SIZE,
        ..dev.into()
    };
    for _ in 0..=sgdma::parameter(&crate::module_parameters::rounds) {
        // SAFETY: The device is bound, and the list is not made.
        let (time, made) = measure(|| unsafe { generated::bench_list_make(pages.0.as_ptr()) });
        to_result(made)?;
        // SAFETY: The list was made.
        unsafe { generated::bench_list_undo(pages.0.as_ptr()) };
        let owner = SamePages(pages.pages()?);
        let (ours, made) = measure(|| -> Result<_> {
            let table = SgTable::new(owner, 0..PAGES * PAGE_SIZE, limits, GFP_ATOMIC)?;
            let mapped = table.map(dev, FromDevice)?;
            let list = pool.alloc(GFP_ATOMIC)?;
            let filled = list.fill(0..LEN, &mut mapped.dma_pages(), u64::to_le)?;
            Ok((mapped, list, filled))
        });
        let (_mapped, _list, filled) = made?;
        if filled != PAGES {
            return Err(EIO);
        }
        report("prp/128", "c", time, 1);
        report("prp/128", "sgdma", ours, 1);
    }
    Ok(())
}
