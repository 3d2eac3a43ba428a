// SPDX-License-Identifier: GPL-2.0

//! The lockstep walk: each CPU page beside its bus address.
//!
//! An IOMMU merges entries, so the two walks of a mapped table do not run in step by entries. They
//! do by bytes: this is a cursor in each.

use crate::{
    cpu_walk::CpuPage,
    dma_walk::DmaSegments,
    frames::Run,
    scatterlist::{
        sg_page,
        Entries, //
    },
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
    entries: Entries<'a>,
    // What is left of the entry the CPU's cursor is in.
    first: *mut bindings::page,
    offset: usize,
    left: usize,
    segments: DmaSegments<'a>,
    // What is left of the segment the device's cursor is in.
    run: Run,
}

// SAFETY: The pages are only told, see `CpuPage`.
unsafe impl Send for Lockstep<'_> {}
// SAFETY: As for `Send`.
unsafe impl Sync for Lockstep<'_> {}

impl<'a> Lockstep<'a> {
    pub(crate) fn new(entries: Entries<'a>, segments: DmaSegments<'a>) -> Self {
        Self {
            entries,
            first: core::ptr::null_mut(),
            offset: 0,
            left: 0,
            segments,
            run: Run { addr: 0, len: 0 },
        }
    }
}

impl<'a> Iterator for Lockstep<'a> {
    type Item = Piece<'a>;

    #[inline]
    fn next(&mut self) -> Option<Piece<'a>> {
        while self.left == 0 {
            let sg = self.entries.next()?;
            (self.first, self.offset, self.left) =
                (sg_page(sg), sg.offset as usize, sg.length as usize);
        }
        while self.run.len == 0 {
            self.run = self.segments.next()?;
        }

        let offset = self.offset % PAGE_SIZE;
        let page = self.first.wrapping_add(self.offset / PAGE_SIZE);
        let len = (PAGE_SIZE - offset)
            .min(self.left)
            .min(usize::try_from(self.run.len).unwrap_or(usize::MAX));
        let dma_address = self.run.addr;

        self.offset += len;
        self.left -= len;
        // Wraps only behind the last byte of the address space, when nothing is left.
        self.run.addr = self.run.addr.wrapping_add(len as u64);
        self.run.len -= len as u64;
        Some(Piece {
            page: CpuPage::new(page),
            offset,
            len,
            dma_address,
        })
    }
}

// Once one cursor is at its end, it stays there.
impl FusedIterator for Lockstep<'_> {}
