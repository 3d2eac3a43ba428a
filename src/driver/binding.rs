// SPDX-License-Identifier: GPL-2.0

//! Bindings: everything that this module does to a device for its driver.
//!
//! [`Binding::begin`] builds a binding up in stages:
//!
//! 1. It switches DMA off, which firmware may have left on.
//! 2. It enables the device's registers.
//! 3. It saves the device's DMA limits and applies the driver's.
//! 4. It calls the driver's `quiesce`, and releases the orphans of a device that was reset.
//! 5. It switches DMA on, unless orphans are left.
//! 6. It allocates interrupt vectors, if the driver handles interrupts.
//! 7. It calls the driver's `probe`, which makes the driver's data.
//! 8. It requests the interrupts. From here on handlers run.
//! 9. It calls the driver's `start`.
//! 10. It registers the device nodes, which the driver's files name.
//!
//! [`Binding::end`] takes a binding down, in one order. It runs when the driver is unbound, and
//! also when a stage above fails:
//!
//! 1. It revokes the gate: no file operation begins any more, and waiting operations are woken.
//! 2. It calls the driver's `unbind`.
//! 3. It waits for the file operations that are still running.
//! 4. It calls the driver's `stop`. The device still works, handlers run, and nobody else uses it.
//! 5. It frees the interrupts, and then ends work items and timers. Each of these may start the
//!    other, so they are shut down and not only waited for.
//! 6. It switches DMA off and waits for the transfers that are under way. This comes after the
//!    interrupts: an MSI is a write of the device to memory.
//! 7. It drops the driver's data.
//! 8. It releases the buffers in quarantine, or makes orphans of them.
//! 9. It frees the vectors, restores the DMA limits and disables the device's registers.
//!
//! Anything else that is ever acquired for a driver becomes a stage here, and nowhere else.

use crate::{
    device::{
        dma_device::DmaDevice,
        limits::DmaLimits, //
    },
    driver::{
        handlers::{
            HandlerSet,
            Irq, //
        },
        node::DeviceNodes,
        nodes::Nodes, //
        Driver,
        DriverContext,
        FileOps,
        Handlers,
    },
    ffi,
    lifecycle::{
        deferred,
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

/// A driver's statement on what its device may still do after the driver made it quiet.
///
/// The statement is about hardware, as [`InFlight::complete`](crate::InFlight::complete) is, so no
/// type can check it. See `docs/soundness.md`.
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
    /// The device will not access any buffer that it was told of before: it was reset, or has
    /// finished everything.
    ///
    /// From `quiesce` this releases the buffers that earlier bindings of the device left in
    /// quarantine. From `stop` it releases the buffers in quarantine without a reset by the bus.
    Reset,
    /// The device may go on with the buffers that it was told of before, once it may do DMA.
    Unknown,
}

/// The result of switching a device's DMA off.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Halt {
    /// The device does no DMA. All that it wrote before has arrived in memory.
    Halted,
    /// The device was removed.
    Gone,
    /// The device may still do DMA.
    Failed,
}

/// A device of driver `D` on its bus: the operations that a binding needs of the bus, and the hooks
/// of the driver.
///
/// The device type of each bus implements this. All functions but [`start_dma`](Self::start_dma)
/// may sleep.
pub(crate) trait Bus<D: Driver> {
    /// The data of the driver in its table of device ids.
    type IdInfo;

    /// Returns the device.
    fn device(&self) -> &Device<Bound>;

    /// Enables the device's registers. Calls are counted.
    fn enable(&self) -> Result;

    /// Takes one call of [`enable`](Self::enable) back.
    fn disable(&self);

    /// Lets the device do DMA. Does not sleep.
    ///
    /// # Safety
    ///
    /// `dev` is a device of this bus, and bound.
    unsafe fn start_dma(dev: *mut bindings::device);

    /// Switches the device's DMA off, and waits for the transfers that are under way.
    fn stop_dma(&self) -> Halt;

    /// Resets the device, whose DMA stays off.
    ///
    /// # Errors
    ///
    /// An error of the bus, if this device cannot be reset alone.
    fn reset(&self) -> Result;

