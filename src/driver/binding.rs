// SPDX-License-Identifier: GPL-2.0

//! Bindings: everything that this module does to a device for its driver.
//!
//! [`Binding::begin`] builds a binding up in stages:
//!
//! 1. Switches DMA off, which firmware may have left on.
//! 2. Enables the device's registers.
//! 3. Saves the device's DMA limits and applies the driver's.
//! 4. Calls the driver's `quiesce`, and releases the orphans of a device that was reset.
//! 5. Attaches the device to a domain, if the driver maps in one. Comes before 7, because attaching
//!    loses vectors where an IOMMU translates MSI, and before 8, whose memory is in the domain.
//! 6. Switches DMA on, unless orphans are left.
//! 7. Allocates interrupt vectors, if the driver handles interrupts.
//! 8. Calls the driver's `probe`, which makes the driver's data.
//! 9. Requests the interrupts. From here on handlers run.
//! 10. Calls the driver's `start`.
//! 11. Registers the device nodes, which the driver names.
//!
//! [`Binding::end`] takes a binding down, when the driver is unbound and also when a stage above
//! fails. The order is always the same:
//!
//! 1. Begins unbinding: the gate is revoked, so no file operation begins any more, and
//!    operations that wait are woken.
//! 2. Calls the driver's `unbind`.
//! 3. Waits for the file operations that are still running.
//! 4. Takes back the device's memory that other devices use, and waits for these devices, 30
//!    seconds at most. Comes before 5: after `stop` the memory may be gone.
//! 5. Calls the driver's `stop`. The device still works, handlers run, and nobody else uses it, but
//!    for devices that 4 has waited for in vain.
//! 6. Frees the interrupts, and then ends work items and timers. Each of these may start the
//!    other, so they are shut down and not only waited for.
//! 7. Switches DMA off and waits for the transfers that are under way. The interrupts are freed
//!    before, because an MSI is a write of the device to memory.
//! 8. Drops the driver's data, and waits for the worker that frees deferred buffers.
//! 9. Releases the buffers in quarantine, or makes orphans of them. If a buffer is left that no
//!    reset covers, or DMA could not be switched off, the bus first resets the device.
//! 10. Waits for the devices that still use its memory. Comes after 9, where the driver's own use
//!     of other devices' memory ends, but for orphans: two bindings without any do not wait for
//!     each other.
//! 11. Frees the vectors, and detaches the device from its domain. A device that may still be
//!     using buffers, or doing DMA, stays attached until a later binding's `quiesce` resets the
//!     device: in the domain it finds what the domain's devices were given.
//! 12. Restores the DMA limits and disables the device's registers.
//!
//! On a bus without a switch for DMA, such as the platform bus, stages 1 and 6 and step 7 do
//! nothing. Such a bus resets no device either, so only the driver's word says that the device uses
//! no more buffers.
//!
//! Anything else that is ever acquired for a driver becomes a stage here, and nowhere else.

