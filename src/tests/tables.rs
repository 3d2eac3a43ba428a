// SPDX-License-Identifier: GPL-2.0

//! Tables without a buffer, only to be walked: random ones, and a large one.
//!
//! Nobody accesses the pages, so that an entry may name any.

use super::random::Random;
use crate::walk::{
    cpu::CpuTable,
    dma::DmaTable,
    entries::sg_set_page,
    lockstep::Lockstep, //
};
use kernel::{
    bindings,
    error::to_result,
    page::PAGE_SIZE,
    prelude::*, //
};

const PAGE: u64 = PAGE_SIZE as u64;

/// A table that claims to be mapped.
pub(super) struct Table {
    pub(super) sgt: bindings::sg_table,
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: `alloc()` has allocated the list, and this frees it once.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
    }
}

impl Table {
    /// Makes a table whose entries have no pages yet.
    fn alloc(orig_nents: u64) -> Result<Self> {
        let mut sgt = bindings::sg_table::default();
        // SAFETY: `sgt` is valid for writing, and the callers want at least one entry.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut sgt, orig_nents as u32, bindings::GFP_KERNEL)
        })?;
        Ok(Self { sgt })
    }

    /// Makes a table with 1 to 4096 entries, and is as likely to have few as to have many.
    pub(super) fn random(random: &mut Random) -> Result<Self> {
        let bits = random.below(13);
        let mut table = Self::alloc(random.below(1 << bits) + 1)?;
        table.fill_cpu_side(random);
        if random.once_in(3) {
            table.map_like_an_iommu(random);
        } else {
            table.map_directly(random);
        }
        Ok(table)
    }

    fn entries(&mut self) -> impl Iterator<Item = &mut bindings::scatterlist> {
        let mut next = self.sgt.sgl;
        core::iter::from_fn(move || {
            // SAFETY: `next` is null, or points to an entry of our list, which is borrowed from us.
            // Each entry comes up once.
            let sg = unsafe { next.as_mut() }?;
            // SAFETY: `sg` is an entry of the list.
            next = unsafe { bindings::sg_next(sg) };
            Some(sg)
        })
    }

    fn fill_cpu_side(&mut self, random: &mut Random) {
        let whole_pages = random.once_in(3);
        let page_starts = whole_pages || random.once_in(2);
        let orig_nents = self.sgt.orig_nents as usize;
        let tail = if random.once_in(4) {
            random.below(3) as usize
        } else {
            0
        };
        for (i, sg) in self.entries().enumerate() {
            // The walks take any number for a `struct page` that is aligned like one.
            let page = (random.below(1 << 30) * 64) as *mut bindings::page;
            let offset = if page_starts { 0 } else { random.below(PAGE) };
            let most = if random.once_in(16) { 32 } else { 2 };
            let pages = random.below(most);
            let length = if i + tail >= orig_nents && i > 0 {
                0
            } else if whole_pages {
                (pages + 1) * PAGE
            } else {
                pages * PAGE + random.below(PAGE) + 1
            };
            sg_set_page(sg, page, length as u32, offset as u32);
        }
    }

    /// Maps each entry on its own, at an address with the same offset in its page.
    ///
    /// The address often follows the neighbour.
    fn map_directly(&mut self, random: &mut Random) {
        let mut end = 0;
        for sg in self.entries() {
            let offset = u64::from(sg.offset);
            if end % PAGE != offset || random.once_in(3) {
                end = random.below((1 << 62) / PAGE) * PAGE + offset;
            }
            set_dma(sg, end, sg.length.into());
            end += u64::from(sg.length);
        }
        self.sgt.nents = self.sgt.orig_nents;
    }

    /// Maps neighbours as one, at addresses that have nothing to do with offsets.
    fn map_like_an_iommu(&mut self, random: &mut Random) {
        let most = random.below(40) + 1;
        let mut lengths = self.entries().map(|sg| u64::from(sg.length));
        let mut merged = KVVec::new();
        let (mut len, mut count) = (0, 0);
        for length in lengths.by_ref() {
            len += length;
            count += 1;
            if count == most || random.once_in(8) {
                // Without memory, the table is shorter for the device.
                let _ = merged.push(len, GFP_KERNEL);
                (len, count) = (0, 0);
            }
        }
        drop(lengths);
        if len > 0 || merged.is_empty() {
            let _ = merged.push(len, GFP_KERNEL);
        }
        self.sgt.nents = merged.len() as u32;
        let mut merged = merged.into_iter();
        for sg in self.entries() {
            let addr = random.below(1 << 40) * PAGE + random.below(PAGE);
            set_dma(sg, addr, merged.next().unwrap_or(0));
        }
    }

    pub(super) fn cpu(&self) -> &CpuTable {
        // SAFETY:
        // - The list has `orig_nents` entries.
        // - `self` owns it and is borrowed during the lifetime of the result.
        unsafe { CpuTable::from_raw(&self.sgt) }
    }

    pub(super) fn dma(&self) -> &DmaTable {
        // SAFETY:
        // - The list has at least `nents` entries, whose DMA fields are set.
        // - `self` owns it and is borrowed during the lifetime of the result.
        unsafe { DmaTable::from_raw(&self.sgt) }
    }

    /// Returns true if each bus address has the offset of its entry in the page.
    ///
    /// Only then the kernel's iterator of bus addresses is right.
    pub(super) fn offsets_agree(&self) -> bool {
        self.cpu()
            .entries()
            .zip(self.dma().dma_segments())
            .all(|(sg, run)| u64::from(sg.offset) % PAGE == run.addr % PAGE)
    }
}

fn set_dma(sg: &mut bindings::scatterlist, addr: u64, len: u64) {
    sg.dma_address = addr;
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    {
        sg.dma_length = len as u32;
    }
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    {
        sg.length = len as u32;
    }
}

/// Returns true if the walks reach the end of a table of 64 GiB, whose length exceeds 32 bits.
pub(super) fn walk_64_gib() -> Result<bool> {
    const ENTRIES: u64 = 32;
    const LEN: u64 = 2 << 30;
    const PAGE_STRUCT: u64 = size_of::<bindings::page>() as u64;
    let mut table = Table::alloc(ENTRIES)?;
    for (i, sg) in table.entries().enumerate() {
        let addr = i as u64 * LEN;
        sg_set_page(
            sg,
            (addr / PAGE * PAGE_STRUCT) as *mut bindings::page,
            LEN as u32,
            0,
        );
        set_dma(sg, addr, LEN);
    }
    let (cpu, dma) = (table.cpu(), table.dma());
    let last = ENTRIES * LEN / PAGE - 1;
    let lockstep = || Lockstep::new(cpu, dma);
    let cpu_page = |n: u64| {
        cpu.cpu_pages()
            .nth(n as usize)
            .map(|page| page.as_ptr() as u64)
    };
    Ok(cpu_page(last) == Some(last * PAGE_STRUCT)
        && cpu_page(last + 1).is_none()
        && dma.dma_pages().nth(last as usize) == Some(last * PAGE)
        && dma.dma_pages().nth(last as usize + 1).is_none()
        && dma.dma_runs().map(|run| run.len).eq([ENTRIES * LEN])
        && dma.dma_blocks(4 << 30)?.count() == 16
        && dma.dma_blocks(1 << 63)?.eq([0])
        && lockstep()
            .next()
            .is_some_and(|piece| piece.len == PAGE_SIZE))
}
