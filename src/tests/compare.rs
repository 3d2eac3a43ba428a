// SPDX-License-Identifier: GPL-2.0

//! Compares our walks of random tables with their references.

use super::{
    random::Random,
    reference::{
        c_cpu_pages,
        c_dma_pages,
        model_frames, //
    },
    tables::Table, //
};
use crate::{
    ffi,
    walk::{
        dma::{
            DmaPages,
            DmaTable, //
        },
        entries::sg_page,
        lockstep::Lockstep,
        run::Run, //
    }, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

const PAGE: u64 = PAGE_SIZE as u64;

/// A number of items, and a checksum of them in their order.
type Digest = (u64, u64);

/// Adds an item to a digest.
fn mix((count, sum): Digest, item: u64) -> Digest {
    (
        count + 1,
        (sum.rotate_left(5) ^ item).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    )
}

/// Returns the digest of what `next` yields.
fn stepped(walk: impl Iterator<Item = u64>) -> Digest {
    let mut acc = (0, 0);
    for item in walk {
        acc = mix(acc, item);
    }
    acc
}

/// Returns the digest of what `fold` yields.
fn folded(walk: impl Iterator<Item = u64>) -> Digest {
    walk.fold((0, 0), mix)
}

/// Returns the digest of what `fill` writes, a few slots at a time.
fn filled(mut walk: DmaPages<'_>) -> Digest {
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

/// Returns the digest of what `zip_runs` yields, in a loop for each run.
fn zipped(mut walk: DmaPages<'_>) -> Digest {
    let mut acc = (0, 0);
    let mut slots = [(); 1 << 20];
    for run in walk.zip_runs(&mut slots) {
        for (addr, ()) in run {
            acc = mix(acc, addr);
        }
    }
    acc
}

/// Returns the first walk of the table that differs from its reference, by name.
fn difference(table: &Table, random: &mut Random) -> Option<&'static str> {
    cpu_pages_difference(table, random)
        .or_else(|| dma_pages_difference(table, random))
        .or_else(|| runs_difference(table.dma()))
        .or_else(|| blocks_difference(table.dma(), 1 << random.below(24)))
        .or_else(|| lockstep_difference(table))
}

fn cpu_pages_difference(table: &Table, random: &mut Random) -> Option<&'static str> {
    let pages = || table.cpu().cpu_pages().map(|page| page.as_ptr() as u64);
    let expected = stepped(c_cpu_pages(table, 0));
    if stepped(pages()) != expected {
        return Some("CPU pages");
    }
    if folded(pages()) != expected {
        return Some("CPU pages by fold");
    }
    let start = random.below(expected.0 + 2) as usize;
    if stepped(pages().skip(start)) != stepped(c_cpu_pages(table, start)) {
        return Some("CPU pages from an offset");
    }
    None
}

fn dma_pages_difference(table: &Table, random: &mut Random) -> Option<&'static str> {
    let dma = table.dma();
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
    // C yields a page for an empty entry with an offset.
    let c_is_right = table.offsets_agree() && dma.dma_segments().all(|run| run.len > 0);
    if c_is_right && stepped(c_dma_pages(dma, start).map(|addr| addr & !(PAGE - 1))) != expected {
        return Some("DMA pages of C");
    }
    None
}

fn runs_difference(dma: &DmaTable) -> Option<&'static str> {
    let bytes = |runs: &mut dyn Iterator<Item = Run>| runs.map(|run| run.len).sum::<u64>();
    if bytes(&mut dma.dma_runs()) != bytes(&mut dma.dma_segments()) {
        return Some("length of all runs");
    }
    let mut ends = dma
        .dma_runs()
        .map(|run| run.addr + run.len)
        .zip(dma.dma_runs().skip(1));
    if ends.any(|(end, next)| end == next.addr || next.len == 0) {
        return Some("runs that continue their neighbour");
    }
    None
}

/// Compares the blocks of `size` bytes.
fn blocks_difference(dma: &DmaTable, size: u64) -> Option<&'static str> {
    let last = dma.dma_runs().count().saturating_sub(1);
    let fits = dma.dma_runs().enumerate().all(|(i, run)| {
        (i == 0 || run.addr & (size - 1) == 0)
            && (i == last || (run.addr + run.len) & (size - 1) == 0)
    });
    match dma.dma_blocks(size) {
        Err(_) if fits => Some("blocks refused"),
        Ok(_) if !fits => Some("blocks accepted"),
        // One block for a few bytes would take too long.
        Ok(blocks) if size >= 64 => {
            let expected = stepped(model_frames(dma.dma_runs(), size));
            (stepped(blocks) != expected).then_some("blocks")
        }
        _ => None,
    }
}

/// Compares each piece with the places of its bytes in both lists.
fn lockstep_difference(table: &Table) -> Option<&'static str> {
    // The walk counts down what is left of each entry. This counts up from the beginning.
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
        let page = sg_page(sg).wrapping_add((at / PAGE) as usize);
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

/// Compares the walks of `count` random tables, logs each that differs, and returns their number.
pub(super) fn tables(count: u32, seed: u64) -> Result<u32> {
    let mut random = Random::new(seed);
    let mut differences = 0;
    for i in 0..count {
        // SAFETY: Self-tests run in process context, so that the function may sleep.
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
