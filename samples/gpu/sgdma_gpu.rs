// SPDX-License-Identifier: GPL-2.0

//! A GPU driver in the manner of vmwgfx, written against `sgdma`.
//!
//! User space makes buffer objects; the device finds their pages through page tables, which the
//! driver fills with bus addresses. The device is QEMU's `edu`: it has a DMA engine and no idea of
//! page tables, so the driver walks them in its place, by what the *device* reads. `README.md` says
//! more. Read in this order:
//!
//! - this file: which device, what it can address, what exists while it is bound
//! - `../common/edu.rs`: the hardware
//! - `../common/scratch.rs`: what the device reads and writes for the driver
//! - `../common/sharing.rs`: how memory is shared with it
//! - `object.rs`: buffer objects, and when they are mapped for the device
//! - `mob.rs`: page tables, and the device's way through them
//! - `file.rs`, `../common/request.rs`: what user space asks

#[path = "../common/edu.rs"]
mod edu;
mod file;
mod mob;
mod object;
#[path = "../common/request.rs"]
mod request;
#[path = "../common/scratch.rs"]
mod scratch;
#[path = "../common/sharing.rs"]
mod sharing;

use kernel::{
    device::Core,
    dma::DmaMask,
    new_mutex, pci,
    prelude::*,
    rbtree::RBTree,
    sync::{
        atomic::Atomic,
        Arc,
        Mutex, //
    },
};
use object::{
    Mode,
    Object, //
};
use sgdma::{
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    Quiet, //
};
use sharing::Sharing;

/// `edu`'s PCI device id. Its vendor id, 0x1234, has no name in the kernel, so it is matched by
/// class, which some other devices have too.
const EDU_DEVICE_ID: u16 = 0x11e8;
const EDU_CLASS: u32 = 0x00ff00;

/// VMware's SVGA adapter. QEMU's model of it has no DMA engine.
const SVGA_DEVICE_ID: u16 = 0x0405;

kernel::pci_device_table!(
    PCI_TABLE,
    MODULE_PCI_TABLE,
    (),
    [
        (pci::DeviceId::from_class(EDU_CLASS, 0xffffff), ()),
        (
            pci::DeviceId::from_id(pci::Vendor::VMWARE, SVGA_DEVICE_ID as u32),
            ()
        ),
    ]
);

struct Gpu;

/// What exists while a device is bound, and open files are lent.
#[pin_data]
struct GpuData<'bound> {
    sharing: Sharing<'bound>,
    #[pin]
    engine: edu::Engine<'bound>,
    /// The objects of all files, by number of the file and handle.
    #[pin]
    objects: Mutex<RBTree<(u64, u32), Arc<Object<'bound>>>>,
    files: Atomic<u64>,
}

impl sgdma::pci::Driver for Gpu {
    type IdInfo = ();
    type Data<'bound> = GpuData<'bound>;
    type Files = file::ObjectFile;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: &()) -> Result<Quiet> {
        match pdev.device_id() {
            EDU_DEVICE_ID => edu::quiesce(pdev),
            SVGA_DEVICE_ID => Ok(Quiet::Unknown),
            _ => Err(ENODEV),
        }
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<GpuData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            if pdev.device_id() == SVGA_DEVICE_ID {
                dev_info!(
                    pdev,
                    "no DMA engine to drive; {}\n",
                    sgdma::Coherency::of(dma)
                );
                return Err(ENODEV);
            }
            // Where memory cannot be shared, this driver is for those who ask for it.
            let mode = *module_parameters::mode.value();
            let ownership = *module_parameters::ownership.value();
            let sharing = match (Mode::try_from(mode), ownership) {
                (Ok(_), 0) => Sharing::Always(CoherentDevice::probe(dma)?),
                (Ok(_), 1) => Sharing::ByTurns(dma),
                _ => {
                    dev_err!(pdev, "mode={} ownership={}: see modinfo\n", mode, ownership);
                    return Err(EINVAL);
                }
            };
            Ok(try_pin_init!(GpuData {
                sharing,
                engine <- edu::Engine::new(pdev, dma),
                objects <- new_mutex!(RBTree::new()),
                files: Atomic::new(0),
            }))
        })
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&GpuData<'bound>>) -> Quiet {
        // Nobody begins a transfer any more, but one that did not end in time may be under way.
        edu::quiesce(pdev).unwrap_or(Quiet::Unknown)
    }
}

sgdma::module_pci_driver! {
    type: Gpu,
    name: "sgdma_gpu",
    authors: ["sgdma developers"],
    description: "Buffer objects and page tables, by the DMA engine of QEMU's edu device",
    license: "GPL",
    params: {
        mode: u32 {
            default: 2,
            description: "Objects' memory by default: 1 coherent, 2 mapped when created, 3 mapped when bound",
        },
        ownership: u8 {
            default: 0,
            description: "1: synchronise, rather than refuse devices that are not coherent",
        },
    },
}
