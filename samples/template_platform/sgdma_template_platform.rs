// SPDX-License-Identifier: GPL-2.0

//! A driver of platform devices to start from: maps a buffer for `virtio,mmio` devices.

use kernel::{device::Core, dma::DmaMask, io::Io, of, platform, prelude::*};
use sgdma::{DmaDevice, DmaLimits, Mapped, NoFiles, NoHandlers, Quiet, SgTable, ToDevice};

const STATUS: usize = 0x70; // Writing 0 resets the device.

sgdma::of_device_table!(OF_TABLE, (), [(of::DeviceId::new(c"virtio,mmio"), ())]);
struct Template;
impl Template {
    fn reset(pdev: &platform::Device<Core<'_>>) -> Result<Quiet> {
        let registers = pdev.io_request_by_index(0).ok_or(ENODEV)?;
        let registers = registers.iomap_sized::<0x100>()?;
        registers.write32(0, STATUS);
        Ok(match registers.read32(STATUS) {
            0 => Quiet::Reset,
            _ => Quiet::Unknown,
        })
    }
}
impl sgdma::Driver for Template {
    type Data<'bound> = Mapped<'bound, ToDevice>;
    type Files = NoFiles;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}
impl sgdma::platform::Driver for Template {
    type IdInfo = ();
    const OF_ID_TABLE: Option<of::IdTable<()>> = Some(&OF_TABLE);
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());
    fn quiesce(pdev: &platform::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        Self::reset(pdev)
    }
    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        let buffer = SgTable::alloc(1 << 20, dma, GFP_KERNEL)?.map(dma, ToDevice)?;
        let pages = buffer.dma_pages().count(); // or: for addr in buffer.dma_pages()
        dev_info!(pdev, "{} pages in {} segments\n", pages, buffer.nents());
        Ok::<_, Error>(buffer)
    }
    fn stop(pdev: &platform::Device<Core<'_>>, _buffer: Pin<&Self::Data<'_>>) -> Quiet {
        Self::reset(pdev).unwrap_or(Quiet::Unknown)
    }
}
sgdma::module_platform_driver! {
    type: Template,
    name: "sgdma_template_platform",
    authors: ["your name"],
    description: "Maps a buffer for virtio,mmio devices",
    license: "GPL",
}
