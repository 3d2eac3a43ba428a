// SPDX-License-Identifier: GPL-2.0

//! Random tables, walked by us, by the kernel's own iterators and by models.
//!
//! The kernel's iterators are the oracle wherever they are right. For bus addresses that is where
//! they agree with `sg->offset` modulo the page size; a table that an IOMMU has merged need not,
//! and there a model that steps from page to page is the oracle alone.
//!
//! The pages are never touched: the entries may name any.

use crate::{
    cpu_walk::CpuTable,
    dma_walk::{
        DmaPages,
        DmaTable, //
    },
    ffi,
    frames::Run,
    lockstep::Lockstep,
    scatterlist::sg_set_page, //
};
use kernel::{
    bindings,
    error::to_result,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// Marsaglia's xorshift64*: the same numbers for the same seed on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`, which is not zero.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

const PAGE: u64 = PAGE_SIZE as u64;

/// A table that says of itself to be mapped.
struct Table {
    sgt: bindings::sg_table,
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: Allocated by `Table::random()`.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
    }
}

impl Table {
    fn random(random: &mut Random) -> Result<Self> {
        // As many small ones as large ones: 1 to 4096.
        let bits = random.below(13);
        let orig_nents = random.below(1 << bits) + 1;
        let mut table = Self {
            sgt: bindings::sg_table::default(),
        };
        // SAFETY: `sgt` is valid for writing, and `orig_nents` is not zero.
        to_result(unsafe {
            bindings::sg_alloc_table(&mut table.sgt, orig_nents as u32, bindings::GFP_KERNEL)
        })?;
        table.fill_cpu_side(random);
        match random.below(3) {
            0 => table.map_like_an_iommu(random),
            _ => table.map_directly(random),
        }
        Ok(table)
    }

    fn entries(&mut self) -> impl Iterator<Item = &mut bindings::scatterlist> {
        let mut next = self.sgt.sgl;
        core::iter::from_fn(move || {
            // SAFETY: Null, or an entry of our list, given once, while it is borrowed from us.
            let sg = unsafe { next.as_mut() }?;
            // SAFETY: As above.
            next = unsafe { bindings::sg_next(sg) };
            Some(sg)
        })
    }

