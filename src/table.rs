// SPDX-License-Identifier: GPL-2.0

//! Tables: a buffer's pages and the scatterlist that describes them, not mapped for any device.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use crate::{
    bindings as helpers,
    cpu_walk::CpuTable,
    device::DmaDevice,
    frames::{
        pieces,
        segments,
        Run, //
    },
    scatterlist::{
        sg_dma_unmark,
        sg_page,
        sg_set_page, //
    },
};
use kernel::{
    alloc::{
        flags::{
            __GFP_HIGHMEM,
            __GFP_NOWARN, //
            GFP_ATOMIC,
            GFP_KERNEL_ACCOUNT,
            GFP_NOWAIT,
        },
        Flags, //
    },
    bindings,
    error::to_result,
    page::{
        Page,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// How a buffer is cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentLimits {
    /// The longest segment, in bytes.
    pub max_size: usize,
    /// No segment crosses a multiple of this mask plus one.
    pub boundary: usize,
}

impl SegmentLimits {
    /// Segments as long as the memory happens to be contiguous, for no device in particular.
    pub const NONE: Self = Self {
        max_size: usize::MAX,
        boundary: usize::MAX,
    };
}

impl From<DmaDevice<'_>> for SegmentLimits {
    fn from(dev: DmaDevice<'_>) -> Self {
        Self {
            max_size: dev.max_seg_size(),
            boundary: dev.seg_boundary(),
        }
    }
}

/// A buffer of whole pages, scattered in memory, with its `struct sg_table`.
///
/// While it is an `SgTable`, no device knows of it and the CPU owns it: bytes are copied in and
/// out at any offset. [`map`](Self::map) turns it into a [`Mapped`](crate::Mapped) table. Dropping
/// it frees it, which may sleep.
///
/// # Invariants
///
/// - `sgt` is allocated, and its entries describe the first `len` bytes of `pages`, in order; it
///   is not mapped for any device.
/// - All bytes of all `pages` are initialised, and nobody else uses them.
pub struct SgTable {
    // Freed first, by `drop()`: it points to the pages.
    sgt: bindings::sg_table,
    pages: KVVec<Page>,
    len: usize,
}

// SAFETY: The scatterlist and the pages are owned by the value and tied to no task.
unsafe impl Send for SgTable {}
// SAFETY: Behind a shared reference both are only read.
unsafe impl Sync for SgTable {}

impl SgTable {
    /// Allocates a zeroed buffer of `len` bytes from single pages: `sg_alloc_table_from_pages()`.
    ///
    /// Neighbouring pages become one segment as far as `limits` allow; give the device that the
    /// table is meant for, or [`SegmentLimits::NONE`]. The rest of the last page is zeroed too: a
    /// device behind an IOMMU sees whole pages. May sleep whatever `gfp` says; of its bits those of
    /// `GFP_KERNEL_ACCOUNT`, `GFP_ATOMIC`, `GFP_NOWAIT`, `__GFP_NOWARN` and `__GFP_HIGHMEM` count.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero, or `limits` do not let a page pass.
    /// - `E2BIG` if `len` takes 2^28 pages or more, which is 1 TiB of 4 KiB pages.
    /// - `ENOMEM` if there is no memory.
    pub fn alloc(len: usize, limits: impl Into<SegmentLimits>, gfp: Flags) -> Result<Self> {
        let limits = limits.into();
        if len == 0 || limits.max_size < PAGE_SIZE || limits.boundary < PAGE_SIZE - 1 {
            return Err(EINVAL);
        }
        let nr_pages = len.div_ceil(PAGE_SIZE);
        // The allocator warns of an array of `INT_MAX` bytes or more.
        if nr_pages >= 1 << 28 {
            return Err(E2BIG);
        }

        // The allocator complains of flags that make no sense, and lists cannot be in high memory.
        let gfp =
            gfp & (GFP_KERNEL_ACCOUNT | GFP_ATOMIC | GFP_NOWAIT | __GFP_NOWARN | __GFP_HIGHMEM);
        let list_gfp = gfp & !__GFP_HIGHMEM;

        let mut pages = KVVec::with_capacity(nr_pages, list_gfp)?;
        for _ in 0..nr_pages {
            let page = Page::alloc_page(gfp)?;
            // SAFETY: Nobody else has the page yet.
            unsafe { page.fill_zero_raw(0, PAGE_SIZE) }?;
            pages.push(page, list_gfp)?;
        }

        let cut = || {
            segments(
                pages.iter().map(|page| phys(page.as_ptr())),
                PAGE_SIZE as u64,
                // An entry's length has 32 bits.
                limits.max_size.min(u32::MAX as usize) as u64,
                limits.boundary as u64,
            )
        };
        let orig_nents = u32::try_from(cut().count())?;
        let mut sgt = bindings::sg_table::default();
        // SAFETY: `sgt` is valid for writing, and there is at least one segment.
        to_result(unsafe { bindings::sg_alloc_table(&mut sgt, orig_nents, gfp_raw(list_gfp)) })?;

        let mut sg = sgt.sgl;
        let mut first = 0;
        for count in cut() {
            let start = first * PAGE_SIZE;
            let end = len.min((first + count) * PAGE_SIZE);
            // SAFETY: `sg` is an entry of the list, which was made for as many as `cut()` yields,
            // and nobody else has it.
            let entry = unsafe { &mut *sg };
            sg_set_page(entry, pages[first].as_ptr(), (end - start) as u32, 0);
            // SAFETY: As above.
            sg = unsafe { bindings::sg_next(sg) };
            first += count;
        }

        // INVARIANT: The pages are ours and were zeroed; the entries describe them up to `len`.
        Ok(Self { sgt, pages, len })
    }

