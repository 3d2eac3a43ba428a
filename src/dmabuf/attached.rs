// SPDX-License-Identifier: GPL-2.0

//! A dma-buf that is mapped for a device.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)

use crate::{
    base::{
        direction::Direction,
        error::EOPNOTSUPP,
        gfp::Gfp, //
    },
    device::{
        coherency::Coherency,
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    dmabuf::{
        buffer::DmaBuf,
        export,
        revocation::Revocation, //
    },
    ffi,
    lifecycle::{
        deferred,
        quarantine::{
            Hold,
            Place,
            Placed, //
        }, //
    },
    map::in_flight::{
        private, //
        InFlight,
        Mapping,
    },
    walk::dma::DmaTable, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref, //
};
use kernel::{
    bindings,
    error::to_result,
    ffi::c_uint,
    prelude::*, //
};

/// A dma-buf that is attached to a device and mapped for it: `dma_buf_map_attachment()`.
///
/// The device's bus addresses are those of the [`DmaTable`] that the value dereferences to. There
/// are no pages, because an exporter may have none: the CPU accesses the bytes by
/// [`DmaBuf::for_cpu`].
///
/// If [`needs_turns`](Self::needs_turns) returns true, the device has its turn as long as the value
/// exists: [`DmaBuf::attach`] handed the bytes to the device, and the drop hands them on. What
/// others write meanwhile may not reach the device, and the other way round. Otherwise the value
/// may be kept, and the device uses the bytes at the same time as the CPU and other such devices.
///
/// Call [`submit`](Self::submit) before the device is told any address. A drop unmaps the buffer
/// and detaches the device; where nothing may sleep, a worker does, before the binding ends.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaBuf, DmaDevice, FromDevice};
/// /// Has the device fill a buffer of another driver.
/// fn capture(buffer: &DmaBuf, dev: DmaDevice<'_>, engine: &Engine) -> Result {
///     let turn = buffer.attach(dev, FromDevice)?.submit();
///     engine.write(turn.dma_runs().map(|run| (run.addr, run.len)))?; // On an error: quarantine.
///     drop(turn.complete());
///     Ok(())
/// }
/// # struct Engine;
/// # impl Engine {
/// #     fn write(&self, _: impl Iterator<Item = (u64, u64)>) -> Result { Ok(()) }
/// # }
/// ```
///
/// # Invariants
///
/// `mapping` was not moved out, and is of `dev`.
#[must_use = "dropping the value unmaps the buffer"]
#[doc(alias = "dma_buf_attachment")]
pub struct Attached<'bound, D: Direction> {
    dev: DmaDevice<'bound>,
    mapping: ManuallyDrop<Placed<Attachment>>,
    _direction: PhantomData<D>,
}

// SAFETY: Any task may unmap and detach.
unsafe impl<D: Direction> Send for Attached<'_, D> {}
// SAFETY: A shared reference only permits reading the table, which does not change, and a flag.
unsafe impl<D: Direction> Sync for Attached<'_, D> {}

