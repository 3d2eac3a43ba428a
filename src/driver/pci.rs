// SPDX-License-Identifier: GPL-2.0

//! PCI drivers whose DMA limits are set for them and whose open files are gated.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)
//!
//! [`kernel::pci::Driver`] leaves two things to `unsafe` code: setting the DMA mask, which must not
//! happen while memory is mapped, and letting open files reach what exists only while the device
//! is bound. It leaves a third to nobody: taking back what was done to the device. [`Driver`] is
//! that trait with all of it done at the right moments.

use crate::{
    device::{
        dma_device::DmaDevice,
        limits::DmaLimits, //
    },
    driver::binding::{
        Binding,
        Bus,
        Halt,
        Quiet, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    container_of,
    device::{
        self,
        Core,
        Device, //
    },
    driver,
    error::to_result,
    new_mutex,
    pci,
    prelude::*,
    sync::Mutex, //
};

/// A PCI driver. Declare its module with [`module_pci_driver!`](crate::module_pci_driver).
///
/// Each binding is built up in this order, and taken down in the reverse one, also where it fails
/// in the middle:
///
/// | | what the library does | and undoes | what the driver does |
/// |---|---|---|---|
/// | 1 | switches bus mastering off, which firmware may have left on | | |
/// | 2 | enables the device's memory: `pci_enable_device_mem()` | `pci_disable_device()` | [`limits`](Self::limits) |
/// | 3 | applies the limits | brings the old ones back | [`quiesce`](Self::quiesce) |
/// | 4 | switches bus mastering on: `pci_set_master()` | switches it off, and waits for what is under way | [`probe`](Self::probe) |
/// | 5 | registers the node of [`Files`](crate::Driver::Files) | shuts the gate; [`unbind`](Self::unbind); waits for file operations; [`stop`](Self::stop) | |
///
/// So no driver calls [`enable_device_mem`] or [`set_master`] itself. The first adds one to a count
/// that nobody takes back then: the `enable` file of the device shows it. The second changes
/// nothing after stage 4, unless what an earlier driver has left keeps bus mastering off; there,
/// and before stage 4, it lets the device do DMA that it should not. Whatever the driver has done,
/// bus mastering is off when the binding has ended, or the log says that it could not be switched
/// off. Decoding of the device's memory stays switched on, as `pci_disable_device()` leaves it.
///
/// Stage 4 leaves bus mastering off, with a line in the log, if buffers of an earlier binding are
/// still the device's: it comes on when the driver says that the device was reset, by
/// [`Reset::done`](crate::Reset::done).
///
/// [`enable_device_mem`]: kernel::pci::Device::enable_device_mem
/// [`set_master`]: kernel::pci::Device::set_master
///
/// ```
/// use kernel::{device::Core, dma::DmaMask, pci, prelude::*};
/// use sgdma::{DmaDevice, DmaLimits, Mapped, NoFiles, SgTable, ToDevice};
///
/// kernel::pci_device_table!(PCI_TABLE, MODULE_PCI_TABLE, (), [
///     (pci::DeviceId::from_class(0x00ff00, 0xffffff), ()),
/// ]);
///
/// struct Gpu;
///
/// impl sgdma::Driver for Gpu {
///     type Data<'bound> = Mapped<'bound, ToDevice>;
///     type Files = NoFiles;
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
///         _info: &'bound (),
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
    /// What the table of ids says of each; see [`kernel::pci::Driver::IdInfo`].
    type IdInfo: 'static;

    /// The ids of the devices this driver serves.
    const ID_TABLE: pci::IdTable<Self::IdInfo>;

    /// What the device can address; see [`limits`](Self::limits).
    const DMA: DmaLimits;

    /// Says what this device can address, where that depends on which one it is: by its id, or by a
    /// register. May sleep.
    ///
    /// Applied once, before any memory is mapped. An error fails the binding; so do limits that
    /// contradict their documentation (`EINVAL`), or whose masks the platform refuses (`EIO`).
    ///
    /// ```
    /// # use kernel::{device::Core, dma::DmaMask, io::Io, pci, prelude::*};
    /// # use sgdma::DmaLimits;
    /// # const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());
    /// fn limits(pdev: &pci::Device<Core<'_>>, _info: &()) -> Result<DmaLimits> {
    ///     let registers = pdev.iomap_region_sized::<8>(0, c"mydriver")?;
    ///     Ok(match registers.read32(0x4) & 1 {
    ///         0 => DmaLimits::from_mask(DmaMask::new::<36>()),
    ///         _ => DMA,
    ///     })
    /// }
    /// ```
    fn limits(pdev: &pci::Device<Core<'_>>, info: &Self::IdInfo) -> Result<DmaLimits> {
        let _ = (pdev, info);
        Ok(Self::DMA)
    }

    /// Makes the device quiet, which may be at work for a driver, firmware or kernel of before: the
    /// device has its registers, and does no DMA yet, nor raises an MSI interrupt. May sleep.
    ///
    /// [`Quiet::Reset`] has the buffers that earlier bindings have left released. An error fails
    /// the binding.
    fn quiesce(pdev: &pci::Device<Core<'_>>, info: &Self::IdInfo) -> Result<Quiet> {
        let _ = (pdev, info);
        Ok(Quiet::Unknown)
    }

    /// Binds to `pdev`; see [`kernel::pci::Driver::probe`]. May sleep.
    ///
    /// The node of [`Files`](crate::Driver::Files), if any, appears when this has succeeded.
    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Hears that unbinding has begun. May sleep.
    ///
    /// File operations that come now answer `ENODEV`. Those that have passed the gate still use
    /// `data`, or are about to, and unbind will wait for them. [`has_begun`] tells them, however
    /// late they look, and [`wait`] has returned, or will at once: a driver whose operations ask and
    /// sleep so has nothing to do here.
    ///
    /// [`has_begun`]: crate::Unbinding::has_begun
    /// [`wait`]: crate::Unbinding::wait
    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        let _ = (pdev, data);
    }

    /// Makes the device quiet: file operations have ended, and the device is whole, with its
    /// interrupts. May sleep.
    ///
    /// What follows keeps the device from memory, and drops `data`. Called after
    /// [`unbind`](Self::unbind); both are also where the node could not be registered.
    /// [`Quiet::Reset`] has all that was dropped in flight released, without a reset of the
    /// function.
    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) -> Quiet {
        let _ = (pdev, data);
        Quiet::Unknown
    }
}

