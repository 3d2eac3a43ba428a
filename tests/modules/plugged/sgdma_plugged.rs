// SPDX-License-Identifier: GPL-2.0

//! A device with a mask of 32 bits that maps tables whenever somebody writes to its node: before
//! and after memory was plugged in that it does not reach. A line says how many it could map.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu;
use kernel::{
    device::Core,
    dma::DmaMask,
    iov::IovIterSource,
    pci,
    prelude::*, //
};
use sgdma::{
    Attrs,
    Bidirectional,
    DmaDevice,
    DmaLimits,
    FileOps,
    Lent,
    SegmentLimits,
    SgTable, //
};

kernel::pci_device_table!(PCI_TABLE, MODULE_PCI_TABLE, (), [(edu::MATCH, ())]);

struct Plugged;

struct File;

/// Maps `most` tables of 1 MiB at once, as far as there is memory: how many could be, and not.
fn map(dev: DmaDevice<'_>, most: usize, limits: SegmentLimits<'_>) -> Result<(usize, usize)> {
    let (mut mapped, mut refused) = (KVec::new(), KVec::new());
    for _ in 0..most {
        let Ok(table) = SgTable::alloc(1 << 20, limits, GFP_KERNEL) else {
            break;
        };
        match table.map_attrs(dev, Bidirectional, Attrs::NO_WARN) {
            Ok(table) => mapped.push(table, GFP_KERNEL)?,
            // Kept, so that the next one is of other memory.
            Err(table) => refused.push(table.buffer, GFP_KERNEL)?,
        }
    }
    Ok((mapped.len(), refused.len()))
}

#[vtable]
impl FileOps<Plugged> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_plugged");

    fn open(_lent: &Lent<'_, Plugged>) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(File)
    }

    fn write(
        &self,
        lent: &Lent<'_, Plugged>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let len = src.len();
        src.advance(len);
        let dev = lent.dma();
        let any = SegmentLimits {
            max_size: dev.max_seg_size(),
            boundary: dev.seg_boundary(),
            ..SegmentLimits::NONE
        };
        // What was plugged in last is taken first.
        let own = map(dev, 40, dev.into())?;
        let any = map(dev, 100, any)?;
        dev_info!(
            dev.device(),
            "made for it: {} mapped, {} refused; of any memory: {} mapped, {} refused\n",
            own.0,
            own.1,
            any.0,
            any.1
        );
        Ok(len)
    }
}

impl sgdma::pci::Driver for Plugged {
    type IdInfo = ();
    type Data<'bound> = ();
    type Files = File;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<32>());

    fn probe<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        _dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        Ok::<_, Error>(())
    }
}

sgdma::module_pci_driver! {
    type: Plugged,
    name: "sgdma_plugged",
    authors: ["sgdma developers"],
    description: "Maps tables before and after memory was plugged in beyond its reach",
    license: "GPL",
}
