// SPDX-License-Identifier: GPL-2.0

//! The DMA walk: the bus addresses of a mapped table.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! The walk ends after the `nents` entries that mapping returned, and takes `sg_dma_address()` and
//! `sg_dma_len()` of each. It does not read pages: see [`CpuTable`](crate::CpuTable) for these. An
//! IOMMU may have merged entries, so entry number `n` is another part of the buffer in each walk.
//!
//! A [`DmaTable`] has four walks: over entries, over runs, over pages, and over blocks. All are
//! iterators. A driver can keep one, or clone it, to continue later. To begin at a page offset, it
//! uses `skip`, which takes constant time for each entry.

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
        Slots,
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

/// The mapped form of a `struct sg_table`: its bus addresses.
///
/// A [`Mapped`](crate::Mapped) table dereferences to this form. [`from_raw`](Self::from_raw) lends
/// it of a table that C code has mapped. A `DmaTable` does not lead to pages, because an imported
/// dma-buf may have none. Its methods do not sleep.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, DmaTable, Run, SgTable, ToDevice};
/// /// Fills the page table of a device whose pages have the size of the CPU's.
/// fn fill(ptes: &mut [u64], buffer: &DmaTable) {
///     buffer.dma_pages().fill(ptes, |addr| addr | 1);
/// }
///
/// /// Does the same in a loop, whose body may be more than one expression.
/// fn fill_by_loop(ptes: &mut [u64], buffer: &DmaTable) {
///     for run in buffer.dma_pages().zip_runs(ptes) {
///         for (addr, pte) in run {
///             *pte = addr | 1;
///         }
///     }
/// }
///
/// /// Fills a page table of 2 KiB pages. Returns the offset of the buffer in the first page.
/// fn fill_small(ptes: &mut [u64], buffer: &DmaTable) -> Result<u64> {
///     let mut blocks = buffer.dma_blocks(2 << 10)?;
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
///     Ok(())
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let buffer = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
/// assert_eq!(buffer.dma_segments().len(), buffer.nents());
///
/// let mut descriptors = KVec::new();
/// describe(&mut descriptors, &buffer)?;
/// assert!(descriptors.len() <= buffer.nents());
/// assert_eq!(descriptors.iter().map(|run| run.len).sum::<u64>(), 1 << 18);
///
/// let mut ptes = KVec::from_elem(0, buffer.dma_pages().count(), GFP_KERNEL)?;
/// fill(&mut ptes, &buffer);
/// assert!(buffer.dma_pages().eq(ptes.iter().map(|pte| pte & !1)));
/// # let by_fill = ptes.iter().sum::<u64>();
/// fill_by_loop(&mut ptes, &buffer);
/// # assert_eq!(ptes.iter().sum::<u64>(), by_fill);
///
/// let mut ptes = [0; 128];
/// assert_eq!(fill_small(&mut ptes, &buffer)?, 0);
/// assert!(ptes.iter().all(|pte| pte % 2048 == 3));
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// While a reference to it lives, the table is mapped for a device, `sgl` has `nents` mapped
/// entries, and nobody unmaps the table, or changes the structure or a DMA field of an entry.
#[repr(transparent)]
#[doc(alias = "sg_table")]
pub struct DmaTable(bindings::sg_table);

// SAFETY: A reference only permits reading, and by the type invariants nobody changes the fields
// that are read.
unsafe impl Send for DmaTable {}
// SAFETY: As for `Send`.
unsafe impl Sync for DmaTable {}

impl DmaTable {
    /// Returns the mapped form of a table that somebody else has mapped, C code for example.
    ///
    /// # Safety
    ///
    /// During `'a`:
    ///
    /// - `sgt` points to a valid table that is mapped for a device, with `nents` as mapping
    ///   returned it.
    /// - Nobody changes, unmaps or frees the structure or its entries.
    ///
    /// ```
    /// # use sgdma::DmaTable;
    /// /// Counts the pages of a table that C code has mapped, such as an imported dma-buf.
    /// ///
    /// /// # Safety
    /// ///
    /// /// During the call, `sgt` is mapped for a device, and nobody changes, unmaps or frees it.
    /// unsafe fn pages(sgt: *const kernel::bindings::sg_table) -> usize {
    ///     // SAFETY: The reference is used during the call only, while `sgt` is mapped and nobody
    ///     // changes, unmaps or frees it.
    ///     let table = unsafe { DmaTable::from_raw(sgt) };
    ///     table.dma_pages().count()
    /// }
    /// ```
    pub unsafe fn from_raw<'a>(sgt: *const bindings::sg_table) -> &'a Self {
        // SAFETY:
        // - `sgt` is valid for reading during `'a`, and `DmaTable` has the layout of `sg_table`.
        // - Nobody changes the structure during `'a`, as a shared reference requires.
        // INVARIANT: By the requirements of this function, the table is mapped, and nobody changes
        // or unmaps it during `'a`.
        unsafe { &*sgt.cast() }
    }

    /// Returns the C structure, for C functions that only read it.
    pub fn as_raw(&self) -> *const bindings::sg_table {
        &self.0
    }

