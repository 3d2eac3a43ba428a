// SPDX-License-Identifier: GPL-2.0

//! The DMA walk: what the device sees of a mapped table.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! Bounded by the `nents` that mapping returned and by `sg_dma_len()`. The CPU's pages are another
//! walk and another type: an IOMMU may have merged entries, so the two do not run in step.
//!
//! All walks are iterators that can be cloned, to go on later from where they are. One that starts
//! at a page offset is the same walk behind `skip`, which takes constant time for each entry.

use crate::walk::{
    blocks::{
        best_block_size,
        fit_blocks, //
    },
    entries::{
        sg_dma_len, //
        Entries,
    },
    frames::{
        FrameWalk,
        ZipRuns, //
    },
    run::{
        Coalesce,
        Run,
        Runs, //
    }, //
};
use core::iter::FusedIterator;
use kernel::{
    bindings,
    dma::DmaAddress,
    page::PAGE_SHIFT,
    prelude::*, //
};

/// A `struct sg_table` in its mapped form: what the device sees of it.
///
/// [`Mapped`](crate::Mapped) lends it; tables that C mapped are taken over by
/// [`from_raw`](Self::from_raw). There is no way to the CPU's pages from here: an imported dma-buf
/// may have none.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaTable, Run};
/// /// Fills the page table of a device with pages as large as the CPU's.
/// fn fill(ptes: &mut [u64], buffer: &DmaTable) {
///     buffer.dma_pages().fill(ptes, |addr| addr | 1);
/// }
///
/// /// The same in a loop, for what is more than an expression.
/// fn fill_by_loop(ptes: &mut [u64], buffer: &DmaTable) {
///     for run in buffer.dma_pages().zip_runs(ptes) {
///         for (addr, pte) in run {
///             *pte = addr | 1;
///         }
///     }
/// }
///
/// /// Fills one of 2 MiB pages; where in the first one the buffer begins.
/// fn fill_large(ptes: &mut [u64], buffer: &DmaTable) -> Result<u64> {
///     let mut blocks = buffer.dma_blocks(2 << 20)?;
///     let offset = blocks.offset();
///     blocks.fill(ptes, |addr| addr | 3);
///     Ok(offset)
/// }
///
/// /// Fills the descriptors of a device that takes an address and a length.
/// fn describe(descriptors: &mut KVec<Run>, buffer: &DmaTable) -> Result {
///     for run in buffer.dma_runs() {
///         descriptors.push(run, GFP_KERNEL)?;
///     }
///     assert!(buffer.dma_runs().count() <= buffer.dma_segments().len());
///     assert_eq!(buffer.dma_segments().len(), buffer.nents());
///     Ok(())
/// }
/// ```
///
/// # Invariants
///
/// Behind a reference, the table is mapped for a device, `sgl` has `nents` mapped entries, and
/// neither is changed or unmapped while the reference lives.
#[repr(transparent)]
pub struct DmaTable(bindings::sg_table);

// SAFETY: By its invariants it is only read.
unsafe impl Send for DmaTable {}
// SAFETY: As for `Send`.
unsafe impl Sync for DmaTable {}

impl DmaTable {
    /// Takes a table that is mapped already, by C code for example.
    ///
    /// # Safety
    ///
    /// During `'a`, `sgt` points to a valid table that is mapped for a device, with `nents` as
    /// mapping returned it, and nobody changes, unmaps or frees it.
    ///
    /// ```
    /// # use sgdma::DmaTable;
    /// /// What C code has given us mapped, such as an imported dma-buf.
    /// ///
    /// /// # Safety
    /// ///
    /// /// `sgt` is mapped for a device as long as the call lasts.
    /// unsafe fn pages(sgt: *const kernel::bindings::sg_table) -> usize {
    ///     // SAFETY: Promised by the caller.
    ///     let table = unsafe { DmaTable::from_raw(sgt) };
    ///     table.dma_pages().count()
    /// }
    /// ```
    pub unsafe fn from_raw<'a>(sgt: *const bindings::sg_table) -> &'a Self {
        // SAFETY: Valid, as the caller promises; the type is transparent.
        // INVARIANT: The caller promises just this.
        unsafe { &*sgt.cast() }
    }

