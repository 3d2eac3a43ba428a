// SPDX-License-Identifier: GPL-2.0

//! Page-buffer lists: what bnxt_re calls a PBL, and the device's way through it.
//!
//! An entry is the bus address of a block, or of a page of entries, and a bit that says that it is
//! one. At level 0 the root is a page of entries for the region's blocks, at level 1 a page of
//! entries for such pages. The list is a buffer of its own, which the device reads.

use crate::{
    edu,
    RdmaData, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    DmaBlocks,
    DmaDevice,
    DmaTable,
    InFlight,
    Mapped,
    SgTable,
    ToDevice, //
};

/// A list's pages, in bytes, whatever those of the CPU are.
pub(crate) const PBL_PAGE: usize = 4096;
const ENTRY: usize = size_of::<u64>();
const PER_PAGE: usize = PBL_PAGE / ENTRY;

/// What blocks the device takes: 4 KiB, 64 KiB, 2 MiB and 1 GiB.
const BLOCK_SIZES: u64 = 4 << 10 | 64 << 10 | 2 << 20 | 1 << 30;

/// Marks an entry that says something.
const VALID: u64 = 1;

pub(crate) struct Pbl<'bound> {
    pub(crate) block_size: u64,
    pub(crate) blocks: usize,
    pub(crate) level: usize,
    /// How far into the first block the region begins.
    offset: u64,
    root: DmaAddress,
    /// The lowest first.
    tables: KVec<InFlight<Mapped<'bound, ToDevice>>>,
}

