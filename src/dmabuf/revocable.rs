// SPDX-License-Identifier: GPL-2.0

//! A dma-buf that is mapped for a device, and that the exporter may take back.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! Memory of another device, such as its registers or the memory on its board, goes with that
//! device. The exporter of such memory only accepts importers that it can tell when the memory
//! goes: `dma_buf_dynamic_attach()`.
//!
//! The exporter calls with the reservation held, so nothing can be unmapped in the call. It sets a
//! flag and queues a work item of the driver, which is lent the binding. The driver stops its
//! device there, and drops the buffer, which takes the reservation. The exporter waits until then,
//! without the reservation. While the binding ends, the work item may not run any more; then the
//! end of the binding drops the buffer.

use crate::{
    base::direction::Direction,
    device::dma_device::DmaDevice,
    dmabuf::{
        attached::Attached,
        buffer::DmaBuf,
        revocation::Revocation, //
    },
    lifecycle::work_ref::WorkRef,
    map::in_flight::{
        private, //
        InFlight,
        Mapping,
    },
    walk::dma::DmaTable, //
};
use kernel::prelude::*;

/// An [`Attached`] dma-buf that the exporter may take back.
///
/// [`DmaBuf::attach_revocable`] makes one. It has no addresses of its own: each use asks for them
/// by [`table`](Self::table), which fails once the exporter has taken the buffer back.
///
/// The exporter waits for the drop, so the driver drops the value soon: in the work item that it
/// has named, once its device has stopped. A value that is dropped in flight keeps the exporter
/// waiting, until the device is reset.
///
/// ```
/// # use kernel::{prelude::*, sync::Mutex};
/// # use sgdma::{FromDevice, InFlight, Revocable};
/// /// In the work item: unmaps what exporters have taken back.
/// fn unmap(buffers: &Mutex<KVec<InFlight<Revocable<'_, FromDevice>>>>, engine: &Engine) {
///     let mut buffers = buffers.lock();
///     while let Some(at) = buffers.iter().position(|buffer| buffer.is_revoked()) {
///         engine.stop();
///         if let Ok(buffer) = buffers.remove(at) {
///             drop(buffer.complete());
///         }
///     }
/// }
/// # struct Engine;
/// # impl Engine {
/// #     fn stop(&self) {}
/// # }
/// ```
#[must_use = "dropping the value unmaps the buffer"]
#[doc(alias = "dma_buf_attach_ops")]
pub struct Revocable<'bound, D: Direction>(Attached<'bound, D>);

impl<'bound, D: Direction> Revocable<'bound, D> {
    /// Attaches `dev` to `buf`. If the exporter takes the buffer back, `work` is queued.
    pub(crate) fn new(buf: &DmaBuf, dev: DmaDevice<'bound>, work: WorkRef) -> Result<Self> {
        let revocation = KBox::new(Revocation::new(work), GFP_KERNEL_ACCOUNT)?;
        Ok(Self(Attached::new(buf, dev, Some(revocation))?))
    }

    /// Returns the length of the buffer in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty one cannot be exported"
    )]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns what [`Attached::needs_turns`] does.
    pub fn needs_turns(&self) -> bool {
        self.0.needs_turns()
    }

    /// Returns true if the exporter has taken the buffer back. For any context.
    pub fn is_revoked(&self) -> bool {
        self.0.is_revoked()
    }

    /// Returns the device's view of the buffer: the bus addresses, and the walks over them.
    ///
    /// The exporter may take the buffer back as soon as this has returned. The bytes stay mapped
    /// until the value is dropped, so the device finds no other memory there.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the exporter has taken the buffer back.
    pub fn table(&self) -> Result<&DmaTable> {
        if self.is_revoked() {
            return Err(ENODEV);
        }
        Ok(&self.0)
    }

    /// Puts the buffer in flight, as [`Attached::submit`] does.
    pub fn submit(self) -> InFlight<Self> {
        InFlight::new(self)
    }
}

impl<D: Direction> Mapping for Revocable<'_, D> {}

impl<D: Direction> private::Mapping for Revocable<'_, D> {
    fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    unsafe fn hold(self, epoch: u64) {
        // SAFETY: The caller promises that the mapping was submitted at `epoch`.
        unsafe { self.0.hold(epoch) };
    }
}
