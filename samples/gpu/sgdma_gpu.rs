// SPDX-License-Identifier: GPL-2.0

//! A GPU driver in the manner of vmwgfx, written against `sgdma`.
//!
//! User space makes buffer objects. The device finds the pages of an object by a page table, which
//! the driver fills with bus addresses. The device is QEMU's `edu`, which has a DMA engine but
//! cannot follow page tables. So the driver follows the page tables in the device's place, by what
//! the *device* reads. `README.md` says more. Read in this order:
//!
//! - this file: which device the driver is for, and what exists while a device is bound
//! - `../common/mod.rs`: parts that other drivers use too: the device, a buffer's states, tables
//! - `object.rs`: buffer objects, and who may use an object
//! - `state.rs`: an object's memory and page table, and when the memory is mapped
//! - `coherent.rs`: the memory of objects that are coherent allocations
//! - `dma_buf.rs`: the memory of objects that several devices use
//! - `mob.rs`: page tables
//! - `uapi.rs`: the structures and constants of `sgdma_gpu.h`, generated
//! - `file.rs`: the requests of user space

mod coherent;
#[path = "../common/mod.rs"]
mod common;
mod dma_buf;
mod file;
mod mob;
mod object;
mod state;
mod uapi;

use common::{
    edu,
    engine::Engine,
    handles::Handles,
    sharing::Sharing, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};
use object::Object;
use sgdma::{
    DmaDevice,
    DmaLimits,
    DriverContext,
    Handlers,
    IrqContext,
    IrqReturn,
    Quiet, //
};
use state::Mode;

/// VMware's SVGA adapter. QEMU's model of the adapter has no DMA engine.
const SVGA_DEVICE_ID: u16 = 0x0405;

sgdma::pci_device_table!(
    PCI_TABLE,
    (),
    [
        (edu::MATCH, ()),
        (
            pci::DeviceId::from_id(pci::Vendor::VMWARE, SVGA_DEVICE_ID as u32),
            ()
        ),
    ]
);

struct Gpu;

/// Data that exists while a device is bound. Open files have access to it.
#[pin_data]
struct GpuData<'bound> {
    sharing: Sharing<'bound>,
    #[pin]
    engine: Engine<'bound>,
    #[pin]
    objects: Handles<Object<'bound>>,
}

impl sgdma::Driver for Gpu {
    type Data<'bound> = GpuData<'bound>;
    type Files = file::ObjectFile;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for Gpu {
    const WORK_ITEMS: u32 = 1;

    fn irq(gpu: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        gpu.engine.irq()
    }

    /// Runs [`UNMAP`](dma_buf::UNMAP).
    fn work(gpu: &DriverContext<'_, Self>, _item: u32) {
        gpu.objects.for_each(Object::unmap_if_revoked);
    }
}

impl sgdma::pci::Driver for Gpu {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        if pdev.device_id() == SVGA_DEVICE_ID {
            return Ok(Quiet::Unknown);
        }
        edu::quiesce(pdev)
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<GpuData<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            if pdev.device_id() == SVGA_DEVICE_ID {
                dev_info!(
                    pdev,
                    "this device has no DMA engine, so the driver does not bind; {}\n",
                    sgdma::Coherency::of(dma)
                );
                return Err(ENODEV);
            }
            let mode = sgdma::parameter(&module_parameters::mode);
            let streaming = sgdma::parameter(&module_parameters::streaming);
            if Mode::try_from(mode).is_err() || streaming > 1 {
                dev_err!(
                    pdev,
                    "invalid parameters mode={} streaming={}: see modinfo\n",
                    mode,
                    streaming
                );
                return Err(EINVAL);
            }
            let sharing = Sharing::from_parameter(streaming, dma)?;
            Ok(try_pin_init!(GpuData {
                sharing,
                engine <- Engine::new(pdev, dma),
                objects <- Handles::new(),
            }))
        })
    }

    fn stop<'bound>(_pdev: &'bound pci::Device<Core<'_>>, gpu: Pin<&GpuData<'bound>>) -> Quiet {
        gpu.engine.stop()
    }
}

sgdma::module_pci_driver! {
    type: Gpu,
    name: "sgdma_gpu",
    authors: ["sgdma developers"],
    description: "Buffer objects and page tables on QEMU's edu device",
    license: "GPL",
    params: {
        mode: u32 {
            default: 2,
            description: "Default memory: 1 coherent, 2 mapped at once, 3 when bound, 4 dma-buf",
        },
        streaming: u8 {
            default: 0,
            description: "1: bind to any device and synchronise; 0: bind only to a coherent device",
        },
    },
}
