// SPDX-License-Identifier: GPL-2.0

//! The lockstep walk: each CPU page beside its bus address.
//!
//! An IOMMU merges entries, so the two walks of a mapped table do not run in step by entries. They
//! do by bytes: this is a cursor in each.

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

/// A piece of a mapped table that lies in one page and is contiguous on the bus.
///
/// In a table of whole pages that no IOMMU page or bounce buffer cuts, it is a whole page.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Direction, Mapped};
/// fn show<D: Direction>(buffer: &Mapped<'_, D>) {
///     for piece in buffer.lockstep() {
///         let page = piece.page.as_ptr();
///         pr_info!("{:p}+{} is {:#x}, {} bytes\n", page, piece.offset, piece.dma_address, piece.len);
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The page it lies in.
    pub page: CpuPage<'a>,
    /// Where in that page it begins, in bytes.
    pub offset: usize,
    /// How long it is, in bytes; never zero.
    pub len: usize,
    /// The bus address of its first byte.
    pub dma_address: DmaAddress,
}

/// See [`Mapped::lockstep`](crate::Mapped::lockstep).
#[derive(Clone)]
pub struct Lockstep<'a> {
    // Where the CPU's cursor is.
    page: *mut bindings::page,
    offset: usize,
    // Where the device's is.
    dma_address: DmaAddress,
    // How far both can go before one gets to the end of its entry; and what that leaves of each.
    span: usize,
    cpu_left: usize,
    dma_left: usize,
    entries: Entries<'a>,
    segments: DmaSegments<'a>,
}

// SAFETY: The pages are only told, see `CpuPage`.
unsafe impl Send for Lockstep<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for Lockstep<'_> {}

impl<'a> Lockstep<'a> {
    /// Walks the two forms of one table, which C has made and mapped for example.
    ///
    /// Of two tables it tells nothing that means something.
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

    /// Goes to the next entry in each list that is at the end of one.
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
        // Most pieces are whole pages. Only the first of a span may begin within one, and that is
        // told by who starts the span, below.
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
        // Wraps only behind the last byte of the address space, when nothing is left.
        self.dma_address = self.dma_address.wrapping_add(piece.len as DmaAddress);
        Some(piece)
    }
}

// Once one cursor is at its end, it stays there.
impl FusedIterator for Lockstep<'_> {}
