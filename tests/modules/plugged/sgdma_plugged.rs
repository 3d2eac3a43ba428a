// SPDX-License-Identifier: GPL-2.0

//! A driver with a mask of 32 bits that maps tables when a program writes to its node: before and
//! after memory was plugged in that the device does not reach. A line says how many were mapped.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu;
use kernel::{
    iov::IovIterSource,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    DriverContext,
    FileOps,
    MapAttrs,
    NoHandlers,
    SegmentLimits,
    SgTable, //
};

struct Plugged;

struct File;

/// Maps up to `most` tables of 1 MiB, as far as there is memory. Returns how many were mapped and
/// how many were refused.
fn map(dev: DmaDevice<'_>, most: usize, limits: SegmentLimits<'_>) -> Result<(usize, usize)> {
    let (mut mapped, mut refused) = (KVec::new(), KVec::new());
    for _ in 0..most {
        let Ok(table) = SgTable::alloc(1 << 20, limits, GFP_KERNEL) else {
            break;
        };
        match table.map_attrs(dev, Bidirectional, MapAttrs::NO_WARN) {
            Ok(table) => mapped.push(table, GFP_KERNEL)?,
            // Kept until the end, so that the next table is of other memory.
            Err(table) => refused.push(table.buffer, GFP_KERNEL)?,
        }
    }
    Ok((mapped.len(), refused.len()))
}

#[vtable]
impl FileOps<Plugged> for File {
    const NODE: Option<&'static CStr> = Some(c"sgdma_plugged");

    fn open(_ctx: &DriverContext<'_, Plugged>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(File)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Plugged>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let len = src.len();
        src.advance(len);
        let dev = ctx.dma();
        let any = SegmentLimits {
            max_size: dev.max_seg_size(),
            boundary: dev.seg_boundary(),
            ..SegmentLimits::NONE
        };
        // The kernel first gives out the memory that was plugged in last.
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

impl sgdma::Driver for Plugged {
    type Data<'bound> = ();
    type Files = File;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

edu::driver! { Plugged, 32, |_, _| Ok::<(), Error>(()); }

sgdma::module_pci_driver! {
    type: Plugged,
    name: "sgdma_plugged",
    authors: ["sgdma developers"],
    description: "Maps tables before and after memory was plugged in beyond its reach",
    license: "GPL",
}