    /// The C structure, for C functions that read it.
    pub fn as_raw(&self) -> *const bindings::sg_table {
        &self.0
    }

    /// Number of entries that mapping made: `sg_table::nents`. An IOMMU may have merged some.
    pub fn nents(&self) -> usize {
        self.0.nents as usize
    }

    /// The mapped entries, one run of bus addresses for each: `for_each_sgtable_dma_sg()`.
    #[inline]
    pub fn dma_segments(&self) -> DmaSegments<'_> {
        // SAFETY: By the type invariants the list has `nents` entries that nobody changes as long
        // as `self` is borrowed.
        DmaSegments(unsafe { Entries::new(self.0.sgl, self.0.nents) })
    }

    /// The runs of bus addresses: entries that continue their neighbour are one.
    #[inline]
    pub fn dma_runs(&self) -> DmaRuns<'_> {
        DmaRuns(Coalesce::new(self.dma_segments()))
    }

    /// The page-aligned bus addresses of all entries: `for_each_sgtable_dma_page()`.
    #[inline]
    pub fn dma_pages(&self) -> DmaPages<'_> {
        DmaPages(FrameWalk::new(self.dma_segments(), PAGE_SHIFT as u32))
    }

    /// The addresses of the blocks of `size` bytes that hold the buffer, `size` being a size of
    /// the device's pages: `rdma_for_each_block()`. It may be smaller or larger than the CPU's.
    ///
    /// The buffer begins [`DmaBlocks::offset`] bytes into the first one.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is no power of two.
    /// - `ERANGE` if the runs are not aligned well enough: a block inside the buffer would hold
    ///   what is not the buffer's.
    pub fn dma_blocks(&self, size: u64) -> Result<DmaBlocks<'_>> {
        if !size.is_power_of_two() {
            return Err(EINVAL);
        }
        if !fit_blocks(self.dma_segments(), size) {
            return Err(ERANGE);
        }
        let first = self.dma_runs().next();
        Ok(DmaBlocks {
            walk: FrameWalk::new(self.dma_runs(), size.trailing_zeros()),
            offset: first.map_or(0, |run| run.addr & (size - 1)),
        })
    }

    /// The best size of blocks for a device that has pages of `sizes`, a bit for each, and finds the
    /// buffer's first byte at its virtual address `va`: `ib_umem_find_best_pgsz()`.
    ///
    /// It is the largest with which the buffer begins as far into its first block as `va` does, and
    /// no larger than makes it one block. [`dma_blocks`](Self::dma_blocks) then has them.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::DmaTable;
    /// /// Describes a memory region to a device with pages of 4 KiB, 64 KiB and 2 MiB.
    /// fn region(list: &mut [u64], buffer: &DmaTable, va: u64) -> Result<u64> {
    ///     let size = buffer.best_block_size(4 << 10 | 64 << 10 | 2 << 20, va)?;
    ///     let blocks = buffer.dma_blocks(size)?;
    ///     assert_eq!(blocks.offset(), va % size);
    ///     for (entry, addr) in list.iter_mut().zip(blocks) {
    ///         *entry = addr | 1;
    ///     }
    ///     Ok(size)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `ERANGE` if none of the sizes is right, as where `va` lies elsewhere in a page than the
    /// buffer, or if the buffer wraps at `va`.
    pub fn best_block_size(&self, sizes: u64, va: u64) -> Result<u64> {
        best_block_size(self.dma_runs(), sizes, va).ok_or(ERANGE)
    }
}

/// See [`DmaTable::dma_segments`].
#[derive(Clone)]
pub struct DmaSegments<'a>(Entries<'a>);

