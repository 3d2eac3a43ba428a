// SPDX-License-Identifier: GPL-2.0

//! Exported tables: the dma-bufs of this library.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! The C operations in `dma_buf.c` call the functions of this file. Each device gets a table of its
//! own of the same pages, cut by that device's limits. The library maps such a table as any other.
//!
//! The exporter never synchronises a mapping. It maps and unmaps, which hands over all bytes, and
//! refuses a turn while that of another device lasts. The CPU is refused too, but nobody records
//! its turns: `DMA_BUF_IOCTL_SYNC` may begin one that no process ends. So nothing is synchronised
//! for a device that was unbound meanwhile.

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            Bidirectional,
            Direction,
            FromDevice,
            ToDevice, //
        },
        error::EOPNOTSUPP,
        gfp::Gfp, //
    },
    device::{
        coherency::{
            Bounce,
            Coherency, //
        },
        dma_device::{
            DmaDevice,
            DmaFacts, //
        }, //
    },
    ffi,
    lifecycle::{
        quarantine::{
            Hold,
            Place,
            Placed, //
        },
        unbinding::Unbinding, //
    },
    map::attrs::MapAttrs,
    table::{
        limits::SegmentLimits,
        parts::Parts,
        sg_table::SgTable, //
    },
    walk::{
        cpu::PageRun,
        list::List, //
    }, //
};
use core::{
    ffi::c_void,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    dma::DataDirection,
    error::{
        from_err_ptr,
        from_result, //
    },
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// The way in which devices and the CPU use an exported buffer.
///
/// ```
/// # use sgdma::{dma_streaming_is_coherent, DmaBufUse, DmaDevice};
/// fn choose(dev: DmaDevice<'_>) -> DmaBufUse {
///     if dma_streaming_is_coherent(dev) {
///         DmaBufUse::Shared
///     } else {
///         DmaBufUse::Turns
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaBufUse {
    /// All use the buffer at the same time. A device that needs synchronisation is refused.
    Shared,
    /// A device that needs synchronisation takes turns with the CPU and with other such devices.
    Turns,
}

/// Exports `table`, whose length is whole pages. Returns the dma-buf, with a reference that belongs
/// to the caller. May sleep.
pub(super) fn export(
    table: SgTable,
    use_: DmaBufUse,
) -> Result<NonNull<bindings::dma_buf>, BufferError<SgTable>> {
    let len = table.len();
    let Ok(unbinding) = Arc::pin_init(Unbinding::new(), GFP_KERNEL_ACCOUNT) else {
        return Err(BufferError {
            error: ENOMEM,
            buffer: table,
        });
    };
    let Ok(room) = KBox::<Export>::new_uninit(GFP_KERNEL_ACCOUNT) else {
        return Err(BufferError {
            error: ENOMEM,
            buffer: table,
        });
    };
    let export = KBox::into_raw(room.write(Export {
        table,
        use_,
        unbinding,
        turns: Atomic::new(0),
    }));
    // CAST: For C the type is opaque.
    // SAFETY: `export` is valid, and belongs to the dma-buf if there is one. The length is that of
    // its table.
    let buf = from_err_ptr(unsafe { ffi::sgdma_dma_buf_export(export.cast(), len) });
    buf.and_then(|buf| NonNull::new(buf).ok_or(ENOMEM))
        .map_err(|error| BufferError {
            error,
            // SAFETY: The call has failed, so the box still belongs to this function.
            buffer: KBox::into_inner(unsafe { KBox::from_raw(export) }).table,
        })
}

/// An exported buffer.
struct Export {
    /// The pages. Nobody maps this table.
    table: SgTable,
    use_: DmaBufUse,
    /// For the facts on a device. Nobody waits for it: no mapping outlives its call.
    unbinding: Arc<Unbinding>,
    /// The devices that have their turn: the number of those that only read, or -1 for one that
    /// writes.
    turns: Atomic<i32>,
}

const WRITING: i32 = -1;

const TO_DEVICE: c_uint = DataDirection::ToDevice as c_uint;
const FROM_DEVICE: c_uint = DataDirection::FromDevice as c_uint;
const BIDIRECTIONAL: c_uint = DataDirection::Bidirectional as c_uint;

/// The owner of the pages of a device's table: no one. The pages are the exported buffer's, which
/// lives longer than each mapping, because an attachment has a reference to the dma-buf.
struct Lent;

/// A mapping for one device: `attachment->priv`. It is unmapped before it is dropped.
struct Lease {
    parts: Placed<Parts<Lent>>,
    /// `Some` if the mapping is a turn of its device: true if the device writes.
    turn: Option<bool>,
}

impl Export {
    /// Returns each page of the buffer once, however the segments of the table are cut.
    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> + '_ {
        let pages = self.table.cpu().pages_once().flat_map(PageRun::pages);
        pages.filter_map(NonNull::new)
    }

    /// Returns a table of all pages for `dev`.
    ///
    /// The table is mapped, and nothing else: others use the pages at the same time.
    // Out of line, as `Place::new_ours()` demands.
    #[inline(never)]
    fn lend(&self, dev: DmaDevice<'_>) -> Result<SgTable<Lent>> {
        let gfp = Gfp::from(GFP_KERNEL_ACCOUNT);
        let limits = SegmentLimits::from(dev);
        let place = Place::new_ours(gfp)?;
        let range = 0..self.table.len();
        // SAFETY: The pages are those of `self.table`, which keeps them.
        let list = unsafe { List::from_pages(|| self.pages(), range.clone(), limits, gfp) }?;
        // SAFETY:
        // - The list was just made of these pages, and is not mapped.
        // - The pages of an `SgTable` are initialised.
        // - Others do use the bytes: devices, the CPU and user space, as a dma-buf's. So nobody but
        //   `lease()` has this table, which accesses no byte of it and gives it to nobody.
        Ok(unsafe { SgTable::from_parts(Lent, range, limits, list, place) })
    }

    /// Maps the buffer for `dev`, which begins a turn if it needs one.
    fn lease<D: Direction>(&self, dev: DmaDevice<'_>, writes: bool) -> Result<Lease> {
        let table = self.lend(dev)?;
        let in_place = table.check_in_place(dev);
        // The turn comes first: mapping hands the bytes over.
        let mut turn = match (self.use_, in_place) {
            (_, Ok(())) => None,
            (DmaBufUse::Turns, Err(_)) => Some(self.take_turn(writes)?),
            (DmaBufUse::Shared, Err(error)) => return Err(error),
        };
        let mapped = match self.use_ {
            DmaBufUse::Shared => {
                let shared = table.share::<D>(dev, MapAttrs::REQUIRE_COHERENT);
                shared.map(|shared| shared.0)
            }
            DmaBufUse::Turns => table.map_as::<D>(dev, MapAttrs::IGNORE_CACHELINES),
        }
        .map_err(|failed| failed.error)?;
        let mut error = None;
        if turn.is_none() && !mapped.is_in_place() {
            match self.take_turn(writes) {
                Ok(taken) => turn = Some(taken),
                Err(busy) => error = Some(busy),
            }
        }
        let parts = mapped.into_mapped_parts(error.is_some());
        if let Some(error) = error {
            // SAFETY: The device is bound, and was told no address.
            unsafe { parts.into_inner().release() };
            return Err(error);
        }
        Ok(Lease {
            parts,
            turn: turn.map(Turn::keep),
        })
    }

    /// Begins a turn of a device.
    ///
    /// # Errors
    ///
    /// `EBUSY` if another turn lasts, and one of both devices writes.
    fn take_turn(&self, writes: bool) -> Result<Turn<'_>> {
        let mut turns = self.turns.load(Relaxed);
        loop {
            if turns == WRITING || writes && turns != 0 {
                return Err(EBUSY);
            }
            let next = if writes { WRITING } else { turns + 1 };
            match self.turns.cmpxchg(turns, next, Full) {
                Ok(_) => {
                    return Ok(Turn {
                        export: self,
                        writes,
                    })
                }
                Err(now) => turns = now,
            }
        }
    }
}

