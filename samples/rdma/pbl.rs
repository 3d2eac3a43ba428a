// SPDX-License-Identifier: GPL-2.0

//! Page-buffer lists: bnxt_re calls one a PBL.
//!
//! An entry is the bus address of a block, or of a page of entries, and a bit that says that the
//! entry is valid. At level 0 the root is a page of entries for the region's blocks, at level 1 a
//! page of entries for such pages. `../common/table.rs` builds the lists and follows them.

use crate::{
    common::{
        edu::CHUNK,
        table::{
            Entry,
            Tables,
            Walk,
            TABLE_PAGE, //
        },
    },
    RdmaData, //
};
use core::mem;
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    DmaTable, //
};

/// The size of a list's page in bytes, whatever the size of the CPU's pages.
pub(crate) const PBL_PAGE: usize = TABLE_PAGE;

/// The block sizes that the device takes: 4 KiB, 64 KiB, 2 MiB and 1 GiB.
const BLOCK_SIZES: u64 = 4 << 10 | 64 << 10 | 2 << 20 | 1 << 30;

/// An entry of a list: an address and the bit `VALID`, little endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, zerocopy_derive::Immutable)]
#[repr(transparent)]
struct PblEntry(u64);

impl PblEntry {
    const VALID: u64 = 1;
}

impl Entry for PblEntry {
    const MAX: DmaAddress = DmaAddress::MAX;

    fn from_address(addr: DmaAddress) -> Self {
        Self((addr | Self::VALID).to_le())
    }

    fn address(self) -> Result<DmaAddress> {
        let entry = u64::from_le(self.0);
        if entry & Self::VALID == 0 {
            return Err(EIO);
        }
        Ok(entry & !Self::VALID)
    }
}

/// The list of a region.
pub(crate) struct Pbl<'bound> {
    pub(crate) block_size: u64,
    pub(crate) blocks: usize,
    /// The offset of the region in its first block.
    offset: u64,
    pub(crate) tables: Tables<'bound>,
}

impl<'bound> Pbl<'bound> {
    /// Lists the blocks of `memory`, whose user has the first byte at `iova`, in a list of at most
    /// level `max_level`.
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        memory: &DmaTable,
        iova: u64,
        max_level: usize,
    ) -> Result<Self> {
        let block_size = memory.best_block_size(BLOCK_SIZES, iova)?;
        let addrs = memory.dma_blocks(block_size)?;
        let blocks = addrs.clone().count();
        let level = usize::from(blocks > PblEntry::PER_PAGE);
        if level > max_level || blocks > PblEntry::PER_PAGE * PblEntry::PER_PAGE {
            return Err(E2BIG);
        }
        Ok(Self {
            block_size,
            blocks,
            offset: addrs.offset(),
            tables: Tables::build::<PblEntry>(dma, addrs, blocks, level + 1)?,
        })
    }

    pub(crate) fn level(&self) -> usize {
        self.tables.levels() - 1
    }
}

impl<'bound> RdmaData<'bound> {
    /// Makes the device read into `part` from byte `at` of a region on. The device finds the
    /// region's blocks by the list.
    pub(crate) fn read(&self, pbl: &Pbl<'bound>, at: usize, mut part: &mut [u8]) -> Result {
        self.by_list(pbl, at, part.len(), |addr, len| {
            let (piece, rest) = mem::take(&mut part).split_at_mut(len);
            part = rest;
            self.engine.fetch(addr, piece)
        })
    }

    /// Makes the device write `part` to a region, from byte `at` of the region on. The device finds
    /// the region's blocks by the list.
    pub(crate) fn write(&self, pbl: &Pbl<'bound>, at: usize, mut part: &[u8]) -> Result {
        self.by_list(pbl, at, part.len(), |addr, len| {
            let piece;
            (piece, part) = part.split_at(len);
            self.engine.store(addr, piece)
        })
    }

    /// Makes the device find the `len` bytes at byte `at` of a region. Calls `go` with the address
    /// and the length of each piece that the device can move at once.
    fn by_list(
        &self,
        pbl: &Pbl<'bound>,
        at: usize,
        len: usize,
        mut go: impl FnMut(DmaAddress, usize) -> Result,
    ) -> Result {
        let mut walk = Walk::new(&self.engine, &pbl.tables);
        let (mut at, mut left) = (pbl.offset + at as u64, len);
        while left > 0 {
            let block = walk.block((at / pbl.block_size) as usize)?;
            let within = at % pbl.block_size;
            let room = (pbl.block_size - within).min(CHUNK as u64);
            let n = left.min(room as usize);
            go(block + within, n)?;
            at += n as u64;
            left -= n;
        }
        Ok(())
    }
}
