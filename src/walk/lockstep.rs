// SPDX-License-Identifier: GPL-2.0

//! The lockstep walk: each page of a mapped table beside its bus address.
//!
//! An IOMMU may merge entries. Entry number `n` then is another part of the buffer in the CPU walk
//! than in the DMA walk. But byte number `n` is the same in both. The lockstep walk has a cursor in
//! each, and moves both by the same number of bytes.

use crate::walk::{
    cpu::{
        CpuPage,
        CpuTable, //
    },
    dma::{
        DmaSegments,
        DmaTable, //
    },
    entries::{
        sg_page, //
        Entries,
    }, //
};
use core::iter::FusedIterator;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SIZE, //
};

/// A part of a mapped table that lies in one page and is contiguous on the bus.
///
/// It is a whole page, unless a segment begins or ends inside the page, or an IOMMU or a bounce
/// buffer has cut the page.
///
/// ```
/// # use kernel::{page::PAGE_SIZE, prelude::*};
/// # use sgdma::{DmaDevice, SgTable, ToDevice};
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let buffer = SgTable::alloc(10 * PAGE_SIZE + 100, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// for (piece, page) in buffer.lockstep().zip(buffer.cpu().cpu_pages()) {
///     pr_debug!("page {:p} has bus address {:#x}\n", piece.page.as_ptr(), piece.dma_address);
///     assert_eq!((piece.page, piece.offset), (page, 0));
/// }
/// let last = buffer.lockstep().last().ok_or(EINVAL)?;
/// assert_eq!(last.len, 100);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The page that holds the piece.
    pub page: CpuPage<'a>,
    /// The offset of the first byte in the page, in bytes.
    pub offset: usize,
    /// The length in bytes; never zero.
    pub len: usize,
    /// The bus address of the first byte.
    pub dma_address: DmaAddress,
}

/// A walk over the pages of a mapped table, each beside its bus address.
///
/// [`Mapped::lockstep`](crate::Mapped::lockstep) returns it. The walk ends as soon as one of the
/// two forms ends.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Lockstep<'a> {
    /// The page of the CPU walk's cursor.
    page: *mut bindings::page,
    /// The offset of this cursor in its page.
    offset: usize,
    /// The bus address of the DMA walk's cursor.
    dma_address: DmaAddress,
    /// The number of bytes that both cursors can go before one reaches the end of its entry.
    span: usize,
    /// The number of bytes behind the span in the CPU walk's entry.
    cpu_left: usize,
    /// The number of bytes behind the span in the DMA walk's entry.
    dma_left: usize,
    entries: Entries<'a>,
    segments: DmaSegments<'a>,
}

// SAFETY: The walk only names pages, like `CpuPage`, and its entries are `Send`.
unsafe impl Send for Lockstep<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for Lockstep<'_> {}

impl<'a> Lockstep<'a> {
    /// Walks over the two forms of one table, for example of one that C code has made and mapped.
    ///
    /// Both references must be to the same table. Otherwise the result is meaningless.
    pub fn new(cpu: &'a CpuTable, dma: &'a DmaTable) -> Self {
        Self {
            page: core::ptr::null_mut(),
            offset: 0,
            dma_address: 0,
            span: 0,
            cpu_left: 0,
            dma_left: 0,
            entries: cpu.entries(),
            segments: dma.dma_segments(),
        }
    }

    /// Begins the next span: each cursor at the end of its entry goes to the next entry.
    /// Returns `None` if there is none.
    #[inline]
    fn next_span(&mut self) -> Option<()> {
        while self.cpu_left == 0 {
            let sg = self.entries.next()?;
            let offset = sg.offset as usize;
            self.page = sg_page(sg).wrapping_add(offset / PAGE_SIZE);
            self.offset = offset % PAGE_SIZE;
            self.cpu_left = sg.length as usize;
        }
        while self.dma_left == 0 {
            let run = self.segments.next()?;
            self.dma_address = run.addr;
            self.dma_left = run.len as usize;
        }
        self.span = self.cpu_left.min(self.dma_left);
        self.cpu_left -= self.span;
        self.dma_left -= self.span;
        Some(())
    }
}

impl<'a> Iterator for Lockstep<'a> {
    type Item = Piece<'a>;

    #[inline]
    fn next(&mut self) -> Option<Piece<'a>> {
        // Most pieces are whole pages. Only the first piece of a span may begin inside a page, and
        // the code below takes that piece. If a page or more is left then, `offset` is zero.
        if self.span >= PAGE_SIZE {
            let piece = Piece {
                page: CpuPage::new(self.page),
                offset: 0,
                len: PAGE_SIZE,
                dma_address: self.dma_address,
            };
            self.span -= PAGE_SIZE;
            self.page = self.page.wrapping_add(1);
            self.dma_address = self.dma_address.wrapping_add(PAGE_SIZE as DmaAddress);
            return Some(piece);
        }
        if self.span == 0 {
            self.next_span()?;
        }
        let piece = Piece {
            page: CpuPage::new(self.page),
            offset: self.offset,
            len: self.span.min(PAGE_SIZE - self.offset),
            dma_address: self.dma_address,
        };
        self.span -= piece.len;
        self.offset += piece.len;
        if self.offset == PAGE_SIZE {
            self.page = self.page.wrapping_add(1);
            self.offset = 0;
        }
        // Wraps only behind the last byte of the address space. Nothing is left then.
        self.dma_address = self.dma_address.wrapping_add(piece.len as DmaAddress);
        Some(piece)
    }
}

// `next()` continues to return `None`, because both `Entries` and `DmaSegments` are fused.
impl FusedIterator for Lockstep<'_> {}