    /// The segments before mapping, as runs of physical addresses.
    pub(crate) fn phys_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.cpu().entries().map(|sg| Run {
            addr: phys(sg_page(sg)) + u64::from(sg.offset),
            len: sg.length.into(),
        })
    }

    /// Whether every segment keeps to `limits`.
    pub(crate) fn fits(&self, limits: SegmentLimits) -> bool {
        let (max, boundary) = (limits.max_size as u64, limits.boundary as u64);
        self.phys_runs()
            .all(|run| run.len <= max && run.within(boundary))
    }

    /// Length of the buffer in bytes, as it was asked for.
    #[expect(clippy::len_without_is_empty, reason = "an empty table cannot be made")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Number of CPU pages.
    pub fn nr_pages(&self) -> usize {
        self.pages.len()
    }

    /// The table in its CPU form: which pages there are.
    #[inline]
    pub fn cpu(&self) -> &CpuTable {
        // SAFETY: By the type invariants the list has `orig_nents` entries, made of our pages. It is
        // changed only through an exclusive reference.
        unsafe { CpuTable::from_raw(&self.sgt) }
    }

    /// Copies `src` into the buffer, from byte `offset` on: `sg_pcopy_from_buffer()`, but all or
    /// nothing. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result {
        self.check_range(offset, src.len())?;
        let mut done = 0;
        for (page, start, n) in pieces(offset, src.len(), PAGE_SIZE) {
            let part = &src[done..done + n];
            // SAFETY:
            // - `part` is valid for reading `n` bytes.
            // - We hold the table exclusively, and by its invariants nobody else uses its pages.
            unsafe { self.pages[page].write_raw(part.as_ptr(), start, n) }?;
            done += n;
        }
        Ok(())
    }

    /// Copies from byte `offset` of the buffer on into all of `dst`: `sg_pcopy_to_buffer()`, but
    /// all or nothing. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.check_range(offset, dst.len())?;
        let mut done = 0;
        for (page, start, n) in pieces(offset, dst.len(), PAGE_SIZE) {
            let part = &mut dst[done..done + n];
            // SAFETY:
            // - `part` is valid for writing `n` bytes.
            // - We hold the table shared, so nobody writes through it, and by its invariants nobody
            //   else uses its pages.
            unsafe { self.pages[page].read_raw(part.as_mut_ptr(), start, n) }?;
            done += n;
        }
        Ok(())
    }

    fn check_range(&self, offset: usize, len: usize) -> Result {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(EINVAL),
        }
    }

    pub(crate) fn sgt(&self) -> &bindings::sg_table {
        &self.sgt
    }

    /// Makes the list as good as new for another mapping.
    pub(crate) fn unmark(&mut self) {
        // SAFETY: Every table has an entry, which is ours alone while nothing is mapped.
        sg_dma_unmark(unsafe { &mut *self.sgt.sgl });
    }

    /// For mapping, which sets `nents` and the entries' DMA fields and nothing else.
    pub(crate) fn sgt_mut(&mut self) -> &mut bindings::sg_table {
        &mut self.sgt
    }
}

fn phys(page: *mut bindings::page) -> u64 {
    // SAFETY: Arithmetic on the pointer's value, or on flags that every page has; both callers
    // have a page of a table.
    unsafe { helpers::sgdma_page_to_phys(page) }
}

/// The C API's `gfp_t`; the kernel crate keeps its own conversion to itself.
fn gfp_raw(flags: Flags) -> bindings::gfp_t {
    // SAFETY: `Flags` has one field, the `gfp_t`; being of the same size, which the compiler
    // checks here, it has room for nothing else.
    unsafe { core::mem::transmute::<Flags, bindings::gfp_t>(flags) }
}

impl Drop for SgTable {
    fn drop(&mut self) {
        // SAFETY: By the type invariants `sgt` was allocated and is not mapped; it is freed once,
        // here.
        unsafe { bindings::sg_free_table(&mut self.sgt) };
    }
}
