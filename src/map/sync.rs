// SPDX-License-Identifier: GPL-2.0

//! Synchronisation of a mapped table: all of its bytes, or a range of them.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! A synchronisation hands bytes from one side, the CPU or the device, to the other. It writes back
//! or discards cache lines, or copies to or from a bounce buffer. Both functions are not generic,
//! and their callers are, so that each kind of table does not get a copy of them.

use crate::{
    device::dma_device::DmaDevice,
    ffi,
    map::attrs::MapAttrs,
    walk::{
        cpu::CpuTable,
        dma::DmaTable,
        lockstep::Lockstep, //
    }, //
};
use core::ops::Range;
use kernel::{
    bindings,
    dma::DmaAddress, //
};

/// The side that bytes are handed to.
#[derive(Clone, Copy)]
pub(crate) enum To {
    Cpu,
    Device,
}

/// Hands all bytes of a table over: `dma_sync_sgtable_for_cpu()`, `dma_sync_sgtable_for_device()`.
/// Does not sleep.
///
/// # Safety
///
/// - `sgt` is mapped for `dma` in direction `dir`, by `sgdma_map_sgtable()`.
/// - Nobody changes `sgt` during the call.
#[inline(never)]
pub(crate) unsafe fn sync_whole(
    dma: DmaDevice<'_>,
    sgt: *mut bindings::sg_table,
    dir: ffi::dma_data_direction,
    to: To,
) {
    let sync = match to {
        To::Cpu => ffi::sgdma_sync_sgtable_for_cpu,
        To::Device => ffi::sgdma_sync_sgtable_for_device,
    };
    // SAFETY:
    // - The device is valid: `dma` borrows it.
    // - The table is mapped for that device in this direction, and is not changed during the call,
    //   as the caller promises.
    unsafe { sync(dma.as_raw(), sgt, dir) };
}

/// Hands the bytes `range` of a table over: `dma_sync_single_for_cpu()`,
/// `dma_sync_single_for_device()`. Does not sleep.
///
/// # Safety
///
/// - `sgt` is mapped for `dma` in direction `dir` with `attrs`, by `sgdma_map_sgtable()`.
/// - Nobody changes `sgt` during the call.
/// - `range` lies within the bytes of the table, and is not empty.
#[inline(never)]
pub(crate) unsafe fn sync_range(
    dma: DmaDevice<'_>,
    sgt: *mut bindings::sg_table,
    dir: ffi::dma_data_direction,
    attrs: MapAttrs,
    range: &Range<usize>,
    to: To,
) {
    if attrs.contains(MapAttrs::SYNC_DEBUG) {
        let for_cpu = matches!(to, To::Cpu);
        // SAFETY: The table is mapped, is not changed during the call, and has these bytes, as the
        // caller promises.
        if unsafe { ffi::sgdma_shadow_sync(sgt, range.start, range.len(), for_cpu) } {
            return;
        }
    }
    let sync = match to {
        To::Cpu => ffi::sgdma_sync_single_for_cpu,
        To::Device => ffi::sgdma_sync_single_for_device,
    };
    // SAFETY: The table is mapped, so both of its forms are filled in. It is not changed during the
    // call, so both references are to a table that stays as it is. The caller promises both.
    let lockstep = unsafe { Lockstep::new(CpuTable::from_raw(sgt), DmaTable::from_raw(sgt)) };
    let mut start = 0;
    // `dma_sync_single_*()` takes a range that is contiguous on the bus and in memory. Each piece
    // of the lockstep walk is. A DMA segment need not be: an IOMMU may have merged pages that lie
    // apart in memory.
    for piece in lockstep {
        let end = start + piece.len;
        let (first, last) = (range.start.max(start), range.end.min(end));
        if first < last {
            let addr = piece.dma_address + (first - start) as DmaAddress;
            // SAFETY:
            // - The device is valid: `dma` borrows it.
            // - The bytes at `addr` are part of a segment that is mapped for that device in this
            //   direction: `first` and `last` lie within the piece.
            unsafe { sync(dma.as_raw(), addr, last - first, dir) };
        }
        if end >= range.end {
            break;
        }
        start = end;
    }
}
