// SPDX-License-Identifier: GPL-2.0

//! Memory of a PCI device that other devices use, without the CPU.
//!
//! C header: [`include/linux/pci-p2pdma.h`](srctree/include/linux/pci-p2pdma.h)
//!
//! A driver makes part of a BAR available. Buffers of it are dma-bufs, so that each driver that
//! accepts memory which may go can use them. The binding takes all of them back when the driver is
//! unbound, and waits until no other device uses any. `peer_memory.c` has the dma-bufs' operations.

use crate::{
    device::{
        dma_device::{
            self,
            DmaDevice, //
        },
        peer_route::PeerRoute, //
    },
    dmabuf::buffer::DmaBuf,
    ffi,
    lifecycle::unbinding::Unbinding, //
};
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    prelude::*, //
};

/// Memory of a bound PCI device that other devices use: `pcim_p2pdma_provider()`.
///
/// [`export`](Self::export) makes a buffer, which another device is attached to by
/// [`DmaBuf::attach_revocable`]. No device reaches the memory of each other one:
/// [`route`](Self::route) says by which route it does, or why not. `sgdma/peers` in debugfs has the
/// answer for all devices. A device that does not reach the memory is refused when it is attached.
///
/// The memory has no pages. The CPU cannot access a buffer through the dma-buf, and neither can
/// user space. The driver may do so by its mapping of the BAR.
///
/// When the driver is unbound, the library takes the buffers back, before the driver's `stop`: the
/// drivers of the other devices are told, stop their devices and unmap. Until then unbinding waits.
/// Every 10 seconds the log names those that it waits for. After 30 seconds a device of this
/// library loses its bus mastering, which stays off until that device's driver
/// [resets](crate::Reset::done) the device, or binds it anew. Then unbinding goes on, and waits
/// again before it disables the device. It ends when all have unmapped.
///
/// A drop leaves the buffers as they are. Until nobody refers to them any more, [`new`](Self::new)
/// returns `EBUSY` for the same bytes. A drop may sleep.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaBuf, DmaDevice, PeerMemory};
/// /// Makes 1 MiB of BAR 2 available, for the driver's data.
/// fn memory(dev: DmaDevice<'_>) -> Result<PeerMemory<'_>> {
///     PeerMemory::new(dev, 2, 0..1 << 20)
/// }
///
/// /// Makes a buffer of 64 KiB of it.
/// fn export(memory: &PeerMemory<'_>) -> Result<DmaBuf> {
///     memory.export(1 << 16)
/// }
/// ```
///
/// # Invariants
///
/// The pointer is to a memory, to which the value has a reference.
#[doc(alias = "pci_p2pdma_add_resource")]
#[doc(alias = "pcim_p2pdma_provider")]
pub struct PeerMemory<'bound> {
    raw: NonNull<ffi::sgdma_peer_memory>,
    unbinding: &'bound Unbinding,
}

// SAFETY: No C function on such a memory depends on the task that calls it.
unsafe impl Send for PeerMemory<'_> {}
// SAFETY: As above. The functions may be called at the same time.
unsafe impl Sync for PeerMemory<'_> {}

impl<'bound> PeerMemory<'bound> {
    /// Makes the bytes `range` of BAR number `bar`, from 0, available to other devices:
    /// `pcim_p2pdma_init()`. May sleep.
    ///
    /// The driver uses none of these bytes for anything else, and none is a register: other devices
    /// write there, and [`export`](Self::export) clears them.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `dev` is no PCI device or was not bound by this library, if the bytes are not
    ///   whole pages of a BAR of memory, or if they include the first 32 KiB of the table of MSI-X
    ///   or the first 256 bytes of its pending bits, however short these are.
    /// - `EBUSY` if some of the bytes are available already, or buffers of an earlier value are
    ///   left.
    /// - `EOPNOTSUPP` if the kernel lacks `CONFIG_PCI_P2PDMA`, or if this device cannot do it.
    /// - `ENODEV` if unbinding has begun.
    /// - `ENOMEM` if there is no memory.
    #[doc(alias = "pcim_p2pdma_init")]
    pub fn new(dev: DmaDevice<'bound>, bar: u32, range: Range<u64>) -> Result<Self> {
        // Only the end of a binding takes memory back.
        if dev.quarantine().is_none() {
            return Err(EINVAL);
        }
        let len = range.end.checked_sub(range.start).ok_or(EINVAL)?;
        let mut raw = core::ptr::null_mut();
        // SAFETY: The device is valid and bound: `dev` borrows it. `raw` is valid for writing.
        to_result(unsafe {
            ffi::sgdma_peer_memory_new(dev.as_raw(), bar, range.start, len, &mut raw)
        })?;
        // INVARIANT: The call above has made the memory, with a reference for the caller.
        let this = Self {
            raw: NonNull::new(raw).ok_or(ENOMEM)?,
            unbinding: dev.unbinding(),
        };
        // `take_back()` comes after unbinding has begun. So it finds the memory, or this returns.
        if this.unbinding.has_begun() {
            return Err(ENODEV);
        }
        Ok(this)
    }

    /// Makes a buffer of `len` bytes, and exports it as a dma-buf. May sleep.
    ///
    /// The bytes are zero, and in one piece. They are available again once nobody refers to the
    /// dma-buf.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero, or not a multiple of the page size.
    /// - `E2BIG` if `len` is 4 GiB or more.
    /// - `ENOSPC` if there are not as many bytes left in one piece.
    /// - `ENODEV` if unbinding has begun.
    /// - `EINTR` if the calling process is being killed.
    /// - `ENOMEM` if there is no memory, `ENFILE` if there are too many files.
    #[doc(alias = "pci_alloc_p2pmem")]
    pub fn export(&self, len: usize) -> Result<DmaBuf> {
        // SAFETY: By the type invariants the memory is valid, and `unbinding` has its flag. The
        // function returns a dma-buf with a reference for the caller, or an error.
        unsafe {
            DmaBuf::from_owned(ffi::sgdma_peer_memory_export(
                self.raw.as_ptr(),
                len,
                self.unbinding.begun(),
            ))
        }
    }

    /// Returns by which route `dev` reaches this memory. Does not sleep.
    ///
    /// The answer does not change while both devices are bound.
    #[doc(alias = "pci_p2pdma_distance")]
    pub fn route(&self, dev: DmaDevice<'_>) -> PeerRoute {
        // SAFETY: By the type invariants the memory is valid. Both devices are bound: they are
        // borrowed.
        let route = unsafe { ffi::sgdma_peer_memory_route(self.raw.as_ptr(), dev.as_raw()) };
        PeerRoute::from_c(route)
    }
}

impl Drop for PeerMemory<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the reference is this value's, which is not used again.
        unsafe { ffi::sgdma_peer_memory_put(self.raw.as_ptr()) };
    }
}

/// Takes back all memory of `dev`, and waits until no other device uses any, 30 seconds at
/// most. May sleep.
///
/// Called by the end of the binding of `dev`.
pub(crate) fn take_back(dev: &Device<Bound>) {
    // SAFETY: The device is valid: `dev` is a reference to it. It is being unbound.
    unsafe { ffi::sgdma_peer_memory_take_back(dma_device::as_raw(dev)) };
}

/// Waits until no other device uses memory of `dev`, which [`take_back`] has taken. May sleep.
///
/// Called by the end of the binding of `dev`, once the driver uses nothing of other devices.
pub(crate) fn end(dev: &Device<Bound>) {
    // SAFETY: As for `take_back()`. The driver's data was dropped, and the quarantine was emptied.
    unsafe { ffi::sgdma_peer_memory_end(dma_device::as_raw(dev)) };
}
