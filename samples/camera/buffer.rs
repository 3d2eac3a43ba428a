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
    import::Import,
    list::Lists, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    mm::virt::VmaNew,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    DmaBuf,
    DmaDevice,
    FromDevice,
    SgTable, //
};

/// The highest order of a block of contiguous memory: 1 MiB of pages of 4 KiB.
const MAX_ORDER: u32 = 8;

enum Pages<'bound> {
    Own(Buffer<'bound, FromDevice>, Lists),
    Imported(Import<'bound>),
}

pub(crate) struct FrameBuffer<'bound> {
    pub(crate) len: usize,
    pub(crate) queued: bool,
    pages: Pages<'bound>,
}

impl<'bound> FrameBuffer<'bound> {
    pub(crate) fn new(
        sharing: Sharing<'bound>,
        layout: Layout,
        contiguous: bool,
        dummy: DummyNumbers,
    ) -> Result<Self> {
        let (dma, len) = (sharing.dma(), layout.buffer_len());
        // A request for too much is the user's error, and no matter for the log.
        let gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
        let table = if contiguous {
            let order = (len / PAGE_SIZE).next_power_of_two().ilog2();
            SgTable::alloc_blocks(len, order.min(MAX_ORDER), dma, gfp)?
        } else {
            SgTable::alloc(len, dma, gfp)?
        };
        let mut pages = Buffer::new(table, FromDevice, sharing)?;
        pages.map()?;
        let lists = Lists::new(dma, pages.dma().ok_or(EIO)?, layout, dummy)?;
        Ok(Self {
            len,
            queued: false,
            pages: Pages::Own(pages, lists),
        })
    }

    /// Takes a dma-buf in place of the pages, and of an earlier dma-buf. User space keeps the pages
    /// that it has mapped.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the buffer is queued, `EINVAL` if the dma-buf is shorter.
    pub(crate) fn import(&mut self, dma_buf: &DmaBuf) -> Result {
        if self.queued {
            return Err(EBUSY);
        }
        if dma_buf.len() < self.len {
            return Err(EINVAL);
        }
        self.pages = Pages::Imported(Import::new(dma_buf.clone()));
        Ok(())
    }

    /// Begins the device's turn at a dma-buf. The buffer is about to be queued.
    pub(crate) fn begin(
        &mut self,
        dma: DmaDevice<'bound>,
        layout: Layout,
        dummy: DummyNumbers,
    ) -> Result {
        match &mut self.pages {
            Pages::Own(..) => Ok(()),
            Pages::Imported(import) => import.begin(dma, layout, dummy),
        }
    }

    /// Ends the device's turn at a dma-buf. The buffer is not queued any more.
    pub(crate) fn end(&mut self) {
        if let Pages::Imported(import) = &mut self.pages {
            import.end();
        }
    }

    /// Returns the lists. Those of a dma-buf exist only while the buffer is queued.
    pub(crate) fn lists(&self) -> Option<&Lists> {
        match &self.pages {
            Pages::Own(_, lists) => Some(lists),
            Pages::Imported(import) => import.lists(),
        }
    }

    pub(crate) fn is_imported(&self) -> bool {
        matches!(self.pages, Pages::Imported(_))
    }

    /// Returns whether the CPU and the device use the buffer at the same time. Only an exporter
    /// knows that of its dma-buf.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.pages {
            Pages::Own(pages, _) => pages.is_shared(),
            Pages::Imported(_) => false,
        }
    }

    /// Returns the number of segments in memory, and the number that the device sees. Nobody but
    /// its exporter knows how a dma-buf lies in memory.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.pages {
            Pages::Own(pages, _) => pages.segments(),
            Pages::Imported(import) => (0, import.segments()),
        }
    }

    /// Copies bytes of the buffer, by the CPU. The range lies within the buffer. The buffer is not
    /// queued, so the device does not use the buffer.
    ///
    /// A dma-buf is returned instead. The CPU's turn there waits for fences of any driver, so the
    /// caller does not have the buffer meanwhile.
    pub(crate) fn read(&mut self, at: usize, bytes: &mut [u8]) -> Result<Option<DmaBuf>> {
        match &mut self.pages {
            Pages::Own(pages, _) => pages.read(at, bytes).map(|()| None),
            Pages::Imported(import) => Ok(Some(import.dma_buf())),
        }
    }

    /// Maps part of a shared buffer to user space, which maps a dma-buf by its descriptor.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.pages {
            Pages::Own(pages, _) => pages.mmap(offset, vma),
            Pages::Imported(_) => Err(EINVAL),
        }
    }

    /// Leaks the pages and the lists to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        match &mut self.pages {
            Pages::Own(pages, lists) => {
                pages.leak();
                lists.leak();
            }
            Pages::Imported(import) => import.leak(),
        }
    }
}
