// SPDX-License-Identifier: GPL-2.0

//! An RDMA driver in the manner of bnxt_re and rxe, written against `sgdma`.
//!
//! User space registers memory of its own and gets a key. The device finds the memory by that key:
//! through a page-buffer list, which the driver fills with bus addresses. The device is QEMU's
//! `edu`: it has a DMA engine and no idea of lists, so the driver walks them in its place, by what
//! the *device* reads. `README.md` says more. Read in this order:
//!
//! - this file: which device, what it can address, what exists while it is bound
//! - `../common/edu.rs`: the hardware
//! - `../common/scratch.rs`: what the device reads and writes for the driver
//! - `region.rs`: registered memory, and who may do what with it
//! - `pbl.rs`: page-buffer lists, and the device's way through them
//! - `file.rs`, `../common/request.rs`: what user space asks

#[path = "../common/edu.rs"]
mod edu;
mod file;
mod pbl;
mod region;
#[path = "../common/request.rs"]
mod request;
#[path = "../common/scratch.rs"]
mod scratch;

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
use region::Region;
use sgdma::{
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    Quiet, //
};

/// `edu`'s PCI device id. Its vendor id, 0x1234, has no name in the kernel, so it is matched by
/// class, which some other devices have too.
const EDU_DEVICE_ID: u16 = 0x11e8;
const EDU: pci::DeviceId = pci::DeviceId::from_class(0x00ff00, 0xffffff);

kernel::pci_device_table!(PCI_TABLE, MODULE_PCI_TABLE, (), [(EDU, ())]);

struct Rdma;

/// What exists while a device is bound, and open files are lent.
#[pin_data]
struct RdmaData<'bound> {
    dma: DmaDevice<'bound>,
    /// None if all is done by the CPU.
    dev: Option<CoherentDevice<'bound>>,
    #[pin]
    engine: edu::Engine<'bound>,
    /// The regions of all files, by number of the file and key. Whoever has the lock neither pins
    /// nor unpins, nor accesses user space.
    #[pin]
    regions: Mutex<RBTree<(u64, u32), Arc<Region<'bound>>>>,
    files: Atomic<u64>,
}

impl sgdma::pci::Driver for Rdma {
    type IdInfo = ();
    type Data<'bound> = RdmaData<'bound>;
    type Files = file::RegionFile;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: &()) -> Result<Quiet> {
        match pdev.device_id() {
            EDU_DEVICE_ID => edu::quiesce(pdev),
            _ => Err(ENODEV),
        }
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<RdmaData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // User space goes on using its memory: nobody could synchronise that.
            let dev = match *module_parameters::soft.value() {
                0 => Some(CoherentDevice::probe(dma)?),
                _ => None,
            };
            Ok(try_pin_init!(RdmaData {
                engine <- edu::Engine::new(pdev, dma),
                dma,
                dev,
                regions <- new_mutex!(RBTree::new()),
                files: Atomic::new(0),
            }))
        })
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&RdmaData<'bound>>) -> Quiet {
        // Nobody begins a transfer any more, but one that did not end in time may be under way.
        edu::quiesce(pdev).unwrap_or(Quiet::Unknown)
    }
}

sgdma::module_pci_driver! {
    type: Rdma,
    name: "sgdma_rdma",
    authors: ["sgdma developers"],
    description: "Memory regions and page-buffer lists, by the DMA engine of QEMU's edu device",
    license: "GPL",
    params: {
        soft: u8 {
            default: 0,
            description: "1: all by the CPU, rather than refuse devices that are not coherent",
        },
    },
}
