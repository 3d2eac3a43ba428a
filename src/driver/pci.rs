// SPDX-License-Identifier: GPL-2.0

//! PCI drivers, with everything that DMA and open files need at binding and unbinding.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)
//!
//! A driver of [`kernel::pci::Driver`] needs `unsafe` code for setting the DMA mask, which must not
//! happen while memory is mapped, and for letting open files access data that exists only while the
//! device is bound. From 7.3 on it needs `unsafe` code for requesting interrupts, too. Nothing
//! restores the device's mask, limits and bus mastering after such a driver. For a [`Driver`] the
//! library does all of this at the right moments.

pub use crate::base::portable::ProbeInfo;

use crate::{
    device::limits::DmaLimits,
    driver::{
        binding::Owned,
        bus::{
            hooks,
            registration,
            Bus,
            Halt,
            Quiet, //
        },
        DriverContext, //
    },
    ffi, //
};
use core::ops::RangeInclusive;
use kernel::{
    bindings,
    container_of,
    device::{
        self,
        Core,
        Device,
        DeviceContext, //
    },
    error::to_result,
    pci,
    prelude::*, //
};

/// A PCI driver. [`module_pci_driver!`](crate::module_pci_driver) declares its module.
///
/// The library builds each binding up in these stages, and takes the stages down in the reverse
/// order, when the driver is unbound and also when a stage fails:
///
/// | | the library builds up | the library takes down | then the driver's |
/// |---|---|---|---|
/// | 1 | switches bus mastering off | | |
/// | 2 | enables the memory BARs: `pci_enable_device_mem()` | `pci_disable_device()` | [`limits`] |
/// | 3 | applies the limits | restores the old limits | [`quiesce`] |
/// | 4 | enables bus mastering: `pci_set_master()` | `pci_clear_master()`, and waits | [`probe`] |
/// | 5 | requests the interrupts of [`VECTORS`] | ends all handlers | [`start`] |
/// | 6 | registers the nodes of [`Files`] | revokes the gate, [`unbind`], waits, [`stop`] | |
///
/// A device whose driver maps in a domain is attached before stage 4, and detached after stage 5
/// was taken down: see [`DomainDevice`](crate::DomainDevice).
///
/// Stage 1 is there because firmware may have left bus mastering on. In stage 4 the library waits
/// for DMA transfers that are under way, in stage 6 for file operations. Before `stop`, the library
/// takes [`PeerMemory`](crate::PeerMemory) back, and waits 30 seconds at most. It waits again
/// before stage 2 is taken down, as long as it takes.
///
/// In stage 4 bus mastering stays off, with a line in the log, if the device may still access
/// buffers of an earlier binding. Later the library takes bus mastering away, with a line in the
/// log, if the device goes on with the memory of another one, whose driver is being unbound. Each
/// [`Reset::done`](crate::Reset::done) switches bus mastering on again, if the library has taken it
/// away.
///
/// So a driver must not call [`enable_device_mem`] or [`set_master`]. `enable_device_mem`
/// increments a count that nobody decrements; the `enable` file of the device in sysfs shows the
/// count. `set_master` lets a device do DMA that must not do DMA yet, or has no effect. After the
/// binding bus mastering is off in any case, or the log says that it could not be switched off.
/// Decoding of the device's memory stays on, because `pci_disable_device()` leaves it on.
///
/// A driver that has [`Handlers::irq`](crate::Handlers::irq) must not call [`alloc_irq_vectors`]: a
/// device has one set of vectors, and the library has allocated it.
///
/// [`limits`]: Self::limits
/// [`quiesce`]: Self::quiesce
/// [`probe`]: Self::probe
/// [`VECTORS`]: Self::VECTORS
/// [`start`]: Self::start
/// [`unbind`]: Self::unbind
/// [`stop`]: Self::stop
/// [`Files`]: crate::Driver::Files
///
/// [`enable_device_mem`]: kernel::pci::Device::enable_device_mem
/// [`set_master`]: kernel::pci::Device::set_master
/// [`alloc_irq_vectors`]: kernel::pci::Device::alloc_irq_vectors
///
/// ```
/// use kernel::{device::Core, dma::DmaMask, pci, prelude::*};
/// use sgdma::{DmaDevice, DmaLimits, Mapped, NoFiles, NoHandlers, SgTable, ToDevice};
///
/// sgdma::pci_device_table!(PCI_TABLE, (), [
///     (pci::DeviceId::from_class(0x00ff00, 0xffffff), ()),
/// ]);
///
/// struct Gpu;
///
/// impl sgdma::Driver for Gpu {
///     type Data<'bound> = Mapped<'bound, ToDevice>;
///     type Files = NoFiles;
///     type Handlers = NoHandlers;
///     type Dma<'bound> = DmaDevice<'bound>;
/// }
///
/// impl sgdma::pci::Driver for Gpu {
///     type IdInfo = ();
///     const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
///     const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());
///
///     fn probe<'bound>(
///         _pdev: &'bound pci::Device<Core<'_>>,
///         dma: DmaDevice<'bound>,
///         _info: Option<&'bound ()>,
///     ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
///         Ok::<_, Error>(SgTable::alloc(1 << 20, dma, GFP_KERNEL)?.map(dma, ToDevice)?)
///     }
/// }
///
/// sgdma::module_pci_driver! {
///     type: Gpu,
///     name: "gpu",
///     authors: ["your name"],
///     description: "Maps a buffer",
///     license: "GPL",
/// }
/// # fn main() {}
/// ```
pub trait Driver: crate::Driver {
    /// The data of each entry in the table of ids; see [`kernel::pci::Driver::IdInfo`].
    ///
    /// A device that is bound by `new_id` or `driver_override` in sysfs need not match an entry.
    /// From 7.3 on the methods below then get `None`. In 7.2 they get the data of the first entry.
    type IdInfo: 'static;

