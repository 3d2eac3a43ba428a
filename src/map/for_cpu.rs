// SPDX-License-Identifier: GPL-2.0

//! The guard that gives the CPU access to a buffer that stays mapped.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! The bytes of a mapped buffer belong to the device. [`Mapped::for_cpu`] hands the bytes to the
//! CPU and returns a guard, [`ForCpu`], whose drop hands them back to the device. The creation of
//! the guard calls `dma_sync_sgtable_for_cpu()`; the drop calls `dma_sync_sgtable_for_device()`.
//! An [`InFlight`](crate::InFlight) buffer gives no `&mut Mapped`, so the CPU never gets bytes that
//! the device may be accessing.

use crate::{
    base::direction::{
        DeviceReads,
        DeviceWrites,
        Direction,
        ToDevice, //
    },
    map::{
        mapped::Mapped,
        words::{
            fill,
            piece_of_table,
            private::{
                Memory,
                Piece, //
            },
            Word, //
        }, //
    },
    table::{
        owned_pages::OwnedPages,
        sg_table::SgTable, //
    },
    walk::dma::DmaFrames, //
};
use core::ops::Range;
use kernel::{
    dma::DmaAddress,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};

impl<'bound, D: Direction, P> Mapped<'bound, D, P> {
    /// Hands the whole buffer to the CPU until the guard is dropped: `dma_sync_sgtable_for_cpu()`.
    /// Does not sleep.
    #[doc(alias = "dma_sync_sgtable_for_cpu")]
    #[doc(alias = "dma_sync_sg_for_cpu")]
    #[inline]
    pub fn for_cpu(&mut self) -> ForCpu<'_, 'bound, D, P> {
        let whole = 0..self.len();
        ForCpu::new(self, whole)
    }

    /// Hands the bytes of `range` to the CPU until the guard is dropped:
    /// `dma_sync_single_for_cpu()`. Does not sleep.
    ///
    /// The other bytes stay with the device. On hardware without coherent caches, though, whole
    /// cache lines are handed over: bytes that the device writes beside the range, in the same
    /// `dma_get_cache_alignment()` bytes, may be lost or stale. So ranges that the CPU and the
    /// device use at the same time must lie in different cache lines.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range is empty, runs backwards or ends beyond the buffer.
    #[doc(alias = "dma_sync_single_for_cpu")]
    #[inline]
    pub fn for_cpu_range(&mut self, range: Range<usize>) -> Result<ForCpu<'_, 'bound, D, P>> {
        if range.is_empty() || range.end > self.len() {
            return Err(EINVAL);
        }
        Ok(ForCpu::new(self, range))
    }
}

/// A guard that gives the CPU access to a mapped buffer, or to a range of it.
///
/// Its drop hands the bytes back to the device: `dma_sync_sgtable_for_device()`. Offsets count from
/// the start of the buffer, also for a guard of a range.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DmaDevice, Mapped, SgTable, ToDevice};
/// fn bump(buffer: &mut Mapped<'_, Bidirectional>) -> Result<u32> {
///     let mut cpu = buffer.for_cpu_range(64..68)?;
///     let mut counter = [0; 4];
///     cpu.copy_to_slice(64, &mut counter)?;
///     let bumped = u32::from_le_bytes(counter) + 1;
///     cpu.copy_from_slice(64, &bumped.to_le_bytes())?;
///     Ok(bumped)
///     // `cpu` is dropped here: the four bytes belong to the device again.
/// }
///
/// fn last_sent(buffer: &mut Mapped<'_, ToDevice>, bytes: &mut [u8]) -> Result {
///     buffer.for_cpu().read_back(0, bytes)
/// }
///
/// # fn example(dev: DmaDevice<'_>) -> Result {
/// let mut counter = SgTable::alloc(1000, dev, GFP_KERNEL)?.map(dev, Bidirectional)?;
/// assert_eq!((bump(&mut counter)?, bump(&mut counter)?), (1, 2));
/// assert_eq!(counter.for_cpu_range(999..1001).err(), Some(EINVAL)); // Beyond the end.
///
/// let mut sent = [0; 4];
/// last_sent(&mut counter.unmap().map(dev, ToDevice)?, &mut sent)?;
/// assert_eq!(sent, [0; 4]);
/// # Ok(())
/// # }
/// ```
///
/// A guard that is forgotten, with `core::mem::forget()`, leaves the bytes with the CPU. The next
/// guard, [`submit`](Mapped::submit) or [`unmap`](Mapped::unmap) hands them back.
///
/// # Invariants
///
/// `range` lies within the bytes of `mapped` and is not empty. If `mapped` needs synchronisation,
/// `range` is its `cpu_range`.
#[must_use = "dropping the guard hands the bytes back to the device at once"]
#[doc(alias = "dma_sync_sgtable_for_device")]
#[doc(alias = "dma_sync_sg_for_device")]
#[doc(alias = "dma_sync_single_for_device")]
pub struct ForCpu<'a, 'bound, D: Direction, P = OwnedPages> {
    mapped: &'a mut Mapped<'bound, D, P>,
    range: Range<usize>,
}

impl<'a, 'bound, D: Direction, P> ForCpu<'a, 'bound, D, P> {
    /// `range` lies within the bytes of `mapped`, and is not empty.
    #[inline]
    fn new(mapped: &'a mut Mapped<'bound, D, P>, range: Range<usize>) -> Self {
        if mapped.needs_sync() {
            mapped.hand_to_cpu(range.clone());
        }
        // INVARIANT: Both callers pass a range within the bytes. `hand_to_cpu()` has set
        // `cpu_range` to it.
        Self { mapped, range }
    }

