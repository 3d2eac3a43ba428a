// SPDX-License-Identifier: GPL-2.0

//! What a binding consists of: everything that is done to a device for its driver, built up in
//! stages and taken down by one function.
//!
//! A binding ends in one order, whether the driver is unbound or its probe fails, at any stage:
//!
//! 1. the gate is shut, and who waits inside is woken
//! 2. the driver's `unbind`
//! 3. file operations that run come to their end
//! 4. the driver's `stop`: the device whole, nobody inside
//! 5. bus mastering off, and drained
//! 6. the driver's data is dropped
//! 7. quarantine is released
//! 8. the limits are what they were, and so is the count of who has enabled the device
//!
//! What later is acquired for a driver has its place in here, and nowhere else.

use crate::{
    device::{
        dma_device::DmaDevice,
        limits::DmaLimits, //
    },
    driver::{
        node::DeviceNode, //
        Driver,
        DriverContext,
        FileOps,
    },
    ffi,
    lifecycle::{
        quarantine::{
            self,
            Quarantine, //
        },
        unbinding::Unbinding, //
    }, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    prelude::*,
    sync::Arc, //
};

/// What a driver knows of its device that was made quiet.
///
/// It is a statement about hardware, as [`InFlight::complete`](crate::InFlight::complete) is: see
/// `docs/soundness.md`.
///
/// ```
/// # use kernel::{device::Core, pci, prelude::*};
/// # use sgdma::Quiet;
/// // In `Driver::quiesce`:
/// # fn reset(_: &pci::Device<Core<'_>>) -> Result { Ok(()) }
/// # fn quiesce(pdev: &pci::Device<Core<'_>>) -> Result<Quiet> {
/// match reset(pdev) {
///     Ok(()) => Ok(Quiet::Reset),
///     Err(ETIMEDOUT) => Ok(Quiet::Unknown),
///     Err(error) => Err(error),
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// The device was reset, or has ended all that it was told before: it goes on with none of
    /// that.
    ///
    /// What earlier bindings of the device have left in quarantine is then released, and at the end
    /// of a binding what that has left, without a reset by the bus.
    Reset,
    /// It may go on with what it was told before, once it is let to memory.
    Unknown,
}

/// Whether a device does DMA no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It cannot, and what it had sent has arrived.
    Halted,
    /// It is not there any more.
    Gone,
    /// It would not be halted.
    Failed,
}

/// A bus that the devices of driver `D` are on: what a binding asks of the bus, and of the driver
/// by the bus's own trait. Implemented by the bus's type of a device.
///
/// All but [`start_dma`](Self::start_dma) may sleep.
pub(crate) trait Bus<D: Driver> {
    /// What the driver's table of ids says of a device.
    type IdInfo;

    /// Returns the device.
    fn device(&self) -> &Device<Bound>;

    /// Has the device answer at its registers; counted.
    fn enable(&self) -> Result;

    /// Takes one [`enable`](Self::enable) back.
    fn disable(&self);

    /// Lets the device do DMA.
    ///
    /// # Safety
    ///
    /// `dev` is a device of this bus, and bound.
    unsafe fn start_dma(dev: *mut bindings::device);

    /// Keeps the device from DMA, and waits for what is under way.
    fn stop_dma(&self) -> Halt;

    /// Has the device forget all that it was told, DMA staying off.
    ///
    /// # Errors
    ///
    /// That of the bus, if the device cannot be reset by itself.
    fn reset(&self) -> Result;

    /// Calls the driver's `limits`.
    fn limits(&self, info: &Self::IdInfo) -> Result<DmaLimits>;

    /// Calls the driver's `quiesce`.
    fn quiesce(&self, info: &Self::IdInfo) -> Result<Quiet>;

    /// Calls the driver's `probe`.
    fn probe<'bound>(
        &'bound self,
        dma: DmaDevice<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<D::Data<'bound>, Error> + 'bound;

    /// Calls the driver's `unbind`.
    fn unbind<'bound>(&'bound self, data: Pin<&D::Data<'bound>>);

    /// Calls the driver's `stop`.
    fn stop<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) -> Quiet;
}

/// The DMA limits of a device as its binding found them; dropping it brings them back.
struct Found<'bound> {
    dev: &'bound Device<Bound>,
    limits: ffi::sgdma_limits,
}

impl<'bound> Found<'bound> {
    /// # Errors
    ///
    /// `EINVAL` if the device has none of its own, as where its mask is its parent's.
    ///
    /// # Safety
    ///
    /// Whenever the result is dropped, no memory is mapped, being mapped or being allocated for
    /// `dev`, but for what nobody will touch until it is unmapped.
    unsafe fn new(dev: &'bound Device<Bound>) -> Result<Self> {
        let mut limits = ffi::sgdma_limits::default();
        // SAFETY: `dev` is valid, and so is `limits` for writing.
        to_result(unsafe {
            ffi::sgdma_save_limits(crate::device::dma_device::as_raw(dev), &mut limits)
        })
        .inspect_err(|_| dev_err!(dev, "it has no DMA limits of its own, but its parent's\n"))?;
        Ok(Self { dev, limits })
    }
}

impl Drop for Found<'_> {
    fn drop(&mut self) {
        // SAFETY:
        // - `dev` is valid, and these limits were its own.
        // - Nobody maps or allocates, as whoever made this has promised. What was forgotten, or is
        //   kept, is unmapped by its address and by where the device's memory is mapped, which the
        //   masks have no part in.
        unsafe {
            ffi::sgdma_restore_limits(crate::device::dma_device::as_raw(self.dev), &self.limits)
        };
    }
}