/// A turn of a device that is being mapped. A drop ends the turn.
struct Turn<'a> {
    export: &'a Export,
    writes: bool,
}

impl Turn<'_> {
    /// Leaves the turn to a lease. Returns true if the device writes.
    fn keep(self) -> bool {
        core::mem::ManuallyDrop::new(self).writes
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Adding 1 ends the turn of a device that writes: it is the only one.
        self.export
            .turns
            .fetch_add(if self.writes { 1 } else { -1 }, Full);
    }
}

/// Returns the table of `buf` if this library has exported it. The caller only copies bytes.
///
/// # Safety
///
/// `buf` is a valid dma-buf as long as the result is used.
pub(super) unsafe fn table_of<'a>(buf: *mut bindings::dma_buf) -> Option<&'a SgTable> {
    // SAFETY: The caller promises a valid dma-buf.
    let export = unsafe { ffi::sgdma_dma_buf_export_of(buf) };
    // SAFETY: If it is not null, the pointer is the one of `export()`, of a dma-buf that lives.
    (!export.is_null()).then(|| unsafe { &export_of(export).table })
}

/// Returns the lease of an attachment.
///
/// # Safety
///
/// The dma-buf is of this library, and is mapped as `raw` as long as the result is used.
unsafe fn lease_of(raw: &ffi::sgdma_attachment) -> &Lease {
    // SAFETY: `sgdma_export_map()` has put a lease there, which `sgdma_export_unmap()` takes.
    unsafe { &*ffi::sgdma_dma_buf_mapping(raw).cast::<Lease>() }
}