    /// The ids of the devices that this driver serves.
    const ID_TABLE: pci::IdTable<Self::IdInfo>;

    /// The DMA limits of the device; see [`limits`](Self::limits).
    const DMA: DmaLimits;

    /// The smallest and largest number of interrupt vectors; one by default.
    ///
    /// The device gets MSI-X or MSI vectors, or else one legacy interrupt, if the driver has
    /// [`Handlers::irq`](crate::Handlers::irq). Binding fails, with a line in the log, if the
    /// device gets fewer than the smallest number. [`Tasks::vectors`](crate::Tasks::vectors)
    /// returns the number that the device was given.
    const VECTORS: RangeInclusive<u32> = 1..=1;

    /// Returns the DMA limits of this device; [`DMA`](Self::DMA) by default. May sleep.
    ///
    /// For devices whose limits depend on their id or on a register. The limits are applied once,
    /// before any memory is mapped.
    ///
    /// # Errors
    ///
    /// An error fails the binding. The binding also fails if the limits contradict their
    /// documentation (`EINVAL`), or if the platform refuses the masks (`EIO`).
    ///
    /// ```
    /// # use kernel::{device::Core, dma::DmaMask, io::Io, pci, prelude::*};
    /// # use sgdma::DmaLimits;
    /// # const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());
    /// fn limits(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<DmaLimits> {
    ///     let registers = pdev.iomap_region_sized::<8>(0, c"mydriver")?;
    ///     Ok(match registers.read32(0x4) & 1 {
    ///         0 => DmaLimits::from_mask(DmaMask::new::<36>()),
    ///         _ => DMA,
    ///     })
    /// }
    /// ```
    fn limits(pdev: &pci::Device<Core<'_>>, info: Option<&Self::IdInfo>) -> Result<DmaLimits> {
        let _ = (pdev, info);
        Ok(Self::DMA)
    }

    /// Makes the device quiet, before it may do DMA. May sleep.
    ///
    /// The device may still be busy for an earlier driver, for firmware or for an earlier kernel.
    /// Its registers are accessible. Bus mastering is off, so the device can neither do DMA nor
    /// raise an MSI interrupt. [`Quiet::Reset`] releases the buffers that earlier bindings of the
    /// device left in quarantine.
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn quiesce(pdev: &pci::Device<Core<'_>>, info: Option<&Self::IdInfo>) -> Result<Quiet> {
        let _ = (pdev, info);
        Ok(Quiet::Unknown)
    }

    /// Creates the driver's data for `pdev`; see [`kernel::pci::Driver::probe`]. May sleep.
    ///
    /// Handlers run after this has succeeded.
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: Self::Dma<'bound>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Starts the device, which may do DMA and raise interrupts. May sleep.
    ///
    /// Here the driver may wait for interrupts of its device, because the handlers run already. The
    /// nodes of [`Files`](crate::Driver::Files) appear after this has succeeded.
    ///
    /// # Errors
    ///
    /// An error fails the binding. The binding ends as if the driver were unbound:
    /// [`unbind`](Self::unbind) and [`stop`](Self::stop) are called.
    fn start(pdev: &pci::Device<Core<'_>>, ctx: &DriverContext<'_, Self>) -> Result {
        let _ = (pdev, ctx);
        Ok(())
    }

    /// Ends file operations that would run for long, as unbinding has begun. May sleep.
    ///
    /// New file operations fail with `ENODEV`. Operations that passed the gate before still use
    /// `data`; unbinding waits for them after this. An operation in [`wait`] has been woken, and
    /// [`has_begun`] returns true. So a driver whose operations use only these two to wait needs no
    /// `unbind`.
    ///
    /// [`has_begun`]: crate::Unbinding::has_begun
    /// [`wait`]: crate::Unbinding::wait
    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        let _ = (pdev, data);
    }

    /// Makes the device quiet before its DMA is switched off and `data` is dropped. May sleep.
    ///
    /// All file operations have ended. The device still works: its registers are accessible, it may
    /// do DMA and raise interrupts, and handlers run. But unbinding has begun, so
    /// [`Unbinding::wait`](crate::Unbinding::wait) returns at once. Called after
    /// [`unbind`](Self::unbind). Both are also called if a stage after `probe` failed.
    ///
    /// Other devices may still access [`PeerMemory`](crate::PeerMemory) of the device if their
    /// drivers have not given it back in time.
    ///
    /// [`Quiet::Reset`] releases all buffers that were submitted before and dropped in flight,
    /// without a reset of the PCI function. Handlers run until `stop` has returned. A driver that
    /// returns `Quiet::Reset` keeps its handlers from starting the device again.
    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) -> Quiet {
        let _ = (pdev, data);
        Quiet::Unknown
    }
}

