// SPDX-License-Identifier: GPL-2.0

//! Tries to share buffers, one by one, with a device whose DMA mask has 32 bits. Compares the
//! results with sgdma's answer on the device, and with the place where mapping puts each buffer.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu;
use core::ptr::NonNull;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    Bounce,
    BufferError,
    Coherency,
    CoherentDevice,
    CpuTable,
    Direction,
    DmaDevice,
    DmaTable,
    NoFiles,
    NoHandlers,
    PageOwner,
    SgTable,
    Shared, //
    EOPNOTSUPP,
};

/// Two pages of one kind of memory.
struct Pages(NonNull<bindings::page>);

const ORDER: u32 = 1;

impl Pages {
    fn new(flags: u32) -> Result<Self> {
        let flags = bindings::GFP_KERNEL | bindings::__GFP_ZERO | flags;
        // SAFETY: `alloc_pages` may be called with any flags of these; `ORDER` is within its limit.
        let page = unsafe { bindings::alloc_pages(flags, ORDER) };
        Ok(Self(NonNull::new(page).ok_or(ENOMEM)?))
    }
}

// SAFETY: A page may be used and freed by any task.
unsafe impl Send for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `new` allocated the pages with this order. They are freed once, here.
        unsafe { bindings::__free_pages(self.0.as_ptr(), ORDER) };
    }
}

// SAFETY: `self` owns the pages, which live as long as it does, and only `self` has a pointer to
// them. `__GFP_ZERO` has initialised all of their bytes.
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

/// Checks that a shared buffer is in place, and covers the buffer and no more.
fn check<D: Direction, P>(shared: &Shared<'_, D, P>, dma: DmaDevice<'_>) -> Result {
    let bytes: u64 = shared.dma_segments().map(|run| run.len).sum();
    expect(
        bytes == shared.len() as u64,
        "a shared buffer covers no more",
    )?;
    expect(shared.is_in_place(), "a shared buffer is in place")?;
    // SAFETY: `shared` is mapped for `dma`, and `shared.cpu()` is the same table. Its entries are
    // pages of memory.
    let told = unsafe { DmaTable::is_in_place(shared, shared.cpu(), dma) };
    expect(told, "a table of C is found in place, too")
}

/// Maps a buffer with ownership transfer. Returns `true` if it is in place, by both ways to ask.
fn is_in_place(table: SgTable<Pages>, dma: DmaDevice<'_>) -> Result<(bool, SgTable<Pages>)> {
    let mapped = table.map(dma, Bidirectional)?;
    let in_place = mapped.is_in_place();
    // SAFETY: The table is valid and mapped for `dma` until `unmap()` below. Its entries are pages
    // of memory.
    let told = unsafe {
        DmaTable::from_raw(mapped.as_raw()).is_in_place(CpuTable::from_raw(mapped.as_raw()), dma)
    };
    expect(in_place == told, "both ways agree if a mapping has bounced")?;
    Ok((in_place, mapped.unmap()))
}

/// Tries two pages somewhere in memory. They can be shared if the device reaches them, and is
/// coherent for the memory that it reaches, according to `coherency`.
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
        Err(BufferError { error, .. }) => Some(error),
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
    // Such a table can be shared again and again, by either proof.
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
        Err(BufferError { error, .. }) => {
            expect(
                error == EIO,
                "a buffer that would bounce is refused with EIO",
            )?;
            c"refused"
        }
    };
    pr_info!("part of a page: {}\n", said);
    Ok(())
}

/// Shares buffers of each kind with the device, which is what this driver is for.
fn share(dma: DmaDevice<'_>) -> Result {
    let coherency = Coherency::of(dma);
    somewhere(dma, coherency, "low", 1 << bindings::___GFP_DMA32_BIT)?;
    somewhere(dma, coherency, "other", 0)?;
    match CoherentDevice::new(dma) {
        Ok(dev) => odd(dev)?,
        Err(why) => expect(why == coherency, "the answer is the reason")?,
    }
    pr_info!("all as sgdma says: {}\n", coherency);
    Ok(())
}

struct Sharing;

impl sgdma::Driver for Sharing {
    type Data<'bound> = ();
    type Files = NoFiles;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

edu::driver! { Sharing, 32, |_, dma| share(dma); }

sgdma::module_pci_driver! {
    type: Sharing,
    name: "sgdma_sharing",
    authors: ["sgdma developers"],
    description: "Tries which buffers a device of 32 bits can share",
    license: "GPL",
}
