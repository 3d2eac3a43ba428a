// SPDX-License-Identifier: GPL-2.0

//! Tries what can be shared with a device whose DMA mask has 32 bits, buffer by buffer, and
//! compares that with the verdict on it and with where mapping puts each.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu;
use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Core,
    dma::DmaMask,
    page::PAGE_SIZE,
    pci,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    Bounce,
    Coherency,
    CoherentDevice,
    CpuTable,
    Direction,
    DmaDevice,
    DmaLimits,
    DmaTable,
    NoFiles,
    PageOwner,
    Refused,
    SgTable,
    Shared,
    EOPNOTSUPP, //
};

kernel::pci_device_table!(PCI_TABLE, MODULE_PCI_TABLE, (), [(edu::MATCH, ())]);

/// Two pages of one kind of memory.
struct Pages(NonNull<bindings::page>);

const ORDER: u32 = 1;

impl Pages {
    fn new(flags: u32) -> Result<Self> {
        let flags = bindings::GFP_KERNEL | bindings::__GFP_ZERO | flags;
        // SAFETY: Nothing but the order's limit is to be kept to.
        let page = unsafe { bindings::alloc_pages(flags, ORDER) };
        Ok(Self(NonNull::new(page).ok_or(ENOMEM)?))
    }
}

// SAFETY: Pages are tied to no task.
unsafe impl Send for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: Allocated by `new()`, in this order.
        unsafe { bindings::__free_pages(self.0.as_ptr(), ORDER) };
    }
}

// SAFETY: The pages are ours and zeroed, and nobody else is told of them.
unsafe impl PageOwner for Pages {
    fn len(&self) -> usize {
        PAGE_SIZE << ORDER
    }

    fn pages(&self) -> impl Iterator<Item = NonNull<bindings::page>> {
        (0..1 << ORDER).filter_map(|i| NonNull::new(self.0.as_ptr().wrapping_add(i)))
    }
}

fn expect(right: bool, what: &str) -> Result {
    if !right {
        pr_err!("NOT SO: {}\n", what);
    }
    right.then_some(()).ok_or(EDOM)
}

/// Checks that what is shared is where it is in memory, and is the buffer, byte by byte.
fn check<D: Direction, P>(shared: &Shared<'_, D, P>, dma: DmaDevice<'_>) -> Result {
    let bytes: u64 = shared.dma_segments().map(|run| run.len).sum();
    expect(bytes == shared.len() as u64, "what is shared is the buffer")?;
    expect(shared.is_in_place(), "what is shared is in place")?;
    // SAFETY: Both are forms of the table that is mapped for this device, and of memory.
    let told = unsafe { DmaTable::is_in_place(shared, shared.cpu(), dma) };
    expect(told, "a table of C's would be found in place, too")
}

/// Maps a buffer by turns, and tells whether it is in place then, in either way.
fn is_in_place(table: SgTable<Pages>, dma: DmaDevice<'_>) -> Result<(bool, SgTable<Pages>)> {
    let mapped = table.map(dma, Bidirectional)?;
    let in_place = mapped.is_in_place();
    // SAFETY: As in `check()`; what C has been given is what there is.
    let told = unsafe {
        DmaTable::from_raw(mapped.as_raw()).is_in_place(CpuTable::from_raw(mapped.as_raw()), dma)
    };
    expect(in_place == told, "both see whether a mapping has bounced")?;
    Ok((in_place, mapped.unmap()))
}

/// Tries two pages somewhere in memory: they can be shared if the device, whose verdict is
/// `coherency`, is coherent for what it reaches, and reaches these.
fn somewhere(dma: DmaDevice<'_>, coherency: Coherency, name: &str, flags: u32) -> Result {
    let table = SgTable::new(Pages::new(flags)?, 0..PAGE_SIZE << ORDER, dma, GFP_KERNEL)?;
    let (in_place, table) = is_in_place(table, dma)?;
    let right = match coherency {
        Coherency::Coherent | Coherency::MayBounce(Bounce::Mask | Bounce::BusLimit) => {
            (!in_place).then_some(EIO)
        }
        _ => Some(EOPNOTSUPP),
    };
    let is = match table.in_place_for(dma) {
        Ok(table) => {
            check(&table.map_shared(Bidirectional)?, dma)?;
            None
        }
        Err(Refused { error, .. }) => Some(error),
    };
    pr_info!(
        "{} memory: {}\n",
        name,
        is.map_or(c"shared", |_| c"refused")
    );
    expect(is == right, name)
}

/// Tries buffers that are not whole pages.
fn odd(dev: CoherentDevice<'_>) -> Result {
    let dma = dev.dma();
    let table = || SgTable::alloc(PAGE_SIZE + 1000, dma, GFP_KERNEL);
    check(&table()?.map_shared(dev, Bidirectional)?, dma)?;
    let table = table()?.for_user(Bidirectional)?;
    // As often as one likes, by either proof.
    let shared = table.map_shared(dev)?;
    check(&shared, dma)?;
    let shared = shared.unmap().in_place_for(dma)?.map_shared()?;
    check(&shared, dma)?;
    drop(shared.unmap());

    let part = SgTable::new(Pages::new(0)?, 100..PAGE_SIZE + 100, dma, GFP_KERNEL)?;
    let said = match part.map_shared(dev, Bidirectional) {
        Ok(shared) => {
            check(&shared, dma)?;
            c"shared"
        }
        Err(Refused { error, .. }) => {
            expect(error == EIO, "what would bounce is refused with EIO")?;
            c"refused"
        }
    };
    pr_info!("part of a page: {}\n", said);
    Ok(())
}

struct Sharing;

impl sgdma::pci::Driver for Sharing {
    type IdInfo = ();
    type Data<'bound> = ();
    type Files = NoFiles;

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<32>());

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        dma: DmaDevice<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        edu::check_id(pdev)?;
        let coherency = Coherency::of(dma);
        somewhere(dma, coherency, "low", 1 << bindings::___GFP_DMA32_BIT)?;
        somewhere(dma, coherency, "other", 0)?;
        match CoherentDevice::new(dma) {
            Ok(dev) => odd(dev)?,
            Err(why) => expect(why == coherency, "the verdict is the reason")?,
        }
        pr_info!("all as the verdict says: {}\n", coherency);
        Ok::<_, Error>(())
    }
}

sgdma::module_pci_driver! {
    type: Sharing,
    name: "sgdma_sharing",
    authors: ["sgdma developers"],
    description: "Tries what can be shared with a device of 32 bits",
    license: "GPL",
}