/// Returns true if the mapping is a turn of its device.
///
/// # Safety
///
/// The dma-buf is of this library, and is mapped as `raw`.
pub(super) unsafe fn needs_turns(raw: &ffi::sgdma_attachment) -> bool {
    // SAFETY: The requirements are the same.
    unsafe { lease_of(raw) }.turn.is_some()
}

/// Returns true if the buffer is still mapped for its device as it was.
///
/// # Safety
///
/// The dma-buf is of this library, and is mapped as `raw`. The device is valid and bound.
pub(super) unsafe fn is_where_it_was(raw: &ffi::sgdma_attachment) -> bool {
    // SAFETY: The requirements are the same.
    unsafe { lease_of(raw) }.parts.is_where_it_was()
}

// Each function that C calls is what the header declares.
const _: [unsafe extern "C" fn(*mut ffi::sgdma_export, *mut *mut bindings::page, usize); 2] =
    [ffi::sgdma_export_pages, sgdma_export_pages];
const _: [unsafe extern "C" fn(*mut ffi::sgdma_export, *mut bindings::device) -> c_int; 2] =
    [ffi::sgdma_export_attach, sgdma_export_attach];
const _: [unsafe extern "C" fn(
    *mut ffi::sgdma_export,
    *mut bindings::device,
    ffi::dma_data_direction,
    *mut *mut bindings::sg_table,
    *mut *mut c_void,
) -> c_int; 2] = [ffi::sgdma_export_map, sgdma_export_map];
const _: [unsafe extern "C" fn(*mut ffi::sgdma_export, *mut c_void); 2] =
    [ffi::sgdma_export_unmap, sgdma_export_unmap];
const _: [unsafe extern "C" fn(*mut ffi::sgdma_export, ffi::dma_data_direction) -> c_int; 2] =
    [ffi::sgdma_export_begin, sgdma_export_begin];
const _: [unsafe extern "C" fn(*mut ffi::sgdma_export); 2] =
    [ffi::sgdma_export_release, sgdma_export_release];