    /// Allocates as many interrupt vectors as the driver wants and the device gets. Returns their
    /// number, which is not zero.
    fn alloc_vectors(&self) -> Result<u32>;

    /// Returns the interrupt of a vector.
    fn irq(&self, vector: u32) -> Result<Irq>;

    /// Frees the vectors of [`alloc_vectors`](Self::alloc_vectors).
    fn free_vectors(&self);

    /// Calls the driver's `limits`.
    fn limits(&self, info: Option<&Self::IdInfo>) -> Result<DmaLimits>;

    /// Calls the driver's `quiesce`.
    fn quiesce(&self, info: Option<&Self::IdInfo>) -> Result<Quiet>;

    /// Calls the driver's `probe`.
    fn probe<'bound>(
        &'bound self,
        dma: DmaDevice<'bound>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<D::Data<'bound>, Error> + 'bound;

    /// Calls the driver's `start`.
    fn start(&self, ctx: &DriverContext<'_, D>) -> Result;

    /// Calls the driver's `unbind`.
    fn unbind<'bound>(&'bound self, data: Pin<&D::Data<'bound>>);

    /// Calls the driver's `stop`.
    fn stop<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) -> Quiet;
}

/// The DMA limits that a device had before its binding; a drop restores them.
///
/// # Invariants
///
/// - `sgdma_save_limits()` has stored `limits` for `dev`.
/// - When the value is dropped, no memory is being mapped or allocated for `dev`, and nobody
///   accesses memory that is still mapped for `dev`.
#[must_use = "dropping it restores the limits at once"]
struct SavedLimits<'bound> {
    dev: &'bound Device<Bound>,
    limits: ffi::sgdma_limits,
}

impl<'bound> SavedLimits<'bound> {
    /// Saves the DMA limits of `dev`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the device has no limits of its own, because its mask is that of its parent.
    ///
    /// # Safety
    ///
    /// When the result is dropped:
    ///
    /// - No memory is being mapped or allocated for `dev`.
    /// - Nobody accesses memory that is still mapped for `dev`, until it is unmapped.
    unsafe fn new(dev: &'bound Device<Bound>) -> Result<Self> {
        let mut limits = ffi::sgdma_limits::default();
        // SAFETY: The device is valid: `dev` borrows it. `limits` is valid for writing.
        to_result(unsafe {
            ffi::sgdma_save_limits(crate::device::dma_device::as_raw(dev), &mut limits)
        })
        .inspect_err(|_| {
            dev_err!(
                dev,
                "cannot bind: this device shares the DMA limits of its parent\n"
            )
        })?;
        // INVARIANT: `sgdma_save_limits()` has succeeded for `dev`. The caller promises the rest.
        Ok(Self { dev, limits })
    }
}

impl Drop for SavedLimits<'_> {
    fn drop(&mut self) {
        // SAFETY:
        // - The device is valid: `dev` borrows it.
        // - By the type invariants `limits` was saved for this device.
        // - By the type invariants nobody maps or allocates for the device now, so nobody sees
        //   limits that change. Memory that is still mapped, because it was forgotten or is in
        //   quarantine, is later unmapped by its bus address; the limits have no part in that.
        unsafe {
            ffi::sgdma_restore_limits(crate::device::dma_device::as_raw(self.dev), &self.limits)
        };
    }
}

/// A binding, or those of its stages that have been built.
#[must_use = "only end() takes a binding down"]
pub(crate) struct Binding<'bound, D: Driver> {
    // The fields are in the order in which they are made. `end()` goes backwards.
    /// Boxed: each `DmaDevice` of the binding has a reference to it.
    unbinding: KBox<Arc<Unbinding>>,
    /// Boxed for the same reason.
    quarantine: Pin<KBox<Quarantine>>,
    /// True if `Bus::enable()` was called.
    enabled: bool,
    limits: Option<SavedLimits<'bound>>,
    /// The number of vectors that the bus has allocated.
    vectors: u32,
    handlers: Option<HandlerSet<D>>,
    ctx: Option<Pin<KBox<DriverContext<'bound, D>>>>,
    nodes: Option<DeviceNodes<D>>,
}

