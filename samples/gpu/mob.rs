// SPDX-License-Identifier: GPL-2.0

//! Page tables: what vmwgfx calls a MOB, and the device's way through it.
//!
//! An entry is the number of a DMA page. At level 0 the root is the object's only page; at level 1
//! it is a page of entries for the object's pages; at level 2 a page of entries for such pages. The
//! tables are buffers of their own, which the device reads.

use crate::GpuData;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    InFlight,
    Mapped,
    SgTable,
    ToDevice, //
};

/// The device's pages, in bytes, whatever those of the CPU are.
pub(crate) const GPU_PAGE: usize = 4096;
const GPU_PAGE_SHIFT: u32 = GPU_PAGE.trailing_zeros();

/// How large a page table's entries are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Bits32,
    Bits64,
}

impl Entry {
    /// In bytes.
    fn size(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }

    fn per_page(self) -> usize {
        match self {
            Self::Bits32 => GPU_PAGE / 4,
            Self::Bits64 => GPU_PAGE / 8,
        }
    }
}

pub(crate) struct Mob<'bound> {
    /// Numbers of DMA pages.
    pub(crate) root: u64,
    pub(crate) first: u64,
    pub(crate) level: usize,
    entry: Entry,
    /// The lowest first.
    tables: KVec<InFlight<Mapped<'bound, ToDevice>>>,
}

impl<'bound> Mob<'bound> {
    /// Builds the page table for `count` pages.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        pages: &mut dyn Iterator<Item = DmaAddress>,
        count: usize,
        bits: u32,
    ) -> Result<Self> {
        let entry = match bits {
            32 => Entry::Bits32,
            64 => Entry::Bits64,
            _ => return Err(EINVAL),
        };
        let per_page = entry.per_page();
        if count > per_page * per_page {
            dev_err!(
                dma.device(),
                "an object of {} pages: a page table of level 2 has entries for {}\n",
                count,
                per_page * per_page
            );
            return Err(EFBIG);
        }

        let mut pages = pages.peekable();
        let first = *pages.peek().ok_or(EINVAL)? >> GPU_PAGE_SHIFT;
        let mut mob = Self {
            root: first,
            first,
            level: 0,
            entry,
            tables: KVec::with_capacity(2, GFP_KERNEL_ACCOUNT)?,
        };
        match mob.build(dma, &mut pages, count) {
            Ok(()) => Ok(mob),
            Err(error) => {
                mob.retire();
                Err(error)
            }
        }
    }

    /// Adds a level of tables after the other, until one page is all.
    fn build(
        &mut self,
        dma: DmaDevice<'bound>,
        pages: &mut dyn Iterator<Item = DmaAddress>,
        mut count: usize,
    ) -> Result {
        while count > 1 {
            count = count.div_ceil(self.entry.per_page());
            let mut table = SgTable::alloc(count * GPU_PAGE, dma, GFP_KERNEL_ACCOUNT)?;
            match self.tables.last() {
                None => fill(&mut table, pages, self.entry)?,
                Some(lower) => {
                    let mut pages = lower.dma_blocks(GPU_PAGE as u64)?;
                    fill(&mut table, &mut pages, self.entry)?;
                }
            }
            let table = table.map(dma, ToDevice)?;
            let root = table.dma_blocks(GPU_PAGE as u64)?.next().ok_or(EINVAL)?;
            // There is room, so it is not lost here, in flight.
            self.tables.push(table.submit(), GFP_KERNEL_ACCOUNT)?;
            self.root = root >> GPU_PAGE_SHIFT;
            self.level += 1;
        }
        Ok(())
    }

    pub(crate) fn table_pages(&self) -> usize {
        self.tables.iter().map(|table| table.len() / GPU_PAGE).sum()
    }

    /// The device has no use for the tables any more: it is not at them.
    pub(crate) fn retire(self) {
        for table in self.tables {
            drop(table.complete());
        }
    }
}

/// Fills a table's pages, one after the other, with the numbers of DMA pages.
fn fill(table: &mut SgTable, addrs: &mut dyn Iterator<Item = DmaAddress>, entry: Entry) -> Result {
    let mut page = KVec::from_elem(0u8, GPU_PAGE, GFP_KERNEL)?;
    for at in (0..table.len()).step_by(GPU_PAGE) {
        page.fill(0);
        for (slot, addr) in page.chunks_exact_mut(entry.size()).zip(&mut *addrs) {
            let number = addr >> GPU_PAGE_SHIFT;
            if entry == Entry::Bits32 && number > u32::MAX.into() {
                return Err(ERANGE);
            }
            slot.copy_from_slice(&number.to_le_bytes()[..entry.size()]);
        }
        table.copy_from_slice(at, &page)?;
    }
    Ok(())
}

/// The device's way through a page table: what it reads there decides where it goes.
pub(crate) struct Walk<'a, 'bound> {
    gpu: &'a GpuData<'bound>,
    mob: &'a Mob<'bound>,
    /// For each level, the table's page that was read last, and its number.
    read: [Option<(u64, KVec<u8>)>; 2],
}

impl<'a, 'bound> Walk<'a, 'bound> {
    pub(crate) fn new(gpu: &'a GpuData<'bound>, mob: &'a Mob<'bound>) -> Self {
        Self {
            gpu,
            mob,
            read: [None, None],
        }
    }

    /// The bus address of the object's page `n`.
    pub(crate) fn page(&mut self, n: usize) -> Result<DmaAddress> {
        let (size, per_page) = (self.mob.entry.size(), self.mob.entry.per_page());
        let mut number = self.mob.root;
        for (level, read) in self.read.iter_mut().enumerate().take(self.mob.level).rev() {
            let index = match level {
                0 => n % per_page,
                _ => n / per_page,
            };
            if read.as_ref().is_none_or(|(of, _)| *of != number) {
                let mut page = KVec::from_elem(0u8, GPU_PAGE, GFP_KERNEL)?;
                self.gpu.fetch(number << GPU_PAGE_SHIFT, &mut page)?;
                *read = Some((number, page));
            }
            let Some((_, page)) = read else {
                return Err(EINVAL);
            };
            let mut entry = [0; 8];
            let at = index * size;
            entry[..size].copy_from_slice(&page[at..at + size]);
            number = u64::from_le_bytes(entry);
        }
        Ok(number << GPU_PAGE_SHIFT)
    }
}

impl<'bound> GpuData<'bound> {
    /// Has the device read its page at `addr`, and shows what it has read.
    pub(crate) fn fetch(&self, addr: DmaAddress, page: &mut [u8]) -> Result {
        let dma = self.sharing.dma();
        self.engine.fetch(dma, addr, page)
    }

    /// Has the device write its page at `addr`.
    pub(crate) fn store(&self, addr: DmaAddress, page: &[u8]) -> Result {
        let dma = self.sharing.dma();
        self.engine.store(dma, addr, page)
    }

    /// Has the device copy one of its pages.
    pub(crate) fn copy_page(&self, from: DmaAddress, to: DmaAddress) -> Result {
        self.engine.copy_all(from, to, GPU_PAGE)
    }
}