    /// Returns `EINVAL` unless the guard has all of `len` bytes at `offset`.
    #[inline]
    fn check(&self, offset: usize, len: usize) -> Result {
        match offset.checked_add(len) {
            Some(end) if self.range.start <= offset && end <= self.range.end => Ok(()),
            _ => Err(EINVAL),
        }
    }

    /// Returns the table. Returns `EINVAL` unless the guard has all of `len` bytes at `offset`.
    fn table(&mut self, offset: usize, len: usize) -> Result<&mut SgTable<P>> {
        self.check(offset, len)?;
        Ok(self.mapped.table_mut())
    }

    /// Copies bytes that the device wrote, from byte `offset` of the buffer on, to all of `dst`.
    /// Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if a byte lies outside of the guard's range.
    pub fn copy_to_slice(&mut self, offset: usize, dst: &mut [u8]) -> Result
    where
        D: DeviceWrites,
    {
        self.table(offset, dst.len())?.copy_to_slice(offset, dst)
    }

    /// Copies all of `src` to the buffer, from byte `offset` on, for the device to read. Does not
    /// sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if a byte lies outside of the guard's range.
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.table(offset, src.len())?.copy_from_slice(offset, src)
    }

    /// Copies `len` bytes that the device wrote, from byte `offset` of the buffer on, to `dst`.
    /// Returns how many it has copied. May sleep.
    ///
    /// # Errors
    ///
    /// After an error nothing was copied.
    ///
    /// - `EINVAL` if a byte lies outside of the guard's range.
    /// - `EFAULT` as for [`SgTable::copy_to_iter`].
    pub fn copy_to_iter(
        &mut self,
        offset: usize,
        len: usize,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize>
    where
        D: DeviceWrites,
    {
        self.table(offset, len)?.copy_to_iter(offset, len, dst)
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, for the device to
    /// read. Returns how many it has copied. May sleep.
    ///
    /// # Errors
    ///
    /// After an error nothing was copied.
    ///
    /// - `EINVAL` if a byte lies outside of the guard's range.
    /// - `EFAULT` as for [`SgTable::copy_from_iter`].
    pub fn copy_from_iter(
        &mut self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize>
    where
        D: DeviceReads,
    {
        self.table(offset, len)?.copy_from_iter(offset, len, src)
    }

    /// Stores `encode(addr)` to each word of the bytes `range`, for the next addresses of `walk`.
    /// Returns the number of words stored. Does not sleep.
    ///
    /// As [`Words::fill`](crate::Words::fill), for a page table that the device reads only after
    /// the guard was dropped.
    ///
    /// ```
    /// # use kernel::prelude::*;
    /// # use sgdma::{DmaDevice, DmaTable, Mapped, SgTable, ToDevice};
    /// fn page_table<'bound>(
    ///     buffer: &DmaTable,
    ///     dev: DmaDevice<'bound>,
    /// ) -> Result<Mapped<'bound, ToDevice>> {
    ///     let mut walk = buffer.dma_pages();
    ///     let mut table = SgTable::alloc(walk.clone().count() * 8, dev, GFP_KERNEL)?
    ///         .map(dev, ToDevice)?;
    ///     let len = table.len();
    ///     table.for_cpu().fill(0..len, &mut walk, |addr| (addr | 1).to_le())?;
    ///     Ok(table)
    /// }
    ///
    /// # fn example(dev: DmaDevice<'_>) -> Result {
    /// let buffer = SgTable::alloc(100_000, dev, GFP_KERNEL)?.map(dev, ToDevice)?;
    /// let mut first = [0; 8];
    /// page_table(&buffer, dev)?.unmap().copy_to_slice(0, &mut first)?;
    /// assert_eq!(buffer.dma_pages().next(), Some(u64::from_le_bytes(first) & !1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` if `range` runs backwards, ends beyond the guard's range, or begins or ends
    /// elsewhere than at a word.
    #[inline]
    pub fn fill<T: Word>(
        &mut self,
        range: Range<usize>,
        walk: &mut impl DmaFrames,
        encode: impl FnMut(DmaAddress) -> T,
    ) -> Result<usize>
    where
        D: DeviceReads,
    {
        fill(self, range, walk, encode)
    }
}

impl<P> ForCpu<'_, '_, ToDevice, P> {
    /// Copies bytes that the CPU wrote, from byte `offset` of the buffer on, to all of `dst`. Does
    /// not sleep.
    ///
    /// In this direction the device writes nothing, so these are the CPU's own bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if a byte lies outside of the guard's range.
    pub fn read_back(&mut self, offset: usize, dst: &mut [u8]) -> Result {
        self.table(offset, dst.len())?.copy_to_slice(offset, dst)
    }
}

// SAFETY:
// - The piece is in a page of the table, which is valid as long as the guard. The table is mapped,
//   so it lends no reference to its bytes.
// - The other requirements are those that `piece_of_table()` keeps.
unsafe impl<D: DeviceReads, P> Memory for ForCpu<'_, '_, D, P> {
    #[inline]
    fn len(&self) -> usize {
        self.range.end
    }

    #[inline]
    fn piece(&self, offset: usize, len: usize) -> Result<Piece> {
        self.check(offset, len)?;
        piece_of_table(self.mapped.table(), offset, len)
    }
}

impl<D: Direction, P> Drop for ForCpu<'_, '_, D, P> {
    #[inline]
    fn drop(&mut self) {
        self.mapped.reclaim();
    }
}
