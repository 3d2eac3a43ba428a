// SPDX-License-Identifier: GPL-2.0

//! A buffer for frames: pages that the device writes and user space reads, and the lists of these
//! pages.
//!
//! A buffer is mapped as long as it lives. Where the device is coherent, user space maps the pages,
//! and nobody synchronises. Elsewhere user space reads the pages by `read(2)`, which gives the CPU
//! a turn at the buffer.

use crate::{
    common::{
        buffer::Buffer,
        sharing::Sharing, //
    },
    device_page::DummyNumbers,
    format::Layout,
    list::Lists, //
};
use kernel::{
    mm::virt::VmaNew,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    FromDevice,
    SgTable, //
};

/// The highest order of a block of contiguous memory: 1 MiB of pages of 4 KiB.
const MAX_ORDER: u32 = 8;

pub(crate) struct FrameBuffer<'bound> {
    pub(crate) len: usize,
    pub(crate) lists: Lists,
    pub(crate) queued: bool,
    pages: Buffer<'bound, FromDevice>,
}

impl<'bound> FrameBuffer<'bound> {
    pub(crate) fn new(
        sharing: Sharing<'bound>,
        layout: Layout,
        contiguous: bool,
        dummy: DummyNumbers,
    ) -> Result<Self> {
        let (dma, len) = (sharing.dma(), layout.buffer_len());
        let table = if contiguous {
            let order = (len / PAGE_SIZE).next_power_of_two().ilog2();
            SgTable::alloc_blocks(len, order.min(MAX_ORDER), dma, GFP_KERNEL_ACCOUNT)?
        } else {
            SgTable::alloc(len, dma, GFP_KERNEL_ACCOUNT)?
        };
        let mut pages = Buffer::new(table, FromDevice, sharing)?;
        pages.map()?;
        Ok(Self {
            len,
            lists: Lists::new(dma, pages.dma().ok_or(EIO)?, layout, dummy)?,
            queued: false,
            pages,
        })
    }

    /// Returns whether the CPU and the device use the buffer at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        self.pages.is_shared()
    }

    /// Returns the number of segments in memory, and the number that the device sees.
    pub(crate) fn segments(&self) -> (usize, usize) {
        self.pages.segments()
    }

    /// Copies bytes of the buffer, by the CPU. The range lies within the buffer. The buffer is not
    /// queued, so the device does not use the buffer.
    pub(crate) fn read(&mut self, at: usize, bytes: &mut [u8]) -> Result {
        self.pages.read(at, bytes)
    }

    /// Maps part of a shared buffer to user space.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        self.pages.mmap(offset, vma)
    }

    /// Leaks the pages and the lists to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.pages.leak();
        self.lists.leak();
    }
}