    fn fill_cpu_side(&mut self, random: &mut Random) {
        let whole_pages = random.once_in(3);
        let page_starts = whole_pages || random.once_in(2);
        let orig_nents = self.sgt.orig_nents as usize;
        let tail = match random.below(4) {
            0 => random.below(3) as usize,
            _ => 0,
        };
        for (i, sg) in self.entries().enumerate() {
            // Any number that is aligned like a `struct page` may pass for one.
            let page = (random.below(1 << 30) * 64) as *mut bindings::page;
            let offset = match page_starts {
                true => 0,
                false => random.below(PAGE),
            };
            let pages = match random.below(16) {
                0 => random.below(32),
                _ => random.below(2),
            };
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

    /// Every entry on its own, at an address that agrees with its offset, often right behind its
    /// neighbour.
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

    /// Neighbours merged, at addresses that have nothing to do with offsets.
    fn map_like_an_iommu(&mut self, random: &mut Random) {
        let most = random.below(40) + 1;
        let mut lengths = self.entries().map(|sg| u64::from(sg.length));
        let mut merged = KVVec::new();
        let (mut len, mut count) = (0, 0);
        for length in lengths.by_ref() {
            len += length;
            count += 1;
            if count == most || random.once_in(8) {
                // Out of memory shows as a table that is shorter for the device.
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

    fn cpu(&self) -> &CpuTable {
        // SAFETY: The list has `orig_nents` entries and is not changed while borrowed.
        unsafe { CpuTable::from_raw(&self.sgt) }
    }

    fn dma(&self) -> &DmaTable {
        // SAFETY: The list has `nents` entries that look mapped, and is not changed while borrowed.
        unsafe { DmaTable::from_raw(&self.sgt) }
    }

    /// Whether the kernel's iterator of bus addresses is right about this table.
    fn c_is_right(&self) -> bool {
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

/// `for_each_sg_page()`: the pages, as numbers.
fn c_cpu_pages(table: &Table, pgoffset: usize) -> impl Iterator<Item = usize> + '_ {
    let mut iter = bindings::sg_page_iter::default();
    let (sgl, nents) = (table.sgt.sgl, table.sgt.orig_nents);
    // SAFETY: `iter` is valid for writing, and the table has `orig_nents` entries.
    unsafe { bindings::__sg_page_iter_start(&mut iter, sgl, nents, pgoffset) };
    core::iter::from_fn(move || {
        // SAFETY: Started above; the table is borrowed.
        if !unsafe { bindings::__sg_page_iter_next(&mut iter) } {
            return None;
        }
        // SAFETY: The iterator stands on an entry of the table.
        let first = crate::scatterlist::sg_page(unsafe { &*iter.sg });
        Some(first.wrapping_add(iter.sg_pgoffset as usize) as usize)
    })
}

/// `for_each_sg_dma_page()`; it does not align what it yields.
pub(crate) fn c_dma_pages(table: &DmaTable, pgoffset: usize) -> impl Iterator<Item = u64> + '_ {
    let mut iter = bindings::sg_dma_page_iter::default();
    // SAFETY: Behind a reference the table is valid.
    let (sgl, nents) = unsafe { ((*table.as_raw()).sgl, (*table.as_raw()).nents) };
    // SAFETY: `iter` is valid for writing, and the table has `nents` entries.
    unsafe { bindings::__sg_page_iter_start(&mut iter.base, sgl, nents, pgoffset) };
    core::iter::from_fn(move || {
        // SAFETY: Started above; the table is borrowed.
        if !unsafe { bindings::__sg_page_iter_dma_next(&mut iter) } {
            return None;
        }
        // SAFETY: The iterator stands on an entry of the table.
        let addr = unsafe { (*iter.base.sg).dma_address };
        Some(addr + (u64::from(iter.base.sg_pgoffset) << PAGE_SHIFT))
    })
}

/// The frames of each run, found by stepping from byte to frame to frame.
fn model_frames(runs: impl Iterator<Item = Run>, size: u64) -> impl Iterator<Item = u64> {
    runs.filter(|run| run.len > 0).flat_map(move |run| {
        let first = run.addr & !(size - 1);
        core::iter::successors(Some(first), move |frame| frame.checked_add(size))
            .take_while(move |frame| *frame < run.addr + run.len)
    })
}

/// What `fold` sees, in one number.
fn folded(walk: impl Iterator<Item = u64>) -> (u64, u64) {
    walk.fold((0, 0), mix)
}

fn mix((count, sum): (u64, u64), item: u64) -> (u64, u64) {
    (
        count + 1,
        (sum.rotate_left(5) ^ item).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

/// The same by `next` alone.
fn stepped(walk: impl Iterator<Item = u64>) -> (u64, u64) {
    let mut acc = (0, 0);
    for item in walk {
        acc = mix(acc, item);
    }
    acc
}

/// The same by filling slots, a few at a time.
fn filled(mut walk: DmaPages<'_>) -> (u64, u64) {
    let mut acc = (0, 0);
    let mut slots = [0; 50];
    loop {
        let n = walk.fill(&mut slots, |addr| addr);
        acc = slots[..n].iter().copied().fold(acc, mix);
        if n < slots.len() {
            return acc;
        }
    }
}

/// The same by a loop for each run.
fn zipped(mut walk: DmaPages<'_>) -> (u64, u64) {
    let mut acc = (0, 0);
    let mut slots = [(); 1 << 20];
    for run in walk.zip_runs(&mut slots) {
        for (addr, ()) in run {
            acc = mix(acc, addr);
        }
    }
    acc
}

/// Compares all walks of one table; the name of the first that differs.
fn difference(table: &Table, random: &mut Random) -> Option<&'static str> {
    let (cpu, dma) = (table.cpu(), table.dma());
    let cpu_pages = || cpu.cpu_pages().map(|page| page.as_ptr() as u64);

    let expected = stepped(c_cpu_pages(table, 0).map(|page| page as u64));
    if stepped(cpu_pages()) != expected {
        return Some("CPU pages");
    }
    if folded(cpu_pages()) != expected {
        return Some("CPU pages by fold");
    }
    let start = random.below(expected.0 + 2) as usize;
    let expected = stepped(c_cpu_pages(table, start).map(|page| page as u64));
    if stepped(cpu_pages().skip(start)) != expected {
        return Some("CPU pages from an offset");
    }

    let expected = stepped(model_frames(dma.dma_segments(), PAGE));
    if stepped(dma.dma_pages()) != expected {
        return Some("DMA pages");
    }
    if folded(dma.dma_pages()) != expected {
        return Some("DMA pages by fold");
    }
    if filled(dma.dma_pages()) != expected {
        return Some("DMA pages in slots");
    }
    if zipped(dma.dma_pages()) != expected {
        return Some("DMA pages run by run");
    }
    let start = random.below(expected.0 + 2) as usize;
    let expected = stepped(model_frames(dma.dma_segments(), PAGE).skip(start));
    if stepped(dma.dma_pages().skip(start)) != expected {
        return Some("DMA pages from an offset");
    }
    // An empty entry with an offset has a page for C.
    if table.c_is_right() && dma.dma_segments().all(|run| run.len > 0) {
        if stepped(c_dma_pages(dma, start).map(|addr| addr & !(PAGE - 1))) != expected {
            return Some("DMA pages of C");
        }
    }

    let bytes = |runs: &mut dyn Iterator<Item = Run>| runs.map(|run| run.len).sum::<u64>();
    if bytes(&mut dma.dma_runs()) != bytes(&mut dma.dma_segments()) {
        return Some("length of all runs");
    }
    let ends = dma.dma_runs().map(|run| run.addr + run.len);
    if ends
        .zip(dma.dma_runs().skip(1))
        .any(|(end, next)| end == next.addr || next.len == 0)
    {
        return Some("runs that continue their neighbour");
    }

    let size = 1 << random.below(24);
    let last = dma.dma_runs().count().saturating_sub(1);
    let fits = dma.dma_runs().enumerate().all(|(i, run)| {
        (i == 0 || run.addr & (size - 1) == 0)
            && (i == last || (run.addr + run.len) & (size - 1) == 0)
    });
    match dma.dma_blocks(size) {
        Err(_) if fits => return Some("blocks refused"),
        Ok(_) if !fits => return Some("blocks accepted"),
        Err(_) => {}
        // Not one for each byte.
        Ok(_) if size < 64 => {}
        Ok(blocks) => {
            if stepped(blocks) != stepped(model_frames(dma.dma_runs(), size)) {
                return Some("blocks");
            }
        }
    }

    lockstep_difference(table)
}

/// Checks each piece against where its bytes are in both lists.
fn lockstep_difference(table: &Table) -> Option<&'static str> {
    // From the other end of things: positions by running sums, not by what is left.
    let mut cpu = table.cpu().entries().peekable();
    let mut dma = table.dma().dma_segments().peekable();
    let (mut cpu_start, mut dma_start, mut pos) = (0, 0, 0);
    for piece in Lockstep::new(table.cpu(), table.dma()) {
        while let Some(sg) = cpu.next_if(|sg| cpu_start + u64::from(sg.length) <= pos) {
            cpu_start += u64::from(sg.length);
        }
        while let Some(run) = dma.next_if(|run| dma_start + run.len <= pos) {
            dma_start += run.len;
        }
        let (Some(sg), Some(run)) = (cpu.peek(), dma.peek()) else {
            return Some("lockstep goes on too far");
        };
        let at = u64::from(sg.offset) + (pos - cpu_start);
        let page = crate::scatterlist::sg_page(sg).wrapping_add((at / PAGE) as usize);
        if piece.page.as_ptr() != page || piece.offset as u64 != at % PAGE {
            return Some("page in lockstep");
        }
        if piece.dma_address != run.addr + (pos - dma_start) {
            return Some("bus address in lockstep");
        }
        let left = [
            PAGE - at % PAGE,
            cpu_start + u64::from(sg.length) - pos,
            dma_start + run.len - pos,
        ];
        if Some(&(piece.len as u64)) != left.iter().min() {
            return Some("length in lockstep");
        }
        pos += piece.len as u64;
    }
    let whole: u64 = table.dma().dma_segments().map(|run| run.len).sum();
    (pos != whole).then_some("lockstep ends too early")
}

/// Whether a table of 64 GiB is walked to its end: no length of it fits into 32 bits.
pub(crate) fn walk_64_gib() -> Result<bool> {
    const ENTRIES: u64 = 32;
    const LEN: u64 = 2 << 30;
    const PAGE_STRUCT: u64 = size_of::<bindings::page>() as u64;
    let mut table = Table {
        sgt: bindings::sg_table::default(),
    };
    // SAFETY: `sgt` is valid for writing.
    to_result(unsafe {
        bindings::sg_alloc_table(&mut table.sgt, ENTRIES as u32, bindings::GFP_KERNEL)
    })?;
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

/// Compares `count` random tables; how many differ. Says so in the log.
pub(crate) fn tables(count: u32, seed: u64) -> Result<u32> {
    let mut random = Random::new(seed);
    let mut differences = 0;
    for i in 0..count {
        // SAFETY: Self-tests run in process context.
        if unsafe { ffi::sgdma_selftest_is_stopped() } {
            pr_err!("stopped after {} of {} tables\n", i, count);
            return Err(EINTR);
        }
        let table = Table::random(&mut random)?;
        if let Some(what) = difference(&table, &mut random) {
            differences += 1;
            pr_err!(
                "table {} of seed {} differs: {} ({} entries, {} mapped)\n",
                i,
                seed,
                what,
                table.sgt.orig_nents,
                table.sgt.nents
            );
        }
    }
    pr_info!(
        "{} tables compared, {} differences (seed {})\n",
        count,
        differences,
        seed
    );
    Ok(differences)
}