/// A binding, or as much of it as there is.
pub(crate) struct Binding<'bound, D: Driver> {
    // In the order in which they are made; `end()` goes backwards.
    /// In a box, so that it stays where it is.
    unbinding: KBox<Arc<Unbinding>>,
    quarantine: Pin<KBox<Quarantine>>,
    enabled: bool,
    limits: Option<Found<'bound>>,
    ctx: Option<Pin<KBox<DriverContext<'bound, D>>>>,
    node: Option<Pin<KBox<DeviceNode<D>>>>,
}

impl<'bound, D: Driver> Binding<'bound, D> {
    /// Binds the driver to a device of `bus`. May sleep.
    pub(crate) fn begin<B: Bus<D>>(bus: &'bound B, info: &'bound B::IdInfo) -> Result<Self> {
        let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
        let mut this = Self {
            unbinding: KBox::new(unbinding, GFP_KERNEL)?,
            quarantine: KBox::pin_init(Quarantine::new(B::start_dma), GFP_KERNEL)?,
            enabled: false,
            limits: None,
            ctx: None,
            node: None,
        };
        match this.build(bus, info) {
            Ok(()) => Ok(this),
            Err(error) => {
                this.end(bus);
                Err(error)
            }
        }
    }

    fn build<B: Bus<D>>(&mut self, bus: &'bound B, info: &'bound B::IdInfo) -> Result {
        // Firmware may have left it on.
        let _ = bus.stop_dma();
        bus.enable()?;
        self.enabled = true;

        // SAFETY: It is dropped by `end()`, when the driver's data is, with which all is dropped
        // that borrows the binding; or it was forgotten, and nobody has it.
        self.limits = Some(unsafe { Found::new(bus.device()) }?);
        let limits = bus.limits(info)?;
        // SAFETY:
        // - Mapping and allocating DMA memory takes a bound device. This binding has just begun,
        //   under the device lock. The one hook of the driver's that has run cannot have kept it;
        //   what an earlier binding lent has ended with that one.
        // - The limits found include `dma_parms`.
        // - Both boxes stay where they are on the heap. They are dropped at the end of `end()`,
        //   after all that may hold a `DmaDevice`; what was forgotten uses neither.
        let dma = unsafe {
            let unbinding = &raw const *self.unbinding;
            let quarantine = &raw const *self.quarantine;
            DmaDevice::with_limits(bus.device(), &*unbinding, &limits, &*quarantine)
        }?;

        if bus.quiesce(info)? == Quiet::Reset {
            quarantine::release_orphans(dma.as_raw());
        }
        match quarantine::orphans(dma.as_raw()) {
            // SAFETY: It is being bound.
            0 => unsafe { B::start_dma(dma.as_raw()) },
            number => {
                dev_warn!(
                    bus.device(),
                    "bus mastering stays off until the driver has reset it: {} buffers of earlier are still its\n",
                    number
                );
                self.quarantine.start_dma_later(dma.as_raw());
            }
        }

        self.ctx = Some(KBox::pin_init(
            DriverContext::new(dma, bus.probe(dma, info)),
            GFP_KERNEL,
        )?);
        if let (Some(prefix), Some(ctx)) = (D::Files::NODE, &self.ctx) {
            // SAFETY: `lent` is pinned on the heap and only shared. It is dropped by `end()`, after
            // the node, within the binding.
            let node = unsafe { DeviceNode::register(prefix, dma, &raw const **ctx) };
            self.node = Some(KBox::pin_init(node, GFP_KERNEL)?);
        }
        Ok(())
    }

    /// Takes down what there is. May sleep.
    ///
    /// The driver core would drop it all, but only after the bus has let go of the device: its
    /// IOMMU may serve somebody else by then.
    pub(crate) fn end<B: Bus<D>>(mut self, bus: &'bound B) {
        self.unbinding.begin();
        if let Some(ctx) = &self.ctx {
            bus.unbind(ctx.as_ref().data());
        }
        // Waits for the operations that use `lent`.
        self.node = None;
        let quiet = match &self.ctx {
            Some(ctx) => bus.stop(ctx.as_ref().data()),
            None => Quiet::Unknown,
        };
        // The data may still say that the device was reset, when it is dropped.
        self.quarantine.never_start_dma();
        let halt = bus.stop_dma();
        if quiet == Quiet::Reset {
            // This is no word about what the data submits when it is dropped.
            self.quarantine.reset(self.quarantine.begin_reset());
        }
        self.ctx = None;
        self.end_quarantine(bus, quiet, halt);
        self.limits = None;
        if self.enabled {
            bus.disable();
        }
    }

    /// Releases what is in quarantine, or has it outlive the binding. The driver's data is gone, so
    /// nothing goes there any more.
    fn end_quarantine<B: Bus<D>>(&self, bus: &B, quiet: Quiet, halt: Halt) {
        // To be kept from memory is a pause: what the device was told, it may go on with later.
        let is_over = match halt {
            Halt::Gone => true,
            Halt::Halted if !self.quarantine.is_open() => quiet == Quiet::Reset,
            Halt::Halted | Halt::Failed => bus
                .reset()
                .inspect_err(|error| {
                    let dev = bus.device();
                    dev_err!(dev, "no reset ({:?}): what it may be at is kept\n", error)
                })
                .is_ok(),
        };
        if is_over {
            quarantine::release_orphans(crate::device::dma_device::as_raw(bus.device()));
        }
        self.quarantine.end(is_over, D::MODULE);
    }
}
