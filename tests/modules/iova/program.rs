// SPDX-License-Identifier: GPL-2.0

//! Random calls of a range, each compared with a model that has a tag for each page.

use crate::{
    expect,
    Range, //
};
use kernel::{
    fmt,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    Iova,
    SgTable, //
};

#[path = "../../../src/tests/random.rs"]
mod random;

use random::Random;

/// The number of pages of a range, and of tables.
const PAGES: usize = 32;
const TABLES: usize = 24;
/// The number of steps that a range lives.
const LIFE: u32 = 500;

/// The number of calls, by what came of them.
#[derive(Default)]
pub(crate) struct Seen {
    linked: u32,
    unlinked: u32,
    refused: u32,
    submitted: u32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} linked, {} unlinked, {} refused, {} submitted, all as in the model",
            self.linked, self.unlinked, self.refused, self.submitted
        )
    }
}

/// The tables that are not linked, and the model of the range.
struct Model {
    free: KVec<SgTable>,
    /// The number of the first page and the length of the table that is linked in a page.
    pages: [Option<(usize, usize)>; PAGES],
    seen: Seen,
}

impl Model {
    /// Returns what is right for a table of `len` bytes at `offset`.
    fn right(&self, offset: usize, len: usize) -> Result<core::ops::Range<usize>> {
        if offset % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        match offset.checked_add(len) {
            Some(end) if end <= PAGES * PAGE_SIZE => {}
            _ => return Err(ERANGE),
        }
        let pages = offset / PAGE_SIZE..(offset + len).div_ceil(PAGE_SIZE);
        if self.pages[pages.clone()].iter().any(Option::is_some) {
            return Err(EEXIST);
        }
        Ok(pages)
    }

    fn link(&mut self, range: &mut Range<'_>, offset: usize) -> Result {
        let Some(mut table) = self.free.pop() else {
            return Ok(());
        };
        let len = table.len();
        for at in [0, len - 1] {
            table.copy_from_slice(at, &[tag(offset, at)])?;
        }
        let right = self.right(offset, len);
        match range.link(offset, table, GFP_KERNEL) {
            Ok(()) => {
                let pages = right?;
                self.seen.linked += 1;
                let first = pages.start;
                self.pages[pages].fill(Some((first, len)));
            }
            Err(failed) => {
                let error = failed.error;
                expect((error.offset, error.len) == (offset, len))?;
                expect(right.err() == Some(error.error))?;
                self.seen.refused += 1;
                self.free.push(failed.buffer, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    fn unlink(&mut self, range: &mut Range<'_>, offset: usize) -> Result {
        let page = offset / PAGE_SIZE;
        let linked = self.pages.get(page).copied().flatten();
        let right = linked.filter(|(first, _)| first * PAGE_SIZE == offset);
        match (range.unlink(offset), right) {
            (Ok(table), Some((_, len))) => {
                expect(table.len() == len)?;
                for at in [0, len - 1] {
                    let mut byte = [0];
                    table.copy_to_slice(at, &mut byte)?;
                    expect(byte == [tag(offset, at)])?;
                }
                self.seen.unlinked += 1;
                for page in self.pages.iter_mut().filter(|page| **page == linked) {
                    *page = None;
                }
                self.free.push(table, GFP_KERNEL)?;
            }
            (Err(failed), None) => {
                expect((failed.error, failed.offset) == (ENOENT, offset))?;
                self.seen.refused += 1;
            }
            _ => return Err(EDOM),
        }
        Ok(())
    }

    /// Compares the runs with the pages.
    fn check(&self, range: &Range<'_>) -> Result {
        let starts = (0..PAGES).filter_map(|page| {
            let (first, len) = self.pages[page]?;
            (first == page).then_some((page * PAGE_SIZE, len))
        });
        let Some(base) = range.dma_address() else {
            let bytes: usize = starts.map(|(_, len)| len).sum();
            let runs: u64 = range.dma_runs().map(|run| run.len).sum();
            return expect(runs == bytes as u64);
        };
        let mut runs = range.dma_runs();
        let mut run = None;
        for (offset, len) in starts {
            let (addr, len) = (base + offset as u64, len as u64);
            run = match run {
                Some((start, end)) if end == addr => Some((start, addr + len)),
                before => {
                    expect(same(before, &mut runs))?;
                    Some((addr, addr + len))
                }
            };
            expect(range.table(offset)?.dma_pages().next() == Some(addr))?;
        }
        expect(same(run, &mut runs) && runs.next().is_none())
    }
}

/// Returns true if the next run is this one, if it is one.
fn same(run: Option<(u64, u64)>, runs: &mut impl Iterator<Item = sgdma::Run>) -> bool {
    run.is_none_or(|(start, end)| {
        runs.next()
            .is_some_and(|run| (run.addr, run.addr + run.len) == (start, end))
    })
}

/// Returns byte `at` of the table that is linked at `offset`.
fn tag(offset: usize, at: usize) -> u8 {
    (offset / PAGE_SIZE * 7 + at % 253) as u8
}

fn tables(dma: DmaDevice<'_>, random: &mut Random) -> Result<KVec<SgTable>> {
    let mut tables = KVec::with_capacity(TABLES, GFP_KERNEL)?;
    for _ in 0..TABLES {
        let len = 1 + random.below(4 * PAGE_SIZE as u64) as usize;
        // Of half of them only the last page may be partial.
        let len = if random.once_in(2) {
            len
        } else {
            len.next_multiple_of(PAGE_SIZE)
        };
        tables.push(SgTable::alloc(len, dma, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    Ok(tables)
}

/// Makes `steps` random calls.
pub(crate) fn run(dma: DmaDevice<'_>, steps: u32) -> Result<Seen> {
    let mut random = Random::new(1);
    let mut model = Model {
        free: KVec::new(),
        pages: [None; PAGES],
        seen: Seen::default(),
    };
    let mut range = None;
    for step in 0..steps {
        if step % LIFE == 0 {
            // What is linked goes with the range.
            range = Some(Iova::reserve(
                dma,
                PAGES * PAGE_SIZE,
                Bidirectional,
                GFP_KERNEL,
            )?);
            model.free = tables(dma, &mut random)?;
            model.pages = [None; PAGES];
        }
        let Some(current) = &mut range else {
            return Err(EDOM);
        };
        let mut offset = random.below(PAGES as u64 + 1) as usize * PAGE_SIZE;
        if random.once_in(50) {
            offset = offset.wrapping_sub(random.below(3 * PAGE_SIZE as u64) as usize);
        }
        match random.below(8) {
            0..=4 => model.link(current, offset)?,
            5..=6 => {
                // Mostly what begins there, or before.
                let linked = model.pages.get(offset / PAGE_SIZE).copied().flatten();
                let offset = match linked {
                    Some((first, _)) if !random.once_in(4) => first * PAGE_SIZE,
                    _ => offset,
                };
                model.unlink(current, offset)?
            }
            _ => {
                model.check(current)?;
                model.seen.submitted += 1;
                range = range
                    .take()
                    .map(Iova::submit)
                    .transpose()?
                    .map(|sent| sent.complete());
            }
        }
    }
    Ok(model.seen)
}
