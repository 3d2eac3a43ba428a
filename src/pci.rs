// SPDX-License-Identifier: GPL-2.0

//! PCI drivers whose DMA limits are set for them and whose open files are gated.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)
//!
//! [`kernel::pci::Driver`] leaves two things to `unsafe` code: setting the DMA mask, which must not
//! happen while memory is mapped, and letting open files reach what exists only while the device
//! is bound. [`Driver`] is that trait with both done at the right moments.

use crate::{
    device::{
        DmaDevice,
        DmaLimits, //
    },
    files::{
        FileOps,
        Lent,
        Node, //
    },
    unbinding::Unbinding, //
};
use core::marker::PhantomData;
use kernel::{
    device::Core,
    driver,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    ThisModule, //
};

/// The module a driver is in; implemented by [`module_pci_driver!`](crate::module_pci_driver).
///
/// # Safety
///
/// [`MODULE`](Self::MODULE) is the module that the implementing code is in.
pub unsafe trait DriverModule {
    /// `THIS_MODULE` of the driver.
    const MODULE: &'static ThisModule;
}

/// A PCI driver. Declare its module with [`module_pci_driver!`](crate::module_pci_driver).
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
/// impl sgdma::pci::Driver for Gpu {
///     type IdInfo = ();
///     type Data<'bound> = Mapped<'bound, ToDevice>;
///     type Files = NoFiles;
///
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
pub trait Driver: DriverModule + Sized + 'static {
    /// What the table of ids says of each; see [`kernel::pci::Driver::IdInfo`].
    type IdInfo: 'static;

    /// The ids of the devices this driver serves.
    const ID_TABLE: pci::IdTable<Self::IdInfo>;

    /// What the device can address; applied before [`probe`](Self::probe).
    const DMA: DmaLimits;

    /// The driver's objects for one bound device. They may borrow the binding.
    type Data<'bound>: Send + Sync + 'bound;

    /// What user space can open: a type of the driver, or [`NoFiles`](crate::NoFiles).
    type Files: FileOps<Self>;

    /// Binds to `pdev`; see [`kernel::pci::Driver::probe`]. May sleep.
    ///
    /// The node of [`Files`](Self::Files), if any, appears when this has succeeded.
    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Unbind has begun. May sleep.
    ///
    /// File operations that come now answer `ENODEV`. Those that have passed the gate still use
    /// `data`, or are about to, and unbind will wait for them. [`Unbinding::has_begun`] tells them,
    /// however late they look, and [`Unbinding::wait`] has returned, or will at once: a driver
    /// whose operations ask and sleep so has nothing to do here.
    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        let _ = (pdev, data);
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
struct Binding<'bound, D: Driver> {
    /// None once unbind has been through.
    #[pin]
    parts: Mutex<Option<Parts<'bound, D>>>,
}

struct Parts<'bound, D: Driver> {
    // First, so that it is dropped first: that waits for the operations that use `lent`.
    #[expect(dead_code, reason = "for its drop")]
    node: Option<Pin<KBox<Node<D>>>>,
    lent: Pin<KBox<Lent<'bound, D>>>,
    // Last, as all of them borrow it; in a box, so that it stays where it is.
    unbinding: KBox<Arc<Unbinding>>,
}

impl<D: Driver> pci::Driver for Adapter<D> {
    type IdInfo = D::IdInfo;
    type Data<'bound> = Binding<'bound, D>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = D::ID_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
            let unbinding = KBox::new(unbinding, GFP_KERNEL)?;
            // SAFETY: It stays in its box, which is dropped after all that the driver has for this
            // binding: its data, which is in `lent`, or, on an error, was dropped with that.
            let borrowed: &'bound Arc<Unbinding> = unsafe { &*core::ptr::from_ref(&*unbinding) };
            // SAFETY:
            // - Mapping and allocating DMA memory takes a bound device. This binding has just
            //   begun, under the device lock, and no code of the driver has run in it yet; what an
            //   earlier binding lent has ended with that one.
            // - The PCI core gives all of its devices `dma_parms`.
            let dma = unsafe { DmaDevice::with_limits(pdev.as_ref(), borrowed, &D::DMA) }?;

            let lent = KBox::pin_init(Lent::new(dma, D::probe(pdev, dma, info)), GFP_KERNEL)?;
            let node = match D::Files::NODE {
                Some(prefix) => {
                    // SAFETY: `lent` is pinned on the heap and only shared. It is dropped after
                    // `node`, here on an error and in `Parts` otherwise, within the binding.
                    let node = unsafe { Node::register(prefix, dma, &raw const *lent) };
                    Some(KBox::pin_init(node, GFP_KERNEL)?)
                }
                None => None,
            };
            Ok(try_pin_init!(Binding {
                parts <- new_mutex!(Some(Parts { node, lent, unbinding })),
            }))
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        // The driver core would drop it all, but only after the bus has let go of the device: its
        // IOMMU may serve somebody else by then.
        let Some(parts) = this.parts.lock().take() else {
            return;
        };
        parts.unbinding.begin();
        D::unbind(pdev, parts.lent.as_ref().data());
    }
}

/// Declares a module that is one PCI driver: [`kernel::module_pci_driver!`] for [`Driver`].
///
/// Takes the same fields.
#[macro_export]
macro_rules! module_pci_driver {
    (type: $type:ty, $($f:tt)*) => {
        // SAFETY: The macro is expanded in the driver's module, whose `THIS_MODULE` this is.
        unsafe impl $crate::pci::DriverModule for $type {
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
