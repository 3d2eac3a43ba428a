// SPDX-License-Identifier: GPL-2.0

//! A camera driver in the manner of ipu3-cio2, written against `sgdma`.
//!
//! User space queues buffers, and the device writes a frame to each. The device finds the pages of
//! a buffer by lists of page numbers. The device is QEMU's `edu`, which has a DMA engine but no
//! sensor, and cannot follow lists. So the driver follows the lists in the device's place, by what
//! the *device* reads. `README.md` says more. Read in this order:
//!
//! - this file: which device the driver is for, and what exists while a device is bound
//! - `../common/mod.rs`: the parts that other drivers use too: the device, a buffer's states
//! - `format.rs`: the geometry of a frame
//! - `device_page.rs`: pages of the device's own, and the dummy page
//! - `list.rs`: lists of page numbers
//! - `frame_table.rs`: the frame table, word by word
//! - `buffer.rs`: a buffer's pages, and the lists of these pages
//! - `import.rs`: a dma-buf in place of the pages
//! - `queue.rs`, `stream.rs`: the queue, and the stream of one open file
//! - `capture.rs`: the device's part
//! - `uapi.rs`: the structures and constants of `sgdma_camera.h`, generated
//! - `file.rs`: the requests of user space

mod buffer;
mod capture;
#[path = "../common/mod.rs"]
mod common;
mod device_page;
mod file;
mod format;
mod frame_table;
mod import;
mod list;
mod queue;
mod stream;
mod uapi;

use common::{
    edu,
    engine::Engine,
    sharing::Sharing, //
};
use device_page::Dummy;
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
use sgdma::{
    DmaDevice,
    DmaLimits,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};
use stream::Stream;

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

struct Camera;

/// Data that exists while a device is bound. Open files have access to it.
#[pin_data]
struct CameraData<'bound> {
    sharing: Sharing<'bound>,
    #[pin]
    engine: Engine<'bound>,
    /// The streams of all open files, by the number of the file.
    #[pin]
    streams: Mutex<RBTree<u64, Arc<Stream<'bound>>>>,
    files: Atomic<u64>,
    /// The number of pictures that the sensor has taken. No two frames are alike.
    pictures: Atomic<u32>,
    // Dropped last: the lists of all buffers lead to the dummy page.
    #[pin]
    dummy: Mutex<Dummy>,
}

impl sgdma::Driver for Camera {
    type Data<'bound> = CameraData<'bound>;
    type Files = file::CameraFile;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for Camera {
    fn irq(camera: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        camera.engine.irq()
    }
}

impl sgdma::pci::Driver for Camera {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    /// The mask of ipu3-cio2. The number of each page below fits into the 32 bits of an entry.
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<39>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<CameraData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let streaming = sgdma::parameter(&module_parameters::streaming);
            if streaming > 1 {
                dev_err!(
                    pdev,
                    "invalid parameter streaming={}: see modinfo\n",
                    streaming
                );
                return Err(EINVAL);
            }
            let sharing = Sharing::from_parameter(streaming, dma)?;
            let dummy = Dummy::new(dma)?;
            Ok(try_pin_init!(CameraData {
                sharing,
                engine <- Engine::new(pdev, dma),
                streams <- new_mutex!(RBTree::new()),
                files: Atomic::new(0),
                pictures: Atomic::new(0),
                dummy <- new_mutex!(dummy),
            }))
        })
    }

    fn stop<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        camera: Pin<&CameraData<'bound>>,
    ) -> Quiet {
        camera.engine.stop()
    }
}

sgdma::module_pci_driver! {
    type: Camera,
    name: "sgdma_camera",
    authors: ["sgdma developers"],
    description: "Frames through lists of pages on QEMU's edu device",
    license: "GPL",
    params: {
        streaming: u8 {
            default: 0,
            description: "1: bind to any device and synchronise; 0: bind only to a coherent device",
        },
    },
}