impl<'bound, D: Driver> Binding<'bound, D> {
    /// Binds the driver to the device `bus`. May sleep.
    ///
    /// # Errors
    ///
    /// Those of the bus and of the driver's hooks, `ENOMEM`, `EINVAL` for wrong limits, and `EIO`
    /// if the platform refuses the limits. The stages that were built are taken down again.
    pub(crate) fn begin<B: Bus<D>>(
        bus: &'bound B,
        info: Option<&'bound B::IdInfo>,
    ) -> Result<Self> {
        let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
        let mut this = Self {
            unbinding: KBox::new(unbinding, GFP_KERNEL)?,
            quarantine: KBox::pin_init(Quarantine::new(B::start_dma), GFP_KERNEL)?,
            enabled: false,
            limits: None,
            vectors: 0,
            handlers: None,
            ctx: None,
            nodes: None,
        };
        match this.build(bus, info) {
            Ok(()) => Ok(this),
            Err(error) => {
                this.end(bus);
                Err(error)
            }
        }
    }

    /// Builds all stages. After an error the caller takes down those that were built.
    fn build<B: Bus<D>>(&mut self, bus: &'bound B, info: Option<&'bound B::IdInfo>) -> Result {
        // Firmware may have left DMA on.
        let _ = bus.stop_dma();
        bus.enable()?;
        self.enabled = true;

        // SAFETY: `end()` drops the limits.
        // - Mapping and allocating take something that borrows the binding. Before the limits,
        //   `end()` drops the driver's data, and with it all such values.
        // - A value that the driver has forgotten keeps its memory mapped, but nobody can reach
        //   the value any more.
        self.limits = Some(unsafe { SavedLimits::new(bus.device()) }?);
        let limits = bus.limits(info)?;
        // SAFETY: This is the first call, and `probe()` comes later.
        let dma = unsafe { self.dma_device(bus, &limits) }?;

        if bus.quiesce(info)? == Quiet::Reset {
            quarantine::release_orphans(dma.as_raw());
        }
        match quarantine::orphans(dma.as_raw()) {
            // SAFETY: `dma` borrows a device of this bus, which is being bound.
            0 => unsafe { B::start_dma(dma.as_raw()) },
            number => {
                dev_warn!(
                    bus.device(),
                    "bus mastering stays off until the driver resets the device, which may still \
                     use {} buffers of earlier bindings\n",
                    number
                );
                self.quarantine.start_dma_later(dma.as_raw());
            }
        }

        if D::Handlers::HAS_IRQ {
            self.vectors = bus.alloc_vectors()?;
        }
        let handlers = HandlerSet::new(self.vectors)?;
        // SAFETY: `end()` drops the handlers after the context, which alone has the result.
        let tasks = unsafe { handlers.tasks() };
        let handlers = self.handlers.insert(handlers);
        let ctx = KBox::pin_init(
            DriverContext::new(dma, tasks, bus.probe(dma, info)),
            GFP_KERNEL,
        )?;
        let ctx = self.ctx.insert(ctx);
        // SAFETY:
        // - Starting a handler takes the context, which was just made.
        // - `ctx` is pinned on the heap. `end()` shuts the handlers down before it drops `ctx`.
        //   Until then there are only shared references to `ctx`.
        unsafe { handlers.lend(&raw const **ctx) };
        for vector in 0..self.vectors {
            // SAFETY: The bus has allocated this vector, as the driver has `irq`, and `end()` frees
            // the vectors after the interrupts. `lend()` was called. Each vector is requested once.
            unsafe { handlers.request_irq(vector, bus.irq(vector)?) }?;
        }
        bus.start(ctx)?;
        let mut nodes = Nodes::new();
        D::Files::nodes(ctx, &mut nodes)?;
        if !nodes.specs().is_empty() {
            // SAFETY:
            // - `ctx` is pinned on the heap. `end()` drops it after the nodes, within the binding.
            // - Nobody has `ctx` exclusively: `self` only gives shared references to it.
            self.nodes = Some(unsafe { DeviceNodes::register(nodes, dma, &raw const **ctx) }?);
        }
        Ok(())
    }