    /// Returns the number of entries after mapping: `sg_table::nents`.
    ///
    /// It is less than [`CpuTable::orig_nents`](crate::CpuTable::orig_nents) if an IOMMU has merged
    /// segments.
    pub fn nents(&self) -> usize {
        self.0.nents as usize
    }

    /// Returns a walk over the mapped entries, which yields a run of bus addresses for each:
    /// `for_each_sgtable_dma_sg()`.
    #[doc(alias = "for_each_sgtable_dma_sg")]
    #[doc(alias = "sg_dma_address")]
    #[doc(alias = "sg_dma_len")]
    #[inline]
    pub fn dma_segments(&self) -> DmaSegments<'_> {
        // SAFETY: By the type invariants `sgl` has `nents` entries, and nobody changes them while
        // `self` is borrowed, which is the lifetime of the result.
        DmaSegments(unsafe { Entries::new(self.0.sgl, self.0.nents) })
    }

    /// Returns a walk over the runs of bus addresses. An entry that continues the one before is in
    /// the same run.
    ///
    /// It suits a copy engine whose descriptors have an address and a length.
    #[inline]
    pub fn dma_runs(&self) -> DmaRuns<'_> {
        DmaRuns(Coalesce::new(self.dma_segments()))
    }

    /// Returns a walk over the page-aligned bus addresses of all entries:
    /// `for_each_sgtable_dma_page()`.
    #[doc(alias = "for_each_sgtable_dma_page")]
    #[doc(alias = "sg_dma_page_iter")]
    #[inline]
    pub fn dma_pages(&self) -> DmaPages<'_> {
        DmaPages {
            walk: FrameWalk::new(self.dma_segments(), PAGE_SHIFT as u32),
        }
    }

    /// Returns a walk over the addresses of the blocks of `size` bytes that hold the buffer:
    /// `rdma_for_each_block()`.
    ///
    /// `size` is a size of the device's pages in bytes. It may be smaller or larger than
    /// `PAGE_SIZE`. The buffer begins [`DmaBlocks::offset`] bytes into the first block.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is not a power of two.
    /// - `ERANGE` if a run begins or ends elsewhere than at a multiple of `size`, unless that is an
    ///   end of the buffer: a block would then hold other bytes between those of the buffer.
    #[doc(alias = "rdma_for_each_block")]
    #[doc(alias = "rdma_umem_for_each_dma_block")]
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

    /// Returns the best size of blocks for a device, in bytes: `ib_umem_find_best_pgsz()`.
    ///
    /// - `sizes` has a bit for each size of pages that the device supports: `4 << 10` for 4 KiB.
    /// - `va` is the address at which users of the device find the buffer's first byte.
    ///
    /// The result is the largest of `sizes` for which `va` and the buffer begin at the same offset
    /// in a block, and for which [`dma_blocks`](Self::dma_blocks) succeeds. It is not larger than
    /// the smallest one with which the buffer is one block.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{DmaDevice, DmaTable, SgTable, ToDevice};
    /// /// Describes a memory region to a device with pages of 4 KiB, 64 KiB and 2 MiB.
    /// fn region(list: &mut [u64], buffer: &DmaTable, va: u64) -> Result<u64> {
    ///     let size = buffer.best_block_size(4 << 10 | 64 << 10 | 2 << 20, va)?;
    ///     let blocks = buffer.dma_blocks(size)?;
    ///     assert_eq!(blocks.offset(), va & (size - 1));
    ///     for (entry, addr) in list.iter_mut().zip(blocks) {
    ///         *entry = addr | 1;
    ///     }
    ///     Ok(size)
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// let buffer = SgTable::alloc(1 << 18, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
    /// let mut list = [0; 64];
    /// let size = region(&mut list, &buffer, 0x7000_0000)?;
    /// assert!(size >= 4 << 10);
    /// assert_eq!(list[0], buffer.dma_pages().next().ok_or(EINVAL)? | 1);
    /// // The buffer begins at another offset in its page.
    /// assert_eq!(region(&mut list, &buffer, 0x7000_0200), Err(ERANGE));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `ERANGE` if none of `sizes` fits: for example if `va` has another offset in a page than the
    /// buffer. Also if the buffer, placed at `va`, wraps around the end of the address space.
    #[doc(alias = "ib_umem_find_best_pgsz")]
    pub fn best_block_size(&self, sizes: u64, va: u64) -> Result<u64> {
        best_block_size(self.dma_runs(), sizes, va).ok_or(ERANGE)
    }
}

/// A walk over the mapped entries of a table, which [`DmaTable::dma_segments`] returns.
///
/// It yields the run of each entry, empty ones included.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct DmaSegments<'a>(Entries<'a>);

/// Returns the bus addresses of a mapped entry.
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

// SAFETY: `Entries::next_while()` calls its closure at most `most` times, and the closure calls
// `take` once.
unsafe impl Runs for DmaSegments<'_> {
    #[inline]
    fn next_while(&mut self, most: usize, mut take: impl FnMut(Run) -> bool) {
        self.0.next_while(most, |sg| take(dma_run(sg)));
    }
}

