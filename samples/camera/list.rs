// SPDX-License-Identifier: GPL-2.0

//! Lists of page numbers, by which the device finds the pages of a frame, as ipu3-cio2 has them.
//!
//! A list (LOP, list of pointers) is a page of 1024 entries of 32 bits, each the number of a DMA
//! page. Entries behind the frame lead to the dummy page: the device may read ahead, or write on.

use crate::{
    device_page::{
        DevicePage,
        DummyNumbers,
        DEVICE_PAGE,
        DEVICE_PAGE_SHIFT, //
    },
    format::Layout,
    uapi, //
};
use kernel::prelude::*;
use sgdma::{
    DmaDevice,
    DmaTable, //
};

/// The highest number of lists of a buffer.
pub(crate) const MAX_LISTS: usize = 8;
pub(crate) const LIST_ENTRIES: usize = DEVICE_PAGE / size_of::<u32>();

// A frame leaves one entry to the dummy page.
static_assert!(uapi::SGDMA_CAMERA_MAX_PAGES as usize == MAX_LISTS * LIST_ENTRIES - 1);

/// The lists of one buffer.
pub(crate) struct Lists {
    pub(crate) layout: Layout,
    pub(crate) dummy: DummyNumbers,
    pub(crate) pages: KVec<DevicePage>,
    /// The numbers of the frame's first pages, and zeroes if there are fewer.
    pub(crate) first: [u32; 4],
    /// The number of the frame's last page.
    pub(crate) last: u32,
}

impl Lists {
    /// Lists the pages of `buffer`, by the DMA walk.
    pub(crate) fn new(
        dma: DmaDevice<'_>,
        buffer: &DmaTable,
        layout: Layout,
        dummy: DummyNumbers,
    ) -> Result<Self> {
        let mut lists = Self {
            layout,
            dummy,
            pages: KVec::with_capacity(layout.lists(), GFP_KERNEL_ACCOUNT)?,
            first: [0; 4],
            last: dummy.page,
        };
        let mut blocks = buffer.dma_blocks(DEVICE_PAGE as u64)?;
        // The number of a page above the DMA mask would not fit into an entry.
        let limit = 1 << (u32::BITS + DEVICE_PAGE_SHIFT);
        if blocks.offset() != 0 || buffer.dma_runs().any(|run| run.addr + run.len > limit) {
            return Err(ERANGE);
        }
        let mut entries = KVec::from_elem(0u32, LIST_ENTRIES, GFP_KERNEL)?;
        let mut left = layout.pages();
        for _ in 0..layout.lists() {
            let slots = &mut entries[..left.min(LIST_ENTRIES)];
            let used = blocks.fill(slots, |addr| (addr >> DEVICE_PAGE_SHIFT) as u32);
            entries[used..].fill(dummy.page);
            lists.add(dma, &entries, used)?;
            left -= used;
        }
        Ok(lists)
    }

    /// Adds a list of these entries, the first `used` of which are those of the frame's pages.
    fn add(&mut self, dma: DmaDevice<'_>, entries: &[u32], used: usize) -> Result {
        let list = DevicePage::new(dma)?;
        for (at, entry) in entries.iter().enumerate() {
            list.set(at, *entry)?;
        }
        let frame = &entries[..used];
        if self.pages.is_empty() {
            for (first, entry) in self.first.iter_mut().zip(frame) {
                *first = *entry;
            }
        }
        self.last = *frame.last().unwrap_or(&self.last);
        self.pages.push(list, GFP_KERNEL_ACCOUNT)?;
        Ok(())
    }

    /// Leaks the lists to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.pages.iter_mut().for_each(DevicePage::leak);
    }
}
