// SPDX-License-Identifier: GPL-2.0

//! A camera driver in the manner of ipu3-cio2, written against `sgdma`.
//!
//! User space queues buffers; the device writes a frame into each, whose pages it finds through
//! lists of page numbers. The device is QEMU's `edu`: it has a DMA engine, no sensor and no idea of
//! lists, so the driver follows them in its place, by what the *device* reads. `README.md` says
//! more. Read in this order:
//!
//! - this file: which device, what it can address, what exists while it is bound
//! - `../common/edu.rs`, `../common/scratch.rs`: the hardware, and what it reads and writes for the driver
//! - `../common/sharing.rs`: how memory is shared with it
//! - `list.rs`: lists, frame table and dummy page, as the hardware has them
//! - `buffer.rs`: a buffer's pages, and its lists
//! - `stream.rs`: format, buffers and queue of one open file
//! - `capture.rs`: what the device does
//! - `file.rs`, `../common/request.rs`: what user space asks

mod buffer;
mod capture;
#[path = "../common/edu.rs"]
mod edu;
mod file;
mod list;
#[path = "../common/request.rs"]
mod request;
#[path = "../common/scratch.rs"]
mod scratch;
#[path = "../common/sharing.rs"]
mod sharing;
mod stream;

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
use list::Dummy;
use sgdma::{
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    Quiet, //
};
use sharing::Sharing;
use stream::Stream;

/// `edu`'s PCI device id. Its vendor id, 0x1234, has no name in the kernel, so it is matched by
/// class, which some other devices have too.
const EDU_DEVICE_ID: u16 = 0x11e8;
const EDU_CLASS: u32 = 0x00ff00;

kernel::pci_device_table!(
    PCI_TABLE,
    MODULE_PCI_TABLE,
    (),
    [(pci::DeviceId::from_class(EDU_CLASS, 0xffffff), ())]
);

struct Camera;

/// What exists while a device is bound, and open files are lent.
#[pin_data]
struct CameraData<'bound> {
    sharing: Sharing<'bound>,
    #[pin]
    engine: edu::Engine<'bound>,
    /// Of all files, by their number.
    #[pin]
    streams: Mutex<RBTree<u64, Arc<Stream<'bound>>>>,
    files: Atomic<u64>,
    /// How many pictures the sensor has taken: no two frames are alike.
    pictures: Atomic<u32>,
    // Last, as the buffers' lists point there.
    #[pin]
    dummy: Mutex<Dummy>,
}

impl sgdma::pci::Driver for Camera {
    type IdInfo = ();
    type Data<'bound> = CameraData<'bound>;
    type Files = file::CameraFile;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    /// As ipu3-cio2's. The number of such a page fits into the 32 bits of an entry.
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<39>());

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
    ) -> impl PinInit<CameraData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // Where memory cannot be shared, this driver is for those who ask for it.
            let sharing = match *module_parameters::ownership.value() {
                0 => Sharing::Always(CoherentDevice::probe(dma)?),
                1 => Sharing::ByTurns(dma),
                ownership => {
                    dev_err!(pdev, "ownership={}: see modinfo\n", ownership);
                    return Err(EINVAL);
                }
            };
            let dummy = Dummy::new(dma)?;
            Ok(try_pin_init!(CameraData {
                sharing,
                engine <- edu::Engine::new(pdev, dma),
                streams <- new_mutex!(RBTree::new()),
                files: Atomic::new(0),
                pictures: Atomic::new(0),
                dummy <- new_mutex!(dummy),
            }))
        })
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&CameraData<'bound>>) -> Quiet {
        // Nobody begins a transfer any more, but one that did not end in time may be under way.
        edu::quiesce(pdev).unwrap_or(Quiet::Unknown)
    }
}

sgdma::module_pci_driver! {
    type: Camera,
    name: "sgdma_camera",
    authors: ["sgdma developers"],
    description: "Frames through lists of pages, by the DMA engine of QEMU's edu device",
    license: "GPL",
    params: {
        ownership: u8 {
            default: 0,
            description: "1: synchronise, rather than refuse devices that are not coherent",
        },
    },
}