    /// Applies `limits`, and returns the token for mapping. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` for limits that contradict their documentation, `EIO` if the platform refuses them.
    ///
    /// # Safety
    ///
    /// Called once, after `self.limits` was set and before the driver's `probe()`.
    unsafe fn dma_device<B: Bus<D>>(
        &self,
        bus: &'bound B,
        limits: &DmaLimits,
    ) -> Result<DmaDevice<'bound>> {
        // SAFETY:
        // - No memory is mapped, being mapped or being allocated for the device: that takes a
        //   bound device. This binding has just begun, under the device lock. The driver's
        //   `limits()` had a bound device, but could not keep it. Borrows of an earlier binding
        //   have ended with that binding.
        // - The bus gave the device its `dma_parms`: `sgdma_save_limits()` has read them for
        //   `self.limits`.
        // - The references to the boxes stay valid as long as a `DmaDevice` is used. The boxes
        //   stay in place on the heap, and `end()` drops them after the driver's data. A
        //   `DmaDevice` in forgotten data is not used any more.
        unsafe {
            let unbinding = &raw const *self.unbinding;
            let quarantine = &raw const *self.quarantine;
            DmaDevice::with_limits(bus.device(), &*unbinding, limits, &*quarantine)
        }
    }

    /// Takes down all stages that were built. May sleep.
    ///
    /// The driver core would drop the binding too, but only after the bus has released the device.
    /// The device's IOMMU may serve another driver by then.
    pub(crate) fn end<B: Bus<D>>(mut self, bus: &'bound B) {
        self.unbinding.begin();
        if let Some(ctx) = &self.ctx {
            bus.unbind(ctx.as_ref().data());
        }
        // The drop of the nodes waits for the file operations that use `ctx`.
        self.nodes = None;
        let quiet = match &self.ctx {
            Some(ctx) => bus.stop(ctx.as_ref().data()),
            None => Quiet::Unknown,
        };
        // The driver's statement covers neither buffers that handlers submit from here on, nor
        // those that the drop of the data submits.
        let reset = (quiet == Quiet::Reset).then(|| self.quarantine.begin_reset());
        if let Some(handlers) = &self.handlers {
            handlers.shut_down();
        }
        // The drop of the data may call `Reset::done()`, which must not switch DMA on again.
        self.quarantine.never_start_dma();
        let halt = bus.stop_dma();
        if let Some(until) = reset {
            self.quarantine.reset(until);
        }
        self.ctx = None;
        deferred::flush();
        self.end_quarantine(bus, quiet, halt);
        self.handlers = None;
        if self.vectors > 0 {
            bus.free_vectors();
        }
        self.limits = None;
        if self.enabled {
            bus.disable();
        }
    }

    /// Releases the buffers in quarantine, or makes orphans of them. May sleep.
    ///
    /// The driver's data was dropped, so no more buffers come.
    fn end_quarantine<B: Bus<D>>(&self, bus: &B, quiet: Quiet, halt: Halt) {
        // Switching DMA off only pauses the device: once DMA is on again, the device may go on. So
        // only a reset, or the driver's word, ends the device's use of the buffers.
        let is_over = match halt {
            Halt::Gone => true,
            Halt::Halted if !self.quarantine.is_open() => quiet == Quiet::Reset,
            Halt::Halted | Halt::Failed => bus
                .reset()
                .inspect_err(|error| {
                    let dev = bus.device();
                    dev_err!(
                        dev,
                        "the reset failed ({:?}): buffers that the device may be using are kept\n",
                        error
                    )
                })
                .is_ok(),
        };
        if is_over {
            quarantine::release_orphans(crate::device::dma_device::as_raw(bus.device()));
        }
        self.quarantine.end(is_over, D::MODULE);
    }
}