#[cfg(CONFIG_DMA_SHARED_BUFFER)]
use crate::dmabuf::peer_memory;
use crate::{
    base::lock_class::lock_class,
    device::{
        dma_device::{
            DmaDevice,
            DmaFacts, //
        },
        limits::DmaLimits,
        route::DmaRoute, //
    },
    domain::{
        device::private::BoundDevice,
        paging::Attachment, //
    },
    driver::{
        bus::{
            Bus,
            Halt,
            Quiet, //
        },
        handlers::HandlerSet,
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
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

/// The DMA limits that a device had before its binding. A drop restores the limits.
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
    /// Boxed: each `DmaDevice` of the binding refers to it.
    facts: Option<KBox<DmaFacts<'bound>>>,
    /// Boxed: a `DomainDevice` of the binding refers to its domain.
    attachment: Option<KBox<Attachment>>,
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
            // SAFETY: The quarantine is that of a binding to a device of this bus.
            quarantine: KBox::pin_init(unsafe { Quarantine::new(B::start_dma) }, GFP_KERNEL)?,
            enabled: false,
            limits: None,
            facts: None,
            attachment: None,
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
        let has_switch = bus.stop_dma() != Halt::NoSwitch;
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
        let mut dma = unsafe { self.dma_device(bus, &limits) }?;

        if bus.quiesce(info)? == Quiet::Reset {
            quarantine::release_orphans(dma.as_raw());
            // One of them may have kept the device attached to a domain.
            // SAFETY: `probe()` comes later, and the earlier result is not used any more.
            dma = unsafe { self.dma_device(bus, &limits) }?;
        }
        let orphans = quarantine::orphans(dma.as_raw());
        if dma.route() == DmaRoute::Domain {
            dev_err!(
                bus.device(),
                "{}\n",
                if orphans > 0 {
                    "still attached to the domain of an earlier binding, at work: the driver has \
                     to reset the device in quiesce()"
                } else {
                    "attached to a domain of somebody else: end that use, then bind again"
                }
            );
            return Err(EBUSY);
        }
        // SAFETY: This is the first call, and `probe()` comes later.
        let device = unsafe { self.bound_device(dma, orphans) }?;
        if orphans > 0 {
            dev_warn!(
                bus.device(),
                "{}the device may still use {} buffers of earlier bindings, until the driver \
                 resets it\n",
                if has_switch {
                    "bus mastering stays off: "
                } else {
                    ""
                },
                orphans
            );
        } else {
            // SAFETY: `dma` borrows a device of this bus, which is being bound.
            unsafe { B::start_dma(dma.as_raw()) };
        }
        self.quarantine.start_dma_at_reset(dma.as_raw());

        if D::Handlers::HAS_IRQ {
            self.vectors = bus.alloc_vectors()?;
        }
        let handlers = HandlerSet::new(self.vectors)?;
        // SAFETY: `end()` drops the handlers after the context, which alone has the result.
        let tasks = unsafe { handlers.tasks() };
        let handlers = self.handlers.insert(handlers);
        let ctx = KBox::pin_init(
            DriverContext::new(dma, device, tasks, bus.probe(device, info)),
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

    /// Applies `limits`, and returns the DMA device. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` for limits that contradict their documentation, `EIO` if the platform refuses them.
    ///
    /// # Safety
    ///
    /// Called after `self.limits` was set and before the driver's `probe()`. The result of an
    /// earlier call is not used any more.
    unsafe fn dma_device<B: Bus<D>>(
        &mut self,
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
            let facts = DmaFacts::with_limits(bus.device(), &*unbinding, limits, &*quarantine)?;
            let facts: *const DmaFacts<'bound> =
                &**self.facts.insert(KBox::new(facts, GFP_KERNEL)?);
            Ok((*facts).dma())
        }
    }

    /// Returns the device that the driver is given. Attaches it to a domain, if the driver maps in
    /// one. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` for a domain, if the device has `orphans`: they lie in the domain of the DMA API.
    ///
    /// # Safety
    ///
    /// Called once, and before the driver's `probe()`.
    unsafe fn bound_device(
        &mut self,
        dma: DmaDevice<'bound>,
        orphans: usize,
    ) -> Result<D::Dma<'bound>> {
        let attachment = &mut self.attachment;
        // SAFETY:
        // - The attachment attaches the device. Only `end()` drops it, after the driver's data, and
        //   all that borrows the binding.
        // - The reference to it stays valid as long: the box stays in place on the heap. A
        //   `DomainDevice` in forgotten data is not used any more.
        // - The data is made by `data`, here or for another device of the domain.
        unsafe {
            D::Dma::new(dma, |data| {
                if orphans > 0 {
                    dev_err!(
                        dma.device(),
                        "not attached to a domain: the device may still use {} buffers of earlier \
                         bindings; the driver has to reset it in quiesce()\n",
                        orphans
                    );
                    return Err(EBUSY);
                }
                let number = D::domain(dma.device());
                let made = Attachment::new(dma, D::MODULE, number, data)?;
                let made: *const Attachment = &**attachment.insert(KBox::new(made, GFP_KERNEL)?);
                Ok(&*made)
            })
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
        #[cfg(CONFIG_DMA_SHARED_BUFFER)]
        peer_memory::take_back(bus.device());
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
        #[cfg(CONFIG_DMA_SHARED_BUFFER)]
        peer_memory::end(bus.device());
        self.handlers = None;
        if self.vectors > 0 {
            bus.free_vectors();
        }
        self.attachment = None;
        self.facts = None;
        self.limits = None;
        if self.enabled {
            bus.disable();
        }
    }

    /// Releases the buffers in quarantine, or makes orphans of them. A device that may still be
    /// using buffers, or doing DMA, stays attached to its domain, as an orphan, too. May sleep.
    ///
    /// The driver's data was dropped, so no more buffers come.
    fn end_quarantine<B: Bus<D>>(&mut self, bus: &B, quiet: Quiet, halt: Halt) {
        let is_open = self.quarantine.is_open();
        // Switching DMA off only pauses the device: once DMA is on again, the device may go on. So
        // only a reset, or the driver's word, ends the device's use of the buffers.
        let is_over = match halt {
            Halt::Gone => true,
            Halt::Halted | Halt::NoSwitch if !is_open => quiet == Quiet::Reset,
            Halt::Halted | Halt::NoSwitch | Halt::Failed => bus
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
        } else if is_open || halt == Halt::Failed {
            if let Some(attachment) = self.attachment.take() {
                dev_err!(
                    bus.device(),
                    "stays attached to its domain, because the device may still do DMA, until a \
                     driver resets the device in quiesce()\n"
                );
                // SAFETY: The device is bound: the binding has not ended. The quarantine is that of
                // the binding.
                unsafe { KBox::into_inner(attachment).leave_attached(&self.quarantine) };
            }
        }
        self.quarantine.end(is_over, D::MODULE);
        // DMA debugging, which reports other mappings that were forgotten, does not know these.
        let forgotten = self.quarantine.ranges();
        if forgotten != 0 {
            let dev = crate::device::dma_device::as_raw(bus.device());
            // SAFETY: The device is valid: `bus` is a reference to it.
            unsafe { ffi::sgdma_say_forgotten(dev, forgotten) };
        }
    }
}

/// The private data of a bound device, which the driver core owns.
///
/// The driver core drops it at unbind at the latest. No driver owns one, so no driver can forget it
/// and leave the nodes registered.
#[pin_data]
pub(crate) struct Owned<'bound, D: Driver> {
    /// `None` once `unbind()` has taken the binding down.
    #[pin]
    binding: Mutex<Option<Binding<'bound, D>>>,
}

lock_class!(binding_class, c"sgdma binding");

impl<'bound, D: Driver> Owned<'bound, D> {
    /// Binds the driver to the device `bus`: see [`Binding::begin`].
    pub(crate) fn bind<B: Bus<D>>(
        bus: &'bound B,
        info: Option<&'bound B::IdInfo>,
    ) -> impl PinInit<Self, Error> + use<'bound, D, B> {
        pin_init::pin_init_scope(move || {
            let binding = Binding::begin(bus, info)?;
            let class = binding_class();
            Ok(try_pin_init!(Self {
                binding <- Mutex::new(Some(binding), class.name, class.key),
            }))
        })
    }

    /// Unbinds the driver from the device `bus`. May sleep.
    pub(crate) fn unbind<B: Bus<D>>(&self, bus: &'bound B) {
        // The lock is released before the binding ends: the driver's hooks must not run under it.
        let binding = self.binding.lock().take();
        if let Some(binding) = binding {
            binding.end(bus);
        }
    }
}