impl<'bound> Pbl<'bound> {
    /// Lists the blocks of `memory`, whose first byte is at `iova`, in up to `max_level`.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        memory: &DmaTable,
        iova: u64,
        max_level: usize,
    ) -> Result<Self> {
        let block_size = memory.best_block_size(BLOCK_SIZES, iova)?;
        let mut addrs = memory.dma_blocks(block_size)?;
        let blocks = addrs.clone().count();
        let level = usize::from(blocks > PER_PAGE);
        if level > max_level || blocks > PER_PAGE * PER_PAGE {
            return Err(E2BIG);
        }
        let mut pbl = Self {
            block_size,
            blocks,
            level,
            offset: addrs.offset(),
            root: 0,
            tables: KVec::with_capacity(2, GFP_KERNEL_ACCOUNT)?,
        };
        match pbl.build(dma, &mut addrs) {
            Ok(()) => Ok(pbl),
            Err(error) => {
                pbl.retire();
                Err(error)
            }
        }
    }

    /// Adds a level of tables after the other, until one page is all.
    fn build(&mut self, dma: DmaDevice<'bound>, blocks: &mut DmaBlocks<'_>) -> Result {
        let mut count = self.blocks;
        for _ in 0..=self.level {
            count = count.div_ceil(PER_PAGE);
            let mut table = SgTable::alloc(count * PBL_PAGE, dma, GFP_KERNEL_ACCOUNT)?;
            match self.tables.last() {
                None => fill(&mut table, blocks)?,
                Some(lower) => fill(&mut table, &mut lower.dma_blocks(PBL_PAGE as u64)?)?,
            }
            let table = table.map(dma, ToDevice)?;
            self.root = table.dma_blocks(PBL_PAGE as u64)?.next().ok_or(EINVAL)?;
            // There is room, so it is not lost here, in flight.
            self.tables.push(table.submit(), GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// How many pages of 4 KiB it is.
    pub(crate) fn pages(&self) -> usize {
        self.tables.iter().map(|table| table.len() / PBL_PAGE).sum()
    }

    /// The device has no use for the list any more: it is not at it.
    pub(crate) fn retire(self) {
        for table in self.tables {
            drop(table.complete());
        }
    }
}

/// Fills a list's pages, one after the other, with entries.
fn fill(table: &mut SgTable, addrs: &mut DmaBlocks<'_>) -> Result {
    let mut page = KVec::from_elem(0u64, PER_PAGE, GFP_KERNEL)?;
    for at in (0..table.len()).step_by(PBL_PAGE) {
        let used = addrs.fill(&mut page, |addr| (addr | VALID).to_le());
        page[used..].fill(0);
        table.copy_from_slice(at, page.as_bytes())?;
    }
    Ok(())
}

/// The device's way through a list: what it reads there decides where it goes.
struct Walk<'a, 'bound> {
    rdma: &'a RdmaData<'bound>,
    pbl: &'a Pbl<'bound>,
    /// For each level, the part of the list that was read last, and its address.
    read: [Option<(DmaAddress, KVec<u8>)>; 2],
}

impl Walk<'_, '_> {
    /// The bus address of the region's block `n`.
    fn block(&mut self, n: usize) -> Result<DmaAddress> {
        let mut addr = self.pbl.root;
        for level in (0..=self.pbl.level).rev() {
            let index = match level {
                0 => n % PER_PAGE,
                _ => n / PER_PAGE,
            };
            addr = self.entry(level, addr, index)?;
        }
        Ok(addr)
    }

    /// What entry `index` of the list's page at `page` says.
    fn entry(&mut self, level: usize, page: DmaAddress, index: usize) -> Result<DmaAddress> {
        let (part, at) = (index * ENTRY / edu::CHUNK, index * ENTRY % edu::CHUNK);
        let addr = page + (part * edu::CHUNK) as DmaAddress;
        let read = &mut self.read[level];
        if read.as_ref().is_none_or(|(of, _)| *of != addr) {
            let mut part = KVec::from_elem(0u8, edu::CHUNK, GFP_KERNEL)?;
            self.rdma.fetch(addr, &mut part)?;
            *read = Some((addr, part));
        }
        let Some((_, part)) = read else {
            return Err(EINVAL);
        };
        let mut entry = [0; ENTRY];
        entry.copy_from_slice(&part[at..at + ENTRY]);
        match u64::from_le_bytes(entry) {
            entry if entry & VALID != 0 => Ok(entry & !VALID),
            _ => Err(EIO),
        }
    }
}

impl<'bound> RdmaData<'bound> {
    /// Has the device read `part` from byte `at` of a region on, by its list.
    pub(crate) fn read(&self, pbl: &Pbl<'bound>, at: usize, mut part: &mut [u8]) -> Result {
        self.by_list(pbl, at, part.len(), |addr, len| {
            let (piece, rest) = core::mem::take(&mut part).split_at_mut(len);
            part = rest;
            self.fetch(addr, piece)
        })
    }

    /// Has the device write `part` to byte `at` of a region and on, by its list.
    pub(crate) fn write(&self, pbl: &Pbl<'bound>, at: usize, mut part: &[u8]) -> Result {
        self.by_list(pbl, at, part.len(), |addr, len| {
            let piece;
            (piece, part) = part.split_at(len);
            self.engine.store(self.dma, addr, piece)
        })
    }

    /// Has the device go to each piece of `len` bytes from byte `at` of a region on: `go` is told
    /// the piece's bus address and its length.
    fn by_list(
        &self,
        pbl: &Pbl<'bound>,
        at: usize,
        len: usize,
        mut go: impl FnMut(DmaAddress, usize) -> Result,
    ) -> Result {
        let mut walk = Walk {
            rdma: self,
            pbl,
            read: [None, None],
        };
        let (mut at, mut left) = (pbl.offset + at as u64, len);
        while left > 0 {
            let block = walk.block((at / pbl.block_size) as usize)?;
            let within = at % pbl.block_size;
            let room = (pbl.block_size - within).min(edu::CHUNK as u64);
            let n = left.min(room as usize);
            go(block + within, n)?;
            at += n as u64;
            left -= n;
        }
        Ok(())
    }

    /// Has the device read `bytes` at `addr`, and shows what it has read.
    fn fetch(&self, addr: DmaAddress, bytes: &mut [u8]) -> Result {
        self.engine.fetch(self.dma, addr, bytes)
    }
}