/// The registration of a [`Driver`]; unregisters it when dropped. For
/// [`module_pci_driver!`](crate::module_pci_driver) only.
#[doc(hidden)]
#[pin_data]
pub struct Registration<D: Driver> {
    #[pin]
    inner: driver::Registration<pci::Adapter<Adapter<D>>>,
}

impl<D: Driver> Registration<D> {
    /// Registers the driver under `name`. May sleep.
    ///
    /// # Safety
    ///
    /// Called by the module `D::MODULE`, in which this code is then compiled, and dropped before
    /// that is unloaded.
    pub unsafe fn new(name: &'static CStr) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner <- driver::Registration::new(name, D::MODULE),
        })
    }
}

/// Makes a [`kernel::pci::Driver`] of a [`Driver`].
///
/// Private, as only the driver core may call its probe, which sets the DMA limits, and own what
/// that returns.
struct Adapter<D>(PhantomData<D>);

/// What the driver core keeps for a bound device.
///
/// It drops it at unbind at the latest. No driver ever owns one, so none can forget it and leave
/// the node behind.
#[pin_data]
struct Bound<'bound, D: Driver> {
    /// None once unbind has been through.
    #[pin]
    binding: Mutex<Option<Binding<'bound, D>>>,
}

impl<D: Driver> pci::Driver for Adapter<D> {
    type IdInfo = D::IdInfo;
    type Data<'bound> = Bound<'bound, D>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = D::ID_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let binding = Binding::begin(pdev, info)?;
            Ok(try_pin_init!(Bound {
                binding <- new_mutex!(Some(binding)),
            }))
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        // Out of the lock, which none of what follows is to hold.
        let binding = this.binding.lock().take();
        if let Some(binding) = binding {
            binding.end(pdev);
        }
    }
}

/// What is read of a device that does not answer.
const NO_ANSWER: u16 = !0;

