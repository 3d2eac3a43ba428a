// SPDX-License-Identifier: GPL-2.0

//! Bindings that end in each way there is: at a stage that fails, and with the device at work.
//!
//! What it is to do with its device is written to its node, a word at a time.

use kernel::{
    device::Core,
    dma::DmaMask,
    io::Io,
    iov::IovIterSource,
    page::PAGE_SIZE,
    pci,
    prelude::*, //
};
use sgdma::{
    ByteBuffer,
    DmaDevice,
    DmaLimits,
    FileOps,
    Lent,
    Quiet,
    SegmentLimits,
    SgTable,
    ToDevice, //
};

const EDU: pci::DeviceId = pci::DeviceId::from_class(0x00ff00, 0xffffff);

kernel::pci_device_table!(PCI_TABLE, MODULE_PCI_TABLE, (), [(EDU, ())]);

const REGISTERS: usize = 0xa0;
const ID: usize = 0x00;

/// The stage that fails, of `fail=`.
#[derive(PartialEq)]
enum Stage {
    Limits = 1,
    Quiesce = 2,
    Probe = 3,
    Data = 4,
}

fn reach(stage: Stage) -> Result {
    match *module_parameters::fail.value() == stage as u8 {
        true => Err(ENODEV),
        false => Ok(()),
    }
}

struct Ends;

struct Data<'bound> {
    dma: DmaDevice<'bound>,
}

impl Data<'_> {
    /// A buffer of several segments that begins in the middle of a page does so for the device.
    fn align(&self) -> Result {
        let page_by_page = SegmentLimits {
            max_size: PAGE_SIZE,
            ..SegmentLimits::from(self.dma)
        };
        let bytes = ByteBuffer::from(VVec::from_elem(0u8, 5 * PAGE_SIZE, GFP_KERNEL)?);
        let table = SgTable::new(bytes, 512..4 * PAGE_SIZE + 100, page_by_page, GFP_KERNEL)?;
        let mapped = table.map(self.dma, ToDevice)?;
        let blocks = mapped.dma_blocks(4096)?;
        pr_info!("offset {} of {} blocks\n", blocks.offset(), blocks.count());
        Ok(())
    }
}

impl sgdma::pci::Driver for Ends {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;
    type Files = File;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits {
        coherent_mask: DmaMask::new::<48>(),
        ..DmaLimits::from_mask(DmaMask::new::<64>())
    };

    fn limits(pdev: &pci::Device<Core<'_>>, _info: &()) -> Result<DmaLimits> {
        if pdev.device_id() != 0x11e8 {
            return Err(ENODEV);
        }
        reach(Stage::Limits)?;
        let registers = pdev.iomap_region_sized::<REGISTERS>(0, c"ends")?;
        if registers.read32(ID) & 0xff != 0xed {
            return Err(EIO);
        }
        Ok(DmaLimits {
            // No platform has so small a mask.
            mask: match *module_parameters::fallback.value() {
                0 => Self::DMA.mask,
                _ => DmaMask::new::<8>(),
            },
            fallback: Some(DmaMask::new::<40>()),
            min_align_mask: *module_parameters::align.value(),
            ..Self::DMA
        })
    }

    fn quiesce(_pdev: &pci::Device<Core<'_>>, _info: &()) -> Result<Quiet> {
        reach(Stage::Quiesce)?;
        Ok(Quiet::Unknown)
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            reach(Stage::Probe)?;
            dev_info!(pdev, "mask {:x}\n", dma.mask());
            Ok(reach(Stage::Data).map(|()| Data { dma }))
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&Data<'bound>>) {
        dev_info!(pdev, "unbind\n");
    }

    fn stop<'bound>(pdev: &'bound pci::Device<Core<'_>>, _data: Pin<&Data<'bound>>) -> Quiet {
        dev_info!(pdev, "stop\n");
        Quiet::Unknown
    }
}

struct File;

#[vtable]
impl FileOps<Ends> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_ends");

    fn open(_: &Lent<'_, Ends>) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn write(
        &self,
        lent: &Lent<'_, Ends>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut word = [0; 16];
        let n = src.copy_from_iter(&mut word);
        match word[..n].trim_ascii() {
            b"align" => lent.align()?,
            _ => return Err(EINVAL),
        }
        Ok(n)
    }
}

sgdma::module_pci_driver! {
    type: Ends,
    name: "sgdma_ends",
    authors: ["sgdma developers"],
    description: "Bindings that end in each way there is",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "ENODEV from: 1 limits, 2 quiesce, 3 probe, 4 what that returns",
        },
        fallback: u8 {
            default: 0,
            description: "1: ask for a mask that the platform refuses",
        },
        align: u32 {
            default: 0,
            description: "the DMA limits' min_align_mask",
        },
    },
}
