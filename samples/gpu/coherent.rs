// SPDX-License-Identifier: GPL-2.0

//! An object's memory in mode `Coherent`: coherent allocations, which both sides use at any time.

use crate::{
    common::table::Blocks,
    mob::GPU_PAGE, //
};
use core::mem;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    dma::{
        Coherent,
        DmaAddress, //
    },
    prelude::*, //
};
use sgdma::DmaDevice;

/// The size of a piece. Pieces of 64 KiB are easier to get than one large allocation.
const PIECE: usize = 16 * GPU_PAGE;
const WORD: usize = size_of::<u64>();

/// Coherent memory in pieces, each of `PIECE` bytes but the last, which may be smaller.
pub(crate) struct CoherentMemory {
    /// Empty once the memory was leaked.
    pieces: KVVec<Coherent<[u64]>>,
}

impl CoherentMemory {
    pub(crate) fn new(size: usize, dma: DmaDevice<'_>) -> Result<Self> {
        let mut pieces = KVVec::with_capacity(size.div_ceil(PIECE), GFP_KERNEL_ACCOUNT)?;
        for at in (0..size).step_by(PIECE) {
            let words = PIECE.min(size - at) / WORD;
            let gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
            let piece = Coherent::zeroed_slice(dma.device(), words, gfp)?;
            pieces.push(piece, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(Self { pieces })
    }

    /// Returns the number of pieces. Zero if the memory was leaked.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Returns the addresses of the device's pages.
    pub(crate) fn pages(&self) -> CoherentPages<'_> {
        CoherentPages {
            pieces: &self.pieces,
            at: 0,
        }
    }

    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) -> Result {
        for (i, byte) in (offset..).zip(bytes) {
            let piece = self.pieces.get(i / PIECE).ok_or(EIO)?;
            let word = sgdma::dma_read!(*piece, [try: i % PIECE / WORD]);
            *byte = word.to_ne_bytes()[i % WORD];
        }
        Ok(())
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result {
        for (i, byte) in (offset..).zip(bytes) {
            let (piece, at) = (self.pieces.get(i / PIECE).ok_or(EIO)?, i % PIECE / WORD);
            let mut word = sgdma::dma_read!(*piece, [try: at]).to_ne_bytes();
            word[i % WORD] = *byte;
            sgdma::dma_write!(*piece, [try: at], u64::from_ne_bytes(word));
        }
        Ok(())
    }

    /// Leaks the memory to a device that does not answer, and may still be using the memory.
    pub(crate) fn leak(&mut self) {
        mem::forget(mem::take(&mut self.pieces));
    }
}

/// The addresses of coherent memory's pages. See [`CoherentMemory::pages`].
pub(crate) struct CoherentPages<'a> {
    pieces: &'a [Coherent<[u64]>],
    /// The offset of the next page in the first of `pieces`.
    at: usize,
}

impl Blocks for CoherentPages<'_> {
    fn first(&self) -> Option<DmaAddress> {
        let piece = self.pieces.first()?;
        Some(sgdma::dma_address(piece) + self.at as DmaAddress)
    }

    /// Writes the pages of one piece after the other: within a piece an address follows from the
    /// one before.
    fn fill<T>(&mut self, slots: &mut [T], mut encode: impl FnMut(DmaAddress) -> T) -> usize {
        let mut used = 0;
        while let (Some(start), Some(piece)) = (self.first(), self.pieces.first()) {
            let left = (piece.size() - self.at) / GPU_PAGE;
            let rest = &mut slots[used..];
            let n = left.min(rest.len());
            for (slot, addr) in rest.iter_mut().zip((start..).step_by(GPU_PAGE)).take(n) {
                *slot = encode(addr);
            }
            used += n;
            if n < left {
                self.at += n * GPU_PAGE;
                break;
            }
            self.pieces = &self.pieces[1..];
            self.at = 0;
        }
        used
    }
}