/// Returns an exported buffer.
///
/// # Safety
///
/// `export` is the pointer of [`export()`], of a dma-buf that lives as long as the result is
/// used.
unsafe fn export_of<'a>(export: *mut ffi::sgdma_export) -> &'a Export {
    // CAST: The pointer came from an `Export`.
    // SAFETY: The dma-buf owns the `Export` until `sgdma_export_release()`.
    unsafe { &*export.cast::<Export>() }
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `export` is that of a dma-buf that lives. `pages` is valid for writing `count` pointers, one for
/// each page of the buffer.
#[no_mangle]
unsafe extern "C" fn sgdma_export_pages(
    export: *mut ffi::sgdma_export,
    pages: *mut *mut bindings::page,
    count: usize,
) {
    // SAFETY: The caller promises a dma-buf that lives.
    let export = unsafe { export_of(export) };
    for (i, page) in export.pages().take(count).enumerate() {
        // SAFETY: `i` is less than `count`.
        unsafe { *pages.add(i) = page.as_ptr() };
    }
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `export` is that of a dma-buf that lives. `dev` is valid.
#[no_mangle]
unsafe extern "C" fn sgdma_export_attach(
    export: *mut ffi::sgdma_export,
    dev: *mut bindings::device,
) -> c_int {
    // SAFETY: The caller promises a dma-buf that lives, and a device that is valid.
    let (export, coherency) = unsafe { (export_of(export), Coherency::of_raw(dev)) };
    from_result(|| match (export.use_, coherency) {
        (_, Coherency::NoDma) => Err(EIO),
        // Whether such a device reaches the pages of this buffer is seen when it is mapped.
        (DmaBufUse::Turns, _)
        | (_, Coherency::Coherent | Coherency::MayBounce(Bounce::Mask | Bounce::BusLimit)) => Ok(0),
        _ => Err(EOPNOTSUPP),
    })
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// - `export` is that of a dma-buf that lives.
/// - `dev` is bound, and `sgdma_export_attach()` has returned zero for it.
/// - `sgt` and `mapping` are valid for writing.
#[no_mangle]
unsafe extern "C" fn sgdma_export_map(
    export: *mut ffi::sgdma_export,
    dev: *mut bindings::device,
    dir: ffi::dma_data_direction,
    sgt: *mut *mut bindings::sg_table,
    mapping: *mut *mut c_void,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller promises a dma-buf that lives, and a device that is bound.
        // CAST: `Device` is `repr(transparent)` over the C structure.
        let (export, dev) = unsafe { (export_of(export), &*dev.cast::<Device<Bound>>()) };
        // SAFETY: The device has a mask: otherwise it would be `Coherency::NoDma`. Its driver does
        // not change the mask while it maps memory.
        let facts = unsafe { DmaFacts::from_bound(dev, &export.unbinding) };
        // The room comes first: a lease must not be dropped.
        let room = KBox::new_uninit(GFP_KERNEL_ACCOUNT)?;
        let mut lease = room.write(match dir {
            TO_DEVICE => export.lease::<ToDevice>(facts.dma(), false),
            FROM_DEVICE => export.lease::<FromDevice>(facts.dma(), true),
            BIDIRECTIONAL => export.lease::<Bidirectional>(facts.dma(), true),
            _ => Err(EINVAL),
        }?);
        // SAFETY: Both are valid for writing, as the caller promises. The table is in the lease,
        // which stays where it is until it is unmapped.
        unsafe {
            *sgt = lease.parts.list.sgt_mut();
            *mapping = KBox::into_raw(lease).cast();
        }
        Ok(0)
    })
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// - `export` is that of a dma-buf that lives, and `sgdma_export_map()` has filled in `mapping`
///   for it. It is not used again.
/// - The device does not access the buffer. It is bound, or mapped as it was.
#[no_mangle]
unsafe extern "C" fn sgdma_export_unmap(export: *mut ffi::sgdma_export, mapping: *mut c_void) {
    // SAFETY: The caller promises both.
    let (export, lease) = unsafe { (export_of(export), KBox::from_raw(mapping.cast::<Lease>())) };
    let Lease { parts, turn } = KBox::into_inner(lease);
    // The turn ends at the end of this function.
    let _turn = turn.map(|writes| Turn { export, writes });
    // SAFETY: The caller promises that the device does not access the buffer, and that it is bound
    // or mapped as it was.
    unsafe { parts.into_inner().release() };
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `export` is that of a dma-buf that lives.
#[no_mangle]
unsafe extern "C" fn sgdma_export_begin(
    export: *mut ffi::sgdma_export,
    dir: ffi::dma_data_direction,
) -> c_int {
    // SAFETY: The caller promises a dma-buf that lives.
    let turns = unsafe { export_of(export) }.turns.load(Acquire);
    let cpu_writes = dir != FROM_DEVICE;
    from_result(|| match turns {
        0 => Ok(0),
        WRITING => Err(EBUSY),
        _ if cpu_writes => Err(EBUSY),
        _ => Ok(0),
    })
}

/// Documented in `dma_buf.h`.
///
/// # Safety
///
/// `export` is that of a dma-buf that ends. It is not used again.
#[no_mangle]
unsafe extern "C" fn sgdma_export_release(export: *mut ffi::sgdma_export) {
    // SAFETY: The dma-buf owned the box, and ends.
    drop(unsafe { KBox::from_raw(export.cast::<Export>()) });
}