impl DmaBuf {
    /// Attaches `dev` and maps the buffer for it: `dma_buf_attach()`, `dma_buf_map_attachment()`.
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP`, with a line in the log, if the buffer was exported as
    ///   [`Shared`](crate::DmaBufUse::Shared) and `dev` needs synchronisation.
    /// - `EOPNOTSUPP`, with a line in the log, if another module has exported the buffer, and an
    ///   address would mean other memory to that exporter once `dev` is unbound: behind an IOMMU if
    ///   caches are not coherent, and on a bus with `dma-ranges`.
    /// - `E2BIG` if another module has exported the buffer, or the buffer is
    ///   [`PeerMemory`](crate::PeerMemory), and a segment is longer than `dev` allows or crosses
    ///   its boundary. `EIO` if that module has not mapped all bytes, or has mapped some beyond the
    ///   mask of `dev`.
    /// - `EBUSY` if `dev` needs turns, another device has its turn, and one of both writes.
    /// - `ENOMEM` if there is no memory.
    /// - `ERESTARTSYS` if a signal comes while fences are waited for.
    /// - Those of [`SgTable::map`](crate::SgTable::map), and those of the exporter.
    #[doc(alias = "dma_buf_attach")]
    #[doc(alias = "dma_buf_map_attachment")]
    pub fn attach<'bound, D: Direction>(
        &self,
        dev: DmaDevice<'bound>,
        _direction: D,
    ) -> Result<Attached<'bound, D>> {
        Attached::new(self, dev, None)
    }
}

impl<'bound, D: Direction> Attached<'bound, D> {
    /// Attaches `dev` to `buf`, for an exporter that may take the buffer back if there is a
    /// `revocation`.
    pub(super) fn new(
        buf: &DmaBuf,
        dev: DmaDevice<'bound>,
        revocation: Option<KBox<Revocation>>,
    ) -> Result<Self> {
        let mapping = Attachment::new(buf, dev, D::DIRECTION as c_uint, revocation)?;
        // INVARIANT: The attachment was just made for `dev`.
        Ok(Self {
            dev,
            mapping: ManuallyDrop::new(mapping),
            _direction: PhantomData,
        })
    }

    /// Returns true if the exporter has taken the buffer back.
    pub(super) fn is_revoked(&self) -> bool {
        let revocation = self.mapping.revocation.as_ref();
        revocation.is_some_and(|revocation| revocation.is_revoked())
    }

    /// Returns the length of the buffer in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty one cannot be exported"
    )]
    pub fn len(&self) -> usize {
        self.mapping.buf.len()
    }

    /// Returns true if this is the device's turn: the device is not coherent, or does not find all
    /// pages in place.
    ///
    /// Of a buffer that another module has exported nobody can tell where its pages are. Then the
    /// answer follows from the device's [`Coherency`]. For [`PeerMemory`](crate::PeerMemory) the
    /// answer is false, because such memory is neither cached nor bounced.
    pub fn needs_turns(&self) -> bool {
        self.mapping.needs_turns
    }

    /// Puts the buffer in flight, before the device is told any address of it. Does not sleep.
    ///
    /// Nothing unmaps or frees the buffer until [`InFlight::complete`] is called.
    pub fn submit(self) -> InFlight<Self> {
        InFlight::new(self)
    }
}

/// Gives access to the device's view of the buffer: the bus addresses, and the walks over them.
impl<D: Direction> Deref for Attached<'_, D> {
    type Target = DmaTable;

    fn deref(&self) -> &DmaTable {
        // SAFETY: By the invariants of `Attachment` the table is mapped, and stays so and the same
        // until the `Attached` is given up, which the reference borrows.
        unsafe { DmaTable::from_raw(self.mapping.raw.sgt) }
    }
}

impl<D: Direction> Mapping for Attached<'_, D> {}

impl<D: Direction> private::Mapping for Attached<'_, D> {
    fn epoch(&self) -> u64 {
        self.dev.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        let (dev, len) = (self.dev, self.len());
        let mut this = ManuallyDrop::new(self);
        // SAFETY:
        // - By the type invariants the mapping was not moved out, and is of `dev`. `this` is
        //   neither used again nor dropped.
        // - The device is valid and bound: `dev` borrows it.
        // - The quarantine is the one that `dev` has from its binding.
        unsafe {
            ManuallyDrop::take(&mut this.mapping).hold(dev.as_raw(), dev.quarantine(), epoch, len)
        };
    }
}

impl<D: Direction> Drop for Attached<'_, D> {
    fn drop(&mut self) {
        let (dev, len) = (self.dev, self.len());
        // SAFETY: By the type invariants the mapping was not moved out. A value that is being
        // dropped is not used again.
        let mapping = unsafe { ManuallyDrop::take(&mut self.mapping) };
        // SAFETY:
        // - The device is valid and bound: `dev` borrows it. It has stayed bound since the buffer
        //   was mapped for it.
        // - A device with a quarantine has a binding of this library, whose end drops all that
        //   borrows the binding, and then waits for the worker.
        // - The device is done with the buffer: it was not submitted, or is complete.
        // - `Attachment::new()` has made the place by `new_ours()`.
        unsafe { deferred::free(dev.as_raw(), dev.quarantine().is_some(), len, mapping) };
    }
}

/// The mapping of a dma-buf, and the place that it was mapped from.
///
/// # Invariants
///
/// - `sgdma_dma_buf_map()` has filled in `raw`, for `buf`, `dev` and `direction`.
/// - `route` was that of `dev` then.
struct Attachment {
    buf: DmaBuf,
    raw: ffi::sgdma_attachment,
    dev: *mut bindings::device,
    direction: ffi::dma_data_direction,
    route: DmaRoute,
    needs_turns: bool,
    /// The revocation that the exporter calls until the device is detached. Dropped last.
    revocation: Option<KBox<Revocation>>,
}

// SAFETY: Any task may use the device and the attachment that the pointers are to.
unsafe impl Send for Attachment {}

impl Attachment {
    /// Attaches `dev` to `buf`, and maps.
    // Neither generic nor inlined, as `Place::new_ours()` demands.
    #[inline(never)]
    fn new(
        buf: &DmaBuf,
        dev: DmaDevice<'_>,
        direction: ffi::dma_data_direction,
        revocation: Option<KBox<Revocation>>,
    ) -> Result<Placed<Self>> {
        let is_ours = buf.is_ours();
        // Nobody synchronises a mapping of such memory.
        let is_peer_memory = buf.is_peer_memory();
        if !is_ours && !is_peer_memory && is_moved_by_unbinding(dev) {
            let why = c"its exporter, another module, would synchronise it after the device was \
                        unbound, when an address means other memory";
            let remedy = c"export it from a driver of sgdma";
            // SAFETY: The device is valid and bound. Both are static strings with a NUL.
            unsafe {
                ffi::sgdma_say_not_attached(dev.as_raw(), why.as_char_ptr(), remedy.as_char_ptr())
            };
            return Err(EOPNOTSUPP);
        }
        let place = Place::new_ours(Gfp::from(GFP_KERNEL_ACCOUNT))?;
        let mut raw = ffi::sgdma_attachment {
            attachment: core::ptr::null_mut(),
            sgt: core::ptr::null_mut(),
        };
        let told = revocation
            .as_ref()
            .map_or(core::ptr::null_mut(), |revocation| revocation.as_raw());
        // SAFETY: The dma-buf is valid. The device is bound and has a mask, by the invariants of
        // `DmaFacts`. The direction is not `DMA_NONE`. The revocation is on the heap, and is freed
        // after the mapping is undone.
        to_result(unsafe {
            ffi::sgdma_dma_buf_map(buf.as_raw(), dev.as_raw(), direction, told, &mut raw)
        })?;
        let needs_turns = if is_ours {
            // SAFETY: The buffer is ours, and `raw` is mapped.
            unsafe { export::needs_turns(&raw) }
        } else {
            !is_peer_memory && (dev.sync_debug() || Coherency::of(dev) != Coherency::Coherent)
        };
        // INVARIANT: The call above has filled in `raw`. `dev` has this route as long as it is
        // bound.
        let this = Self {
            buf: buf.clone(),
            raw,
            dev: dev.as_raw(),
            direction,
            route: dev.route(),
            needs_turns,
            revocation,
        };
        if let Err(error) = this.check(dev) {
            // SAFETY: The device is bound, and was told no address.
            unsafe { this.release() };
            return Err(error);
        }
        Ok(place.put(this))
    }

    /// Checks that the table has all bytes, in segments that `dev` can use.
    ///
    /// Not every exporter minds the limits of a device: the system heap does not.
    fn check(&self, dev: DmaDevice<'_>) -> Result {
        // SAFETY: By the type invariants the table is mapped, and nobody changes it.
        let table = unsafe { DmaTable::from_raw(self.raw.sgt) };
        // Without the limit of sync-debug mode: such a mapping has no shadow.
        // SAFETY: The device is valid and bound.
        let max = unsafe { ffi::sgdma_dma_get_max_seg_size(dev.as_raw()) }.into();
        let boundary = dev.seg_boundary() as u64;
        let mask = dev.mask();
        let mut len = 0;
        for segment in table.dma_segments() {
            let last = segment.addr.checked_add(segment.len.saturating_sub(1));
            if last.is_none_or(|last| last > mask) {
                return Err(EIO);
            }
            if segment.len > max || boundary != u64::MAX && !segment.within(boundary) {
                return Err(E2BIG);
            }
            len += segment.len;
        }
        if len != self.buf.len() as u64 {
            return Err(EIO);
        }
        Ok(())
    }
}

/// Returns true if bus addresses lead elsewhere once `dev` is unbound, for caches that must be
/// maintained or for bounce buffers.
///
/// The kernel forgets at unbind what it knows of a device's `dma-ranges`, and may forget that the
/// device is behind an IOMMU.
fn is_moved_by_unbinding(dev: DmaDevice<'_>) -> bool {
    match dev.route() {
        // SAFETY: The device is valid and bound: `dev` borrows it.
        DmaRoute::Direct => unsafe { ffi::sgdma_has_ranges(dev.as_raw()) },
        DmaRoute::Iommu => {
            // SAFETY: As above.
            dev.needs_cache_maintenance() || unsafe { ffi::sgdma_is_untrusted(dev.as_raw()) }
        }
        DmaRoute::Ops => Coherency::of(dev) != Coherency::Coherent,
        DmaRoute::Domain => true,
    }
}

impl Hold for Attachment {
    fn is_where_it_was(&self) -> bool {
        if self.buf.is_ours() {
            // SAFETY: The buffer is ours, and by the type invariants `raw` is mapped.
            return unsafe { export::is_where_it_was(&self.raw) };
        }
        if self.buf.is_peer_memory() {
            // SAFETY: The buffer is such memory, and by the type invariants `raw` is mapped. The
            // device is bound: the quarantine asks for this only while the device is being bound.
            return unsafe { ffi::sgdma_peer_memory_is_where_it_was(self.buf.as_raw(), &self.raw) };
        }
        // Behind an IOMMU nobody can tell: the pages are the exporter's secret.
        // SAFETY: The device is valid: whoever holds this value has a reference to it.
        self.route == DmaRoute::Direct && unsafe { DmaRoute::of(self.dev) } == DmaRoute::Direct
    }

    unsafe fn release(self) {
        // SAFETY:
        // - By the type invariants `raw` is of these. `self` is dropped at the end, so it is undone
        //   once.
        // - The device is bound, or mapped as it was, and does not use the buffer: the caller
        //   promises that.
        unsafe { ffi::sgdma_dma_buf_unmap(self.buf.as_raw(), &self.raw, self.direction) };
    }
}
