// SPDX-License-Identifier: GPL-2.0

//! The device that a driver is given: one that the DMA API maps for, or one that is attached to a
//! domain.

use crate::{
    device::{
        dma_device::DmaDevice,
        reset::Reset, //
    },
    domain::{
        data::{
            DomainData,
            MakeData, //
        },
        paging::{
            Attachment,
            Domain, //
        },
    },
    lifecycle::unbinding::Unbinding,
    table::limits::SegmentLimits, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    prelude::*,
    sync::Arc, //
};

/// A bound device that is attached to a [`Domain`]: the token that mapping in the domain asks for.
///
/// A driver with `type Dma<'bound> = DomainDevice<'bound>` is given one. The binding attaches the
/// device before its DMA is switched on and before vectors are allocated, and detaches the device
/// after its DMA has ended and its vectors were freed. The token lives no longer than the binding.
///
/// The device sees nothing but what is mapped in the domain. Memory that the DMA API maps for an
/// attached device is in another address space, so the device would not find it. Nothing of this
/// library maps so: a `DomainDevice` is no [`DmaDevice`], and gives none. Buffers and rings come
/// from [`SgTable::map_at`](crate::SgTable::map_at).
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, DomainDevice, DomainMapping, SgTable};
/// /// Makes a buffer that all devices of the domain find at the same address.
/// fn at_4_gib(dev: DomainDevice<'_>) -> Result<DomainMapping<Bidirectional>> {
///     let table = SgTable::alloc(1 << 20, dev, GFP_KERNEL)?;
///     let mapping = table.map_at(dev, 1 << 32, Bidirectional)?;
///     mapping.for_cpu()?.copy_from_slice(0, b"for all of them")?;
///     Ok(mapping)
/// }
/// ```
///
/// `T` is data of the driver that the devices of one domain share: see [`DomainData`].
///
/// # Which devices can be attached
///
/// Binding fails, with the reason in the log, for these devices:
///
/// - `ENODEV` if no IOMMU translates for the device.
/// - `EBUSY` if another device of its IOMMU group is bound to a driver that uses the DMA API, or
///   its group is attached already. The kernel refuses to bind such a device later. It refuses to
///   bind this one while somebody else, VFIO for one, has the group.
/// - `EBUSY` if the device cannot use what is mapped in the domain already, or differs from the
///   devices that are attached in whether caches are coherent.
/// - `EBUSY` if the device may still use buffers of earlier bindings: its driver resets it in
///   `quiesce`.
/// - `EPERM` if firmware wants memory mapped for a device of the group at all times.
/// - `EINVAL` if its IOMMU is not that of the domain.
pub struct DomainDevice<'bound, T: DomainData = ()> {
    member: Member<'bound>,
    data: &'bound T,
}

/// A device that is attached, without the driver's data.
///
/// # Invariants
///
/// The device is attached to `domain` as long as it is bound.
#[derive(Clone, Copy)]
pub(super) struct Member<'bound> {
    pub(super) dma: DmaDevice<'bound>,
    pub(super) domain: &'bound Domain,
}

impl<T: DomainData> Clone for DomainDevice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: DomainData> Copy for DomainDevice<'_, T> {}

impl<'bound, T: DomainData> DomainDevice<'bound, T> {
    /// Returns the bound device.
    pub fn device(self) -> &'bound Device<Bound> {
        self.member.dma.device()
    }

    /// Returns the domain.
    pub fn domain(self) -> &'bound Domain {
        self.member.domain
    }

    /// Returns the data that all devices of the domain share.
    pub fn data(self) -> &'bound T {
        self.data
    }

    /// Returns the state of this binding's end, by which a driver's code can sleep until then.
    pub fn unbinding(self) -> &'bound Arc<Unbinding> {
        self.member.dma.unbinding()
    }

    /// States that the driver is about to reset the device: see [`DmaDevice::begin_reset`]. For any
    /// context.
    pub fn begin_reset(self) -> Reset<'bound> {
        self.member.dma.begin_reset()
    }

    /// Returns the device without the driver's data.
    pub(super) fn member(self) -> Member<'bound> {
        self.member
    }
}

/// A domain has no limits of segments. Where caches are not coherent, the DMA API maintains them,
/// and its limits for the device count.
impl<'a, T: DomainData> From<DomainDevice<'a, T>> for SegmentLimits<'a> {
    fn from(dev: DomainDevice<'a, T>) -> Self {
        if dev.domain().is_coherent() {
            Self::NONE
        } else {
            dev.member.dma.into()
        }
    }
}

/// A device that a driver is given: [`DmaDevice`] or [`DomainDevice`].
///
/// No other type can implement it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, Driver, DriverContext, SgTable};
/// /// A function for all drivers whose devices the DMA API maps for.
/// fn alloc<'bound, D>(ctx: &DriverContext<'bound, D>, len: usize) -> Result<SgTable>
/// where
///     D: Driver<Dma<'bound> = DmaDevice<'bound>>,
/// {
///     SgTable::alloc(len, ctx.dma(), GFP_KERNEL)
/// }
/// ```
pub trait BoundDevice<'bound>: private::BoundDevice<'bound> + Copy + Send + Sync + 'bound {}

pub(crate) mod private {
    use super::*;

    /// A driver cannot name this trait, but its generic code can call what is in it.
    pub trait BoundDevice<'bound>: Sized {
        /// Makes the value for a device. If it is to be attached, `attach` does that.
        ///
        /// # Safety
        ///
        /// If `attach` returns an attachment, that is of the device, and lasts until the end of
        /// `'bound`. Its data was made by the argument of `attach`.
        unsafe fn new(
            dma: DmaDevice<'bound>,
            attach: impl FnOnce(MakeData) -> Result<&'bound Attachment>,
        ) -> Result<Self>;
    }
}

impl<'bound> BoundDevice<'bound> for DmaDevice<'bound> {}

impl<'bound> private::BoundDevice<'bound> for DmaDevice<'bound> {
    unsafe fn new(
        dma: DmaDevice<'bound>,
        _attach: impl FnOnce(MakeData) -> Result<&'bound Attachment>,
    ) -> Result<Self> {
        Ok(dma)
    }
}

impl<'bound, T: DomainData> BoundDevice<'bound> for DomainDevice<'bound, T> {}

impl<'bound, T: DomainData> private::BoundDevice<'bound> for DomainDevice<'bound, T> {
    unsafe fn new(
        dma: DmaDevice<'bound>,
        attach: impl FnOnce(MakeData) -> Result<&'bound Attachment>,
    ) -> Result<Self> {
        let attachment = attach(MakeData::of::<T>())?;
        // INVARIANT: The device is attached until the end of `'bound`, as the caller promises.
        let member = Member {
            dma,
            domain: attachment.domain(),
        };
        Ok(Self {
            member,
            // Devices share a domain only if they share a type of data.
            data: attachment.data().downcast_ref().ok_or(EINVAL)?,
        })
    }
}
