// SPDX-License-Identifier: GPL-2.0

//! Shows what a missing sync does. The device writes to a buffer. Then the CPU reads the buffer
//! without a guard, which takes `unsafe`, and with one. A line says what each has seen.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::{
    edu,
    engine::Engine, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    page::BorrowedPage,
    pci,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    CoherentDevice,
    DmaDevice,
    DmaLimits,
    DriverContext,
    FromDevice,
    Handlers,
    IrqContext,
    IrqReturn,
    Mapped,
    NoFiles,
    Quiet,
    SgTable,
    ToDevice, //
};

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

const WRITTEN: &[u8; 16] = b"the device wrote";

/// Returns the first bytes of the buffer, without a sync.
fn without_sync(buffer: &Mapped<'_, FromDevice>) -> Result<[u8; WRITTEN.len()]> {
    let mut bytes = [0; WRITTEN.len()];
    let first = buffer.cpu().cpu_pages().next().ok_or(EINVAL)?;
    let page = core::ptr::NonNull::new(first.as_ptr()).ok_or(EINVAL)?;
    // SAFETY: The page lives as long as the buffer. The device's transfer has ended, and nothing
    // else writes to the page. The length is less than a page.
    unsafe { BorrowedPage::from_raw(page).read_raw(bytes.as_mut_ptr(), 0, bytes.len()) }?;
    Ok(bytes)
}

fn show(bytes: &[u8]) -> &'static str {
    if bytes == WRITTEN {
        "right"
    } else {
        "stale"
    }
}

struct MissingSync;

impl sgdma::Driver for MissingSync {
    type Data<'bound> = Engine<'bound>;
    type Files = NoFiles;
    type Handlers = Self;
    type Dma<'bound> = DmaDevice<'bound>;
}

#[vtable]
impl Handlers<Self> for MissingSync {
    fn irq(engine: &IrqContext<'_, Self>, _vector: u32) -> IrqReturn {
        engine.irq()
    }
}

impl sgdma::pci::Driver for MissingSync {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn quiesce(pdev: &pci::Device<Core<'_>>, _info: Option<&()>) -> Result<Quiet> {
        edu::quiesce(pdev)
    }

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        Engine::new(pdev, dma)
    }

    fn start(pdev: &pci::Device<Core<'_>>, engine: &DriverContext<'_, Self>) -> Result {
        let dma = engine.dma();
        let mut source = SgTable::alloc(4096, dma, GFP_KERNEL)?;
        source.copy_from_slice(0, WRITTEN)?;
        let source = source.map(dma, ToDevice)?.submit();
        let buffer = SgTable::alloc(4096, dma, GFP_KERNEL)?
            .map(dma, FromDevice)?
            .submit();
        let from = source.dma_pages().next().ok_or(EINVAL)?;
        let to = buffer.dma_pages().next().ok_or(EINVAL)?;
        engine.copy(from, to, edu::CHUNK)?;
        let (_source, mut buffer) = (source.complete(), buffer.complete());

        let bare = without_sync(&buffer)?;
        let mut guarded = [0; WRITTEN.len()];
        buffer.for_cpu().copy_to_slice(0, &mut guarded)?;
        dev_info!(
            pdev,
            "without sync {}, with a guard {}\n",
            show(&bare),
            show(&guarded)
        );
        drop(buffer.unmap());

        if let Ok(dev) = CoherentDevice::new(dma) {
            let shared = || {
                SgTable::alloc(4096, dma, GFP_KERNEL)?
                    .map_shared(dev, Bidirectional)
                    .map_err(Error::from)
            };
            let (source, target) = (shared()?.submit(), shared()?.submit());
            // Without a sync, each side reads what the other has written after mapping.
            source.copy_from_slice(0, WRITTEN)?;
            let from = source.dma_pages().next().ok_or(EINVAL)?;
            let to = target.dma_pages().next().ok_or(EINVAL)?;
            engine.copy(from, to, edu::CHUNK)?;
            let mut seen = [0; WRITTEN.len()];
            target.copy_to_slice(0, &mut seen)?;
            let same = &seen == WRITTEN;
            dev_info!(pdev, "shared, both see the same: {}\n", same);
            drop((source.complete(), target.complete()));
        }
        Ok(())
    }
}

sgdma::module_pci_driver! {
    type: MissingSync,
    name: "sgdma_missing_sync_rs",
    authors: ["sgdma developers"],
    description: "Shows what a missing sync does",
    license: "GPL",
}
