// SPDX-License-Identifier: GPL-2.0

//! Ownership transfer: CPU access to a buffer that stays mapped.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! A mapped buffer is the device's. [`Mapped::for_cpu`] makes it the CPU's for as long as a guard
//! lives: `dma_sync_sgtable_for_cpu()` when it is made and `dma_sync_sgtable_for_device()` when it
//! is dropped. A buffer that is in flight has no such call, so there is no access under the device.

use crate::{
    attrs::Attrs,
    cpu_walk::CpuTable,
    device::DmaDevice,
    direction::{
        DeviceReads,
        DeviceWrites,
        Direction,
        ToDevice, //
    },
    dma_walk::DmaTable,
    ffi,
    lockstep::Lockstep,
    mapping::Mapped,
    pages::OwnedPages,
    table::SgTable, //
};
use core::ops::Range;
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

/// To whom bytes are handed.
#[derive(Clone, Copy)]
enum To {
    Cpu,
    Device,
}

impl<'bound, D: Direction, P> Mapped<'bound, D, P> {
    /// Hands the whole buffer to the CPU until the guard is dropped. Does not sleep.
    #[inline]
    pub fn for_cpu(&mut self) -> ForCpu<'_, 'bound, D, P> {
        let whole = 0..self.len();
        ForCpu::new(self, whole)
    }

    /// Hands the bytes of `range` to the CPU until the guard is dropped; the rest stays the
    /// device's. Does not sleep.
    ///
    /// On hardware without coherent caches whole cache lines change hands: what the device wrote
    /// beside the range, within `dma_get_cache_alignment()` bytes, may be lost or stale. Let ranges
    /// that are used at the same time lie in different cache lines.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range is empty, runs backwards or ends beyond the buffer.
    #[inline]
    pub fn for_cpu_range(&mut self, range: Range<usize>) -> Result<ForCpu<'_, 'bound, D, P>> {
        if range.is_empty() || range.end > self.len() {
            return Err(EINVAL);
        }
        Ok(ForCpu::new(self, range))
    }

    /// Takes back what a guard has left with the CPU.
    #[inline]
    pub(crate) fn reclaim(&mut self) {
        if self.needs_sync() {
            self.hand_to_device();
        }
    }