impl<D: Driver> Bus<D> for pci::Device<Core<'_>> {
    type IdInfo = D::IdInfo;

    fn device(&self) -> &Device<device::Bound> {
        self.as_ref()
    }

    fn enable(&self) -> Result {
        self.enable_device_mem()
    }

    fn disable(&self) {
        // SAFETY: The device is valid. It was enabled by this binding, which disables it once.
        unsafe { bindings::pci_disable_device(as_raw(self)) };
    }

    unsafe fn start_dma(dev: *mut bindings::device) {
        // SAFETY: It is embedded in a PCI device, as the caller promises. That is bound.
        unsafe { bindings::pci_set_master(container_of!(dev, bindings::pci_dev, dev)) };
    }

    fn stop_dma(&self) -> Halt {
        let pdev = as_raw(self);
        let mut command = 0;
        // SAFETY: The device is valid, and its lock is held, as in each of its callbacks: nobody
        // else changes its command register. `command` is valid for writing.
        unsafe {
            bindings::pci_clear_master(pdev);
            // The answer comes after what the device has written: see `docs/soundness.md`.
            bindings::pci_read_config_word(pdev, bindings::PCI_COMMAND as c_int, &mut command);
        }
        if command == NO_ANSWER {
            // SAFETY: As above.
            if unsafe { (*pdev).error_state } == bindings::pci_channel_io_perm_failure {
                return Halt::Gone;
            }
            dev_err!(self, "bus mastering cannot be switched off: no answer\n");
            return Halt::Failed;
        }
        if command & bindings::PCI_COMMAND_MASTER as u16 != 0 {
            dev_err!(self, "bus mastering cannot be switched off\n");
            return Halt::Failed;
        }
        // SAFETY: As above. It sleeps, as callbacks may.
        if unsafe { bindings::pci_wait_for_pending_transaction(pdev) } == 0 {
            dev_err!(self, "transactions are pending, with bus mastering off\n");
            return Halt::Failed;
        }
        Halt::Halted
    }

    fn reset(&self) -> Result {
        let pdev = as_raw(self);
        // SAFETY: The device is valid, and its lock is held. Its configuration, without bus
        // mastering, is saved and brought back: so the device must answer.
        unsafe {
            match bindings::pci_device_is_present(pdev) {
                true => to_result(bindings::pci_reset_function_locked(pdev)),
                false => Err(ENODEV),
            }
        }
    }

    fn limits(&self, info: &D::IdInfo) -> Result<DmaLimits> {
        D::limits(self, info)
    }

    fn quiesce(&self, info: &D::IdInfo) -> Result<Quiet> {
        D::quiesce(self, info)
    }

    fn probe<'bound>(
        &'bound self,
        dma: DmaDevice<'bound>,
        info: &'bound D::IdInfo,
    ) -> impl PinInit<D::Data<'bound>, Error> + 'bound {
        D::probe(self, dma, info)
    }

    fn unbind<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) {
        D::unbind(self, data);
    }

    fn stop<'bound>(&'bound self, data: Pin<&D::Data<'bound>>) -> Quiet {
        D::stop(self, data)
    }
}

fn as_raw(pdev: &pci::Device<Core<'_>>) -> *mut bindings::pci_dev {
    // CAST: `Device` is `repr(transparent)` over the C structure, inside an `Opaque`, which allows
    // mutation behind a shared reference.
    core::ptr::from_ref(pdev).cast_mut().cast()
}

/// Declares a module that is one PCI driver: [`kernel::module_pci_driver!`] for [`Driver`].
///
/// Takes the same fields.
#[macro_export]
macro_rules! module_pci_driver {
    (type: $type:ty, $($f:tt)*) => {
        // SAFETY: The macro is expanded in the driver's module, whose `THIS_MODULE` this is.
        unsafe impl $crate::DriverModule for $type {
            const MODULE: &'static ::kernel::ThisModule = &THIS_MODULE;
        }

        #[::kernel::prelude::pin_data]
        struct PciDriverModule {
            #[pin]
            _driver: $crate::pci::Registration<$type>,
        }

        impl ::kernel::InPlaceModule for PciDriverModule {
            fn init(
                _module: &'static ::kernel::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, ::kernel::error::Error> {
                ::kernel::try_pin_init!(Self {
                    // SAFETY: This is the driver's module, and its exit drops what its init made.
                    _driver <- unsafe {
                        $crate::pci::Registration::new(<Self as ::kernel::ModuleMetadata>::NAME)
                    },
                })
            }
        }

        ::kernel::prelude::module! {
            type: PciDriverModule,
            $($f)*
        }
    };
}
