// SPDX-License-Identifier: GPL-2.0

//! Tables that are made at random, or as a fuzzer chooses.

use crate::{
    base::gfp::Gfp,
    bindings,
    choose::{
        random::Random,
        Choose, //
    },
    page::PAGE_SIZE,
    walk::{
        cpu::{
            CpuPage,
            CpuTable, //
        },
        dma::DmaTable,
        entries::sg_set_page,
        list::List,
        lockstep::Lockstep,
        run::Run, //
    }, //
};
use std::ops::Range;

/// A list that claims to be mapped, and its contents.
///
/// Byte `i` of page `n` has the number `n * PAGE_SIZE + i`.
pub struct Table {
    /// For each entry, the numbers of its bytes, and that of the first byte of its first page.
    pub cpu: Vec<(Range<usize>, usize)>,
    pub dma: Vec<Run>,
    list: List,
}

impl Table {
    /// Makes a table of up to `most` entries.
    pub fn random(random: &mut impl Choose, most: usize) -> Self {
        // Each table is of one kind: many of its entries are empty, or many are merged, and so on.
        let [full, merged, offsets] = [4, 3, 3].map(|n| random.below(n) + 1);
        let (wrong_lengths, tail) = (random.below(8) == 0, random.below(4));
        let (mut cpu, mut dma) = (Vec::new(), Vec::<Run>::new());
        for left in (0..random.below(most) + 1).rev() {
            let first = random.below(64) * PAGE_SIZE;
            let start = first + random.below(offsets) * random.below(PAGE_SIZE);
            let len = match random.below(full) {
                _ if left < tail => 0,
                0 => random.below(3 * PAGE_SIZE),
                1 => PAGE_SIZE,
                _ => 0,
            };
            cpu.push((start..start + len, first));

            let len = if wrong_lengths {
                random.below(PAGE_SIZE)
            } else {
                len
            } as u64;
            match dma.last_mut() {
                Some(last) if random.below(merged) > 0 => last.len += len,
                last => {
                    let far = random.below(256) as u64;
                    let end = last.map_or(far, |last| last.addr + last.len);
                    let addr = [end, far][random.below(2)];
                    dma.push(Run { addr, len });
                }
            }
        }
        let list = list(&cpu, &dma);
        Self { cpu, dma, list }
    }

    pub fn cpu(&self) -> &CpuTable {
        // SAFETY:
        // - The list has `orig_nents` entries.
        // - `self` owns it and is borrowed during the lifetime of the result, so that nobody
        //   changes or frees it.
        unsafe { CpuTable::from_raw(self.list.sgt()) }
    }

    pub fn dma(&self) -> &DmaTable {
        // SAFETY:
        // - The list has at least `nents` entries, and each of those has its DMA fields set.
        // - As for `cpu()`, nobody changes or frees it.
        unsafe { DmaTable::from_raw(self.list.sgt()) }
    }

    pub fn lockstep(&self) -> Lockstep<'_> {
        Lockstep::new(self.cpu(), self.dma())
    }

    /// Returns each byte, after the index of its entry.
    pub fn cpu_bytes(&self) -> Vec<(usize, usize)> {
        let entries = self.cpu.iter().enumerate();
        entries
            .flat_map(|(i, (bytes, _))| bytes.clone().map(move |byte| (i, byte)))
            .collect()
    }
}

fn list(cpu: &[(Range<usize>, usize)], dma: &[Run]) -> List {
    let mut list = List::alloc(cpu.len() as u32, Gfp).unwrap();
    // Holds all references at once: no two may alias, and no step may invalidate an earlier one.
    let entries: Vec<_> = list.entries_mut().collect();
    assert_eq!(entries.len(), cpu.len());
    for (i, sg) in entries.into_iter().enumerate() {
        let (bytes, first) = &cpu[i];
        let page = nth_page(first / PAGE_SIZE).as_ptr();
        sg_set_page(sg, page, bytes.len() as u32, (bytes.start - first) as u32);
        assert_eq!(sg.page_link & 3, if i + 1 == cpu.len() { 2 } else { 0 });
        // The entries behind the mapped ones have values that no walk may return.
        let run = dma.get(i).unwrap_or(&Run { addr: 7, len: 77 });
        (sg.dma_address, sg.dma_length) = (run.addr, run.len as u32);
    }
    list.sgt_mut().nents = dma.len() as u32;
    list
}

/// Returns page number `n`. There is no such page, and nobody looks for one.
pub fn nth_page(n: usize) -> CpuPage<'static> {
    CpuPage::new(core::ptr::null_mut::<bindings::page>().wrapping_add(n))
}

/// Returns random tables of up to `most` entries.
pub fn tables(most: usize) -> impl Iterator<Item = Table> {
    // Miri is slow, and has few.
    (1..if cfg!(miri) { 9 } else { 600 })
        .map(move |seed| Table::random(&mut Random::new(seed), most))
}