    // Out of line, for there is nothing to do for most devices: then the guard costs a look at a bit.
    #[cold]
    #[inline(never)]
    fn hand_to_device(&mut self) {
        let range = core::mem::replace(self.with_cpu(), 0..0);
        if !range.is_empty() {
            self.sync(&range, To::Device);
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_to_cpu(&mut self, range: Range<usize>) {
        // A guard may have been forgotten.
        self.hand_to_device();
        self.sync(&range, To::Cpu);
        *self.with_cpu() = range;
    }

    fn sync(&mut self, range: &Range<usize>, to: To) {
        let whole = *range == (0..self.len());
        let (dma, attrs) = (self.dma(), self.attrs());
        let sgt = self.table_mut().sgt_mut();
        // SAFETY: By the invariants of `Mapped` the table is mapped for `dma`, in this direction and with these
        // attributes, and borrowed exclusively; both callers' ranges lie within it.
        unsafe {
            match whole {
                true => sync_whole(dma, sgt, D::DIRECTION.into(), to),
                false => sync_range(dma, sgt, D::DIRECTION.into(), attrs, range, to),
            }
        }
    }
}

/// # Safety
///
/// `sgt` is mapped for `dma` in direction `dir`.
#[inline(never)]
unsafe fn sync_whole(
    dma: DmaDevice<'_>,
    sgt: *mut bindings::sg_table,
    dir: ffi::dma_data_direction,
    to: To,
) {
    let sync = match to {
        To::Cpu => ffi::sgdma_sync_sgtable_for_cpu,
        To::Device => ffi::sgdma_sync_sgtable_for_device,
    };
    // SAFETY: The caller promises it.
    unsafe { sync(dma.as_raw(), sgt, dir) };
}

/// # Safety
///
/// As for `sync_whole()`, and
/// - it was mapped with `attrs`, and nobody else has it;
/// - `range` lies within it.
#[inline(never)]
unsafe fn sync_range(
    dma: DmaDevice<'_>,
    sgt: *mut bindings::sg_table,
    dir: ffi::dma_data_direction,
    attrs: Attrs,
    range: &Range<usize>,
    to: To,
) {
    if attrs.contains(Attrs::SYNC_DEBUG) {
        let for_cpu = matches!(to, To::Cpu);
        // SAFETY: The caller promises it.
        if unsafe { ffi::sgdma_shadow_sync(sgt, range.start, range.len(), for_cpu) } {
            return;
        }
    }
    let sync = match to {
        To::Cpu => ffi::sgdma_sync_single_for_cpu,
        To::Device => ffi::sgdma_sync_single_for_device,
    };
    // SAFETY: The caller promises that the table is mapped, and that it is not changed meanwhile.
    let lockstep = unsafe { Lockstep::new(CpuTable::from_raw(sgt), DmaTable::from_raw(sgt)) };
    let mut start = 0;
    // Piece by piece: each is contiguous for the device and in memory, so that one address says
    // it all. A merged segment's address says nothing of its second page.
    for piece in lockstep {
        let end = start + piece.len;
        let (first, last) = (range.start.max(start), range.end.min(end));
        if first < last {
            let addr = piece.dma_address + (first - start) as DmaAddress;
            // SAFETY: These bytes are part of a segment that is mapped for `dma` in this direction.
            unsafe { sync(dma.as_raw(), addr, last - first, dir) };
        }
        if end >= range.end {
            break;
        }
        start = end;
    }
}

/// A mapped buffer, or a range of it, in the hands of the CPU; dropping it hands it to the device.
///
/// Offsets count from the buffer's start, also where only a range was asked for.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, Mapped, ToDevice};
/// fn bump(buffer: &mut Mapped<'_, Bidirectional>) -> Result {
///     let mut cpu = buffer.for_cpu_range(64..68)?;
///     let mut counter = [0; 4];
///     cpu.copy_to_slice(64, &mut counter)?;
///     cpu.copy_from_slice(64, &(u32::from_le_bytes(counter) + 1).to_le_bytes())
///     // Dropped here, and with it the four bytes are the device's again.
/// }
///
/// fn last_sent(buffer: &mut Mapped<'_, ToDevice>, bytes: &mut [u8]) -> Result {
///     buffer.for_cpu().read_back(0, bytes)
/// }
/// ```
///
/// A guard that is forgotten leaves the buffer with the CPU until the next guard,
/// [`submit`](Mapped::submit) or [`unmap`](Mapped::unmap).
pub struct ForCpu<'a, 'bound, D: Direction, P = OwnedPages> {
    mapped: &'a mut Mapped<'bound, D, P>,
    range: Range<usize>,
}

impl<'a, 'bound, D: Direction, P> ForCpu<'a, 'bound, D, P> {
    #[inline]
    fn new(mapped: &'a mut Mapped<'bound, D, P>, range: Range<usize>) -> Self {
        if mapped.needs_sync() {
            mapped.hand_to_cpu(range.clone());
        }
        Self { mapped, range }
    }

    /// The buffer, if `len` bytes at `offset` are the CPU's.
    fn table(&mut self, offset: usize, len: usize) -> Result<&mut SgTable<P>> {
        match offset.checked_add(len) {
            Some(end) if self.range.start <= offset && end <= self.range.end => {
                Ok(self.mapped.table_mut())
            }
            _ => Err(EINVAL),
        }
    }

    /// Copies what the device wrote, from byte `offset` of the buffer on, into all of `dst`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if some of it is not the CPU's; nothing was copied then.
    pub fn copy_to_slice(&mut self, offset: usize, dst: &mut [u8]) -> Result
    where
        D: DeviceWrites,
    {
        self.table(offset, dst.len())?.copy_to_slice(offset, dst)
    }

    /// Copies `src` into the buffer, from byte `offset` on, for the device to read.
    ///
    /// # Errors
    ///
    /// `EINVAL` if some of it is not the CPU's; nothing was copied then.
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.table(offset, src.len())?.copy_from_slice(offset, src)
    }
}

impl<P> ForCpu<'_, '_, ToDevice, P> {
    /// Copies the CPU's own data back, from byte `offset` of the buffer on, into all of `dst`.
    ///
    /// The device did not write it: in this direction it could not have.
    ///
    /// # Errors
    ///
    /// `EINVAL` if some of it is not the CPU's; nothing was copied then.
    pub fn read_back(&mut self, offset: usize, dst: &mut [u8]) -> Result {
        self.table(offset, dst.len())?.copy_to_slice(offset, dst)
    }
}

impl<D: Direction, P> Drop for ForCpu<'_, '_, D, P> {
    #[inline]
    fn drop(&mut self) {
        self.mapped.reclaim();
    }
}