registration!(
    pci,
    "module_pci_driver",
    {
        const ID_TABLE: pci::IdTable<Self::IdInfo> = D::ID_TABLE;
    },
    ProbeInfo<'bound, Self::IdInfo>
);

impl<D: Driver> Bus<D> for pci::Device<Core<'_>> {
    type IdInfo = D::IdInfo;

    fn device(&self) -> &Device<device::Bound> {
        self.as_ref()
    }

    fn enable(&self) -> Result {
        self.enable_device_mem()
    }

    fn disable(&self) {
        // SAFETY: The device is valid: `self` is a reference to it. The binding has enabled it, and
        // disables it once.
        unsafe { bindings::pci_disable_device(as_raw(self)) };
    }

    unsafe fn start_dma(dev: *mut bindings::device) {
        // SAFETY: `dev` is the `dev` of a `struct pci_dev`, which is bound and so valid: the caller
        // promises a bound device of this bus.
        unsafe { ffi::sgdma_start_dma(container_of!(dev, bindings::pci_dev, dev)) };
    }

    fn stop_dma(&self) -> Halt {
        // SAFETY:
        // - The device is valid: `self` is a reference to it.
        // - The device lock is held: `Device<Core>` exists only in callbacks of the driver core.
        // - This sleeps, as such callbacks may.
        match unsafe { ffi::sgdma_halt(as_raw(self)) } {
            ffi::SGDMA_HALTED => Halt::Halted,
            ffi::SGDMA_GONE => Halt::Gone,
            _ => Halt::Failed,
        }
    }

    fn alloc_vectors(&self) -> Result<u32> {
        // The kernel takes both numbers for an `int`.
        const MOST: u32 = c_int::MAX as u32;
        let (min, max) = (*D::VECTORS.start(), *D::VECTORS.end());
        // SAFETY: The device is valid: `self` is a reference to it. The device lock is held, as
        // `Device<Core>` exists only in callbacks of the driver core. If the driver has allocated
        // MSI or MSI-X vectors by the kernel crate before, the kernel allocates no others: this
        // fails, or returns 1 for the legacy interrupt.
        let number = unsafe {
            bindings::pci_alloc_irq_vectors(
                as_raw(self),
                min.clamp(1, MOST),
                max.min(MOST),
                bindings::PCI_IRQ_ALL_TYPES,
            )
        };
        if number < 0 {
            dev_err!(
                self,
                "the device does not get {} to {} interrupt vectors\n",
                min,
                max
            );
        }
        to_result(number)?;
        Ok(number as u32)
    }

    fn irq(&self, vector: u32) -> Result<u32> {
        // SAFETY: The device is valid: `self` is a reference to it.
        let number = unsafe { bindings::pci_irq_vector(as_raw(self), vector) };
        to_result(number)?;
        Ok(number as u32)
    }

    fn free_vectors(&self) {
        // SAFETY: The device is valid: `self` is a reference to it. The binding has allocated
        // vectors, and has freed their interrupts.
        unsafe { bindings::pci_free_irq_vectors(as_raw(self)) };
    }

    fn reset(&self) -> Result {
        let pdev = as_raw(self);
        // SAFETY: The device is valid: `self` is a reference to it.
        if !unsafe { bindings::pci_device_is_present(pdev) } {
            // The reset would save and restore a configuration that cannot be read.
            return Err(ENODEV);
        }
        // SAFETY:
        // - The device is valid: `self` is a reference to it.
        // - The device lock is held: `Device<Core>` exists only in callbacks of the driver core.
        to_result(unsafe { bindings::pci_reset_function_locked(pdev) })
    }

    hooks!();
}

/// Returns the `struct pci_dev` of a device.
pub(super) fn as_raw<C: DeviceContext>(pdev: &pci::Device<C>) -> *mut bindings::pci_dev {
    // CAST: `Device` is `repr(transparent)` over the C structure, inside an `Opaque`, which allows
    // mutation behind a shared reference.
    core::ptr::from_ref(pdev).cast_mut().cast()
}

/// Declares a module that is one PCI driver: [`kernel::module_pci_driver!`] for [`Driver`].
///
/// The fields are those of that macro.
#[macro_export]
macro_rules! module_pci_driver {
    ($($f:tt)*) => {
        $crate::module_driver_of_bus!(pci, $($f)*);
    };
}
