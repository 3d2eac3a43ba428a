// SPDX-License-Identifier: GPL-2.0

//! Synchronisation of a mapped table, whole or by ranges.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

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

/// To whom bytes are handed.
#[derive(Clone, Copy)]
pub(crate) enum To {
    Cpu,
    Device,
}

/// # Safety
///
/// `sgt` is mapped for `dma` in direction `dir`.
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
    // SAFETY: The caller promises it.
    unsafe { sync(dma.as_raw(), sgt, dir) };
}

/// # Safety
///
/// As for `sync_whole()`, and
/// - it was mapped with `attrs`, and nobody else has it;
/// - `range` lies within it.
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
