// SPDX-License-Identifier: GPL-2.0

//! PRPs, by which a command names its memory: the physical region pages of the specification.
//!
//! The first PRP is the address of the first byte. The second one is the address of the second
//! page, if there are two. If there are more, it is the address of a list of the others. The last
//! entry of a list page leads to the next list page, if one page does not suffice.

use crate::{
    command::PAGE,
    stats::Stats, //
};
use core::ops::Range;
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use sgdma::{
    DmaPool,
    DmaTable,
    PoolBlock,
    Words, //
};

/// The most pages of a command. QEMU maps no more.
pub(crate) const MAX_PAGES: usize = 1024;

/// The entries of a list page.
const ENTRIES: usize = PAGE / size_of::<u64>();

/// The most pages of a list.
pub(crate) const MAX_LISTS: usize = 2;

// The first page of memory is not in the list. The last entry of the first list page leads on.
static_assert!(MAX_PAGES - 1 <= (MAX_LISTS - 1) * (ENTRIES - 1) + ENTRIES);

/// Returns the number of pages that hold the `len` bytes at an offset.
pub(crate) fn pages(offset: usize, len: usize) -> usize {
    (offset % PAGE + len).div_ceil(PAGE)
}

/// The PRPs of a command, which the device does not know yet.
pub(crate) struct Prps<'bound> {
    pub(crate) prp: [u64; 2],
    pub(crate) lists: [Option<PoolBlock<'bound>>; MAX_LISTS],
}

impl<'bound> Prps<'bound> {
    /// Describes bytes of a table. The first one of `range` is a multiple of [`PAGE`].
    ///
    /// # Errors
    ///
    /// - `EIO`, with a count, if the first address is not a multiple of 4. The device would take
    ///   another address without a word.
    /// - `E2BIG` if there are more than [`MAX_PAGES`].
    pub(crate) fn new(
        pool: &DmaPool<'bound>,
        stats: &Stats,
        table: &DmaTable,
        range: Range<usize>,
    ) -> Result<Self> {
        let mut blocks = table.dma_blocks(PAGE as u64)?;
        let offset = blocks.offset();
        let first = blocks.nth(range.start / PAGE).ok_or(EINVAL)? + offset;
        if first % 4 != 0 {
            stats.misaligned.fetch_add(1, Relaxed);
            return Err(EIO);
        }
        let mut left = pages(offset as usize, range.len()) - 1;
        let mut this = Self {
            prp: [first, 0],
            lists: [const { None }; MAX_LISTS],
        };
        if left == 1 {
            this.prp[1] = blocks.next().ok_or(EIO)?;
            return Ok(this);
        }
        let mut last: Option<&PoolBlock<'bound>> = None;
        for slot in &mut this.lists {
            if left == 0 {
                break;
            }
            let page = pool.alloc(GFP_KERNEL)?;
            let count = if left > ENTRIES { ENTRIES - 1 } else { left };
            let range = 0..count * size_of::<u64>();
            if page.fill(range, &mut blocks, u64::to_le)? != count {
                return Err(EIO);
            }
            match last {
                None => this.prp[1] = page.dma_address(),
                Some(last) => {
                    let at = (ENTRIES - 1) * size_of::<u64>();
                    last.write(at, page.dma_address().to_le())?;
                    stats.chained.fetch_add(1, Relaxed);
                }
            }
            stats.lists.fetch_add(1, Relaxed);
            left -= count;
            last = Some(slot.insert(page));
        }
        if left > 0 {
            return Err(E2BIG);
        }
        Ok(this)
    }
}