/// What the device sees of an entry.
#[inline]
fn dma_run(sg: &bindings::scatterlist) -> Run {
    Run {
        addr: sg.dma_address,
        len: sg_dma_len(sg),
    }
}

impl Iterator for DmaSegments<'_> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        self.0.next().map(dma_run)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

// SAFETY: As the entries' own does.
unsafe impl Runs for DmaSegments<'_> {
    #[inline]
    fn next_while(&mut self, most: usize, mut take: impl FnMut(Run) -> bool) {
        self.0.next_while(most, |sg| take(dma_run(sg)));
    }
}

impl ExactSizeIterator for DmaSegments<'_> {}
impl FusedIterator for DmaSegments<'_> {}

/// See [`DmaTable::dma_runs`].
#[derive(Clone)]
pub struct DmaRuns<'a>(Coalesce<DmaSegments<'a>>);

impl Iterator for DmaRuns<'_> {
    type Item = Run;

    #[inline]
    fn next(&mut self) -> Option<Run> {
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

// SAFETY: As the walk's own does.
unsafe impl Runs for DmaRuns<'_> {
    #[inline]
    fn next_while(&mut self, most: usize, take: impl FnMut(Run) -> bool) {
        self.0.next_while(most, take);
    }
}

impl FusedIterator for DmaRuns<'_> {}

/// See [`DmaTable::dma_pages`].
///
/// Yields the frames of `PAGE_SIZE` bytes that hold at least one byte of an entry, entry after
/// entry: what a page table is filled with. A run need not begin where its first frame does: a
/// bounce buffer or an IOMMU with smaller pages may put it anywhere in there. A copy engine wants
/// [`DmaRuns`].
#[derive(Clone)]
pub struct DmaPages<'a>(FrameWalk<DmaSegments<'a>>);

/// See [`DmaTable::dma_blocks`].
#[derive(Clone)]
pub struct DmaBlocks<'a> {
    walk: FrameWalk<DmaRuns<'a>>,
    offset: u64,
}

impl DmaBlocks<'_> {
    /// How many bytes into the first block of the table the buffer begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// Walks of frames are [`FrameWalk`]s that hide what they are made of.
macro_rules! frame_walk {
    ($name:ident, $walk:tt, $runs:ident) => {
        impl<'a> $name<'a> {
            /// Sets `slots`, those of a page table for example, to what `encode` makes of the next
            /// addresses; how many of them. The quickest way.
            ///
            /// The walk goes on behind them, with the next page of the page table.
            #[inline]
            pub fn fill<T>(
                &mut self,
                slots: &mut [T],
                encode: impl FnMut(DmaAddress) -> T,
            ) -> usize {
                self.$walk.fill(slots, encode)
            }

            /// The next addresses, each beside one of `slots`, in a loop for each run: nearly as quick
            /// as [`fill`](Self::fill), for a body that does more than to set a slot.
            ///
            /// The walk goes on behind the last run that was given out, whether that was gone through
            /// or not. An empty entry gives an empty run.
            #[inline]
            pub fn zip_runs<'s, T>(&mut self, slots: &'s mut [T]) -> ZipRuns<'_, 's, $runs<'a>, T> {
                self.$walk.zip_runs(slots)
            }
        }

        impl Iterator for $name<'_> {
            type Item = DmaAddress;

            #[inline]
            fn next(&mut self) -> Option<DmaAddress> {
                self.$walk.next()
            }

            #[inline]
            fn nth(&mut self, n: usize) -> Option<DmaAddress> {
                self.$walk.nth(n)
            }

            #[inline]
            fn fold<B, F: FnMut(B, DmaAddress) -> B>(self, init: B, f: F) -> B {
                self.$walk.fold(init, f)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.$walk.size_hint()
            }
        }

        impl FusedIterator for $name<'_> {}
    };
}

frame_walk!(DmaPages, 0, DmaSegments);
frame_walk!(DmaBlocks, walk, DmaRuns);
