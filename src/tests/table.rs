// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/table`: tables that allocate their pages, and copies.

use super::buffers::{
    pattern,
    SINGLE_PAGES, //
};
use crate::{
    SegmentLimits,
    SgTable, //
};
use core::ops::Range;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

cases! {
    sgdma_table;

    fn alloc_refuses_bad_sizes() -> Result {
        let alloc = |len, limits: SegmentLimits<'_>| SgTable::alloc(len, limits, GFP_KERNEL).err();
        let none = SegmentLimits::NONE;
        let bad = [
            SegmentLimits {
                max_size: 0,
                ..none
            },
            SegmentLimits {
                max_size: SegmentLimits::MIN - 1,
                ..none
            },
            SegmentLimits {
                boundary: SegmentLimits::MIN / 2 - 1,
                ..none
            },
            SegmentLimits {
                boundary: PAGE_SIZE,
                ..none
            },
        ];
        check_eq!(alloc(0, none), Some(EINVAL));
        for limits in bad {
            check_eq!(alloc(1, limits), Some(EINVAL));
        }
        check_eq!(alloc(PAGE_SIZE << 40, SegmentLimits::NONE), Some(ENOMEM));
        check_eq!(alloc(usize::MAX, SegmentLimits::NONE), Some(ENOMEM));
        Ok(())
    }

    fn new_buffer_is_zeroed() -> Result {
        let table = SgTable::alloc(3 * PAGE_SIZE + 1, SegmentLimits::NONE, GFP_KERNEL)?;
        let mut bytes = KVVec::from_elem(0xffu8, table.len(), GFP_KERNEL)?;
        table.copy_to_slice(0, &mut bytes)?;
        check_eq!(table.cpu().cpu_pages().count(), 4);
        check!(bytes.iter().all(|&b| b == 0));
        Ok(())
    }

    fn copies_cross_pages_and_segments() -> Result {
        let mut table = SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?;
        let mut back = [0u8; 600];
        let data: [u8; 600] = core::array::from_fn(pattern);
        table.copy_from_slice(2 * PAGE_SIZE - 300, &data)?;
        table.copy_to_slice(2 * PAGE_SIZE - 300, &mut back)?;
        check!(back == data);
        table.copy_to_slice(2 * PAGE_SIZE - 301, &mut back[..1])?;
        check_eq!(back[0], 0);
        Ok(())
    }

    fn copies_beyond_the_end_are_refused() -> Result {
        let mut table = SgTable::alloc(100, SegmentLimits::NONE, GFP_KERNEL)?;
        let mut bytes = [1u8; 2];
        check_eq!(table.copy_from_slice(99, &bytes), Err(EINVAL));
        check_eq!(table.copy_to_slice(99, &mut bytes), Err(EINVAL));
        check_eq!(table.copy_to_slice(usize::MAX, &mut bytes), Err(EINVAL));
        check_eq!(table.copy_to_slice(98, &mut bytes), Ok(()));
        check_eq!(bytes, [0, 0]);
        Ok(())
    }

    fn fill_keeps_to_its_range() -> Result {
        let mut table = SgTable::alloc(3 * PAGE_SIZE, SINGLE_PAGES, GFP_KERNEL)?;
        table.fill(0..3 * PAGE_SIZE, 0xee)?;
        table.zero(PAGE_SIZE - 300..2 * PAGE_SIZE + 1)?;
        let mut bytes = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
        table.copy_to_slice(0, &mut bytes)?;
        check!(bytes.iter().enumerate().all(|(i, &byte)| {
            let zeroed = (PAGE_SIZE - 300..2 * PAGE_SIZE + 1).contains(&i);
            byte == if zeroed { 0 } else { 0xee }
        }));
        check_eq!(table.fill(0..0, 1), Ok(()));
        for bad in [0..3 * PAGE_SIZE + 1, Range { start: 2, end: 1 }] {
            check_eq!(table.fill(bad, 1), Err(EINVAL));
        }
        Ok(())
    }

    fn blocks_are_contiguous_and_aligned() -> Result {
        // The table needs three blocks, of the last one a page, and of that page a byte.
        let len = 8 * PAGE_SIZE + 1;
        let block = 4 * PAGE_SIZE;
        let table = SgTable::alloc_blocks(len, 2, SegmentLimits::NONE, GFP_KERNEL)?;
        check_eq!(table.cpu().cpu_pages().count(), 9);
        check!(table.cpu().orig_nents() <= 3);
        let pages = || {
            table
                .phys_runs()
                .flat_map(|run| (run.addr..run.addr + run.len).step_by(PAGE_SIZE))
        };
        check!(pages().step_by(4).all(|addr| addr % block as u64 == 0));
        check!(pages()
            .zip(pages().skip(1))
            .enumerate()
            .all(|(i, (page, next))| { i % 4 == 3 || next == page + PAGE_SIZE as u64 }));
        let order = bindings::MAX_PAGE_ORDER + 1;
        check_eq!(
            SgTable::alloc_blocks(1, order, SegmentLimits::NONE, GFP_KERNEL).err(),
            Some(EINVAL)
        );
        Ok(())
    }
}