impl ExactSizeIterator for DmaSegments<'_> {}
impl FusedIterator for DmaSegments<'_> {}

/// A walk over the runs of a mapped table, which [`DmaTable::dma_runs`] returns.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
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

// SAFETY: `Coalesce` implements `Runs`, so its `next_while()` calls `take` at most `most` times.
unsafe impl Runs for DmaRuns<'_> {
    #[inline]
    fn next_while(&mut self, most: usize, take: impl FnMut(Run) -> bool) {
        self.0.next_while(most, take);
    }
}

impl FusedIterator for DmaRuns<'_> {}

/// A walk over the page-aligned bus addresses of a mapped table, which [`DmaTable::dma_pages`]
/// returns.
///
/// It yields the address of each frame of `PAGE_SIZE` bytes that holds at least one byte of an
/// entry, entry after entry. A page table has a slot for each of these. An entry may begin in the
/// middle of its first frame, for example in a bounce buffer. A copy engine therefore takes
/// [`DmaRuns`].
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct DmaPages<'a> {
    walk: FrameWalk<DmaSegments<'a>>,
}

/// A walk over the block addresses of a mapped table, which [`DmaTable::dma_blocks`] returns.
#[derive(Clone)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct DmaBlocks<'a> {
    walk: FrameWalk<DmaRuns<'a>>,
    offset: u64,
}

impl DmaBlocks<'_> {
    /// Returns the offset of the buffer's first byte in the first block of the table, in bytes:
    /// `ib_umem_dma_offset()`.
    ///
    /// It stays the same as the walk goes on.
    #[doc(alias = "ib_umem_dma_offset")]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

/// A walk over the addresses of frames, by which [`Words::fill`](crate::Words::fill) fills memory:
/// [`DmaPages`] or [`DmaBlocks`].
///
/// No other type can implement it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaFrames, Words};
/// /// Fills one page of a page table, and returns how many entries are in it.
/// fn table_page(page: &impl Words, walk: &mut impl DmaFrames) -> Result<usize> {
///     page.fill(0..4096, walk, |addr| (addr | 1).to_le())
/// }
/// ```
pub trait DmaFrames: private::Frames {}

pub(crate) mod private {
    use crate::walk::frames::Slots;
    use kernel::dma::DmaAddress;

    /// A driver cannot name this trait, but its generic code can call what is in it.
    pub trait Frames {
        /// Sets each slot to `encode(addr)`, for the next addresses. Returns the number of slots
        /// set, which is less than `slots.len()` only if the walk has ended.
        fn fill_slots<S: Slots>(
            &mut self,
            slots: S,
            encode: impl FnMut(DmaAddress) -> S::Slot,
        ) -> usize;
    }
}

/// Implements a public walk, `$name`, by its private field `walk`: a [`FrameWalk`] over `$runs`.
macro_rules! frame_walk {
    ($name:ident, $runs:ident) => {
        impl<'a> $name<'a> {
            /// Writes `encode(addr)` to each of `slots`, for the next addresses. Returns the number
            /// of slots written, which is less than `slots.len()` only if the walk has ended.
            ///
            /// The next call continues with the next address, to fill the next page of a page
            /// table. `fill` is the fastest way through a walk.
            #[inline]
            pub fn fill<T>(
                &mut self,
                slots: &mut [T],
                encode: impl FnMut(DmaAddress) -> T,
            ) -> usize {
                self.walk.fill(slots, encode)
            }

            /// Returns the next addresses, each beside one of `slots`, with an iterator for each
            /// run.
            ///
            /// The two loops are nearly as fast as [`fill`](Self::fill), and their body can do more
            /// than set a slot. The walk continues behind the last run that was yielded, even if
            /// the caller has not gone through that run. An empty entry yields an empty run.
            #[inline]
            pub fn zip_runs<'s, T>(&mut self, slots: &'s mut [T]) -> ZipRuns<'_, 's, $runs<'a>, T> {
                self.walk.zip_runs(slots)
            }
        }

        impl DmaFrames for $name<'_> {}
        impl private::Frames for $name<'_> {
            #[inline]
            fn fill_slots<S: Slots>(
                &mut self,
                slots: S,
                encode: impl FnMut(DmaAddress) -> S::Slot,
            ) -> usize {
                self.walk.fill(slots, encode)
            }
        }

        impl Iterator for $name<'_> {
            type Item = DmaAddress;

            #[inline]
            fn next(&mut self) -> Option<DmaAddress> {
                self.walk.next()
            }

            #[inline]
            fn nth(&mut self, n: usize) -> Option<DmaAddress> {
                self.walk.nth(n)
            }

            #[inline]
            fn fold<B, F: FnMut(B, DmaAddress) -> B>(self, init: B, f: F) -> B {
                self.walk.fold(init, f)
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                self.walk.size_hint()
            }
        }

        impl FusedIterator for $name<'_> {}
    };
}

frame_walk!(DmaPages, DmaSegments);
frame_walk!(DmaBlocks, DmaRuns);
