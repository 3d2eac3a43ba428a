// SPDX-License-Identifier: GPL-2.0

//! Measures mapping, syncs and the probe beside C, on the device that the driver is bound to.

mod generated;
mod lists;
#[path = "measure.rs"]
mod measure;
mod ranges;

use core::{
    hint::black_box,
    ptr::from_ref, //
};
use kernel::{
    bindings,
    device::Core,
    dma::DmaMask,
    error::to_result,
    fmt,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    pci,
    prelude::*,
    sizes::{
        SZ_1M,
        SZ_64K,
        SZ_64M, //
    }, //
};
use measure::{
    measure,
    report, //
};
use sgdma::{
    Bidirectional,
    Coherency,
    DmaDevice,
    DmaLimits,
    NoFiles,
    NoHandlers,
    SegmentLimits,
    SgTable, //
};

/// The number of runs in one measurement of code that takes next to no time.
const TIMES: usize = 1000;

/// A kind of table: the size, and whether each page is a segment of its own.
#[derive(Clone, Copy)]
struct Kind {
    size: usize,
    scattered: bool,
}

impl Kind {
    fn order(self) -> u32 {
        if self.scattered {
            0
        } else {
            (self.size >> PAGE_SHIFT)
                .trailing_zeros()
                .min(bindings::MAX_PAGE_ORDER)
        }
    }

    fn limits(self, dev: DmaDevice<'_>) -> SegmentLimits<'_> {
        if self.scattered {
            SegmentLimits {
                max_size: PAGE_SIZE,
                ..dev.into()
            }
        } else {
            dev.into()
        }
    }
}

/// The name of a measurement, and the kind of table.
struct Named(&'static str, Kind);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind { size, scattered } = self.1;
        let how = if scattered { "scattered" } else { "contiguous" };
        write!(f, "{}/{}K-{}", self.0, size >> 10, how)
    }
}

/// A table made by C code.
struct Table(bindings::sg_table);

impl Table {
    fn build(kind: Kind, dev: DmaDevice<'_>) -> Result<Self> {
        let mut table = Self(bindings::sg_table::default());
        let most = kind.limits(dev).max_size;
        // SAFETY: The table is valid for writing.
        to_result(unsafe { generated::bench_build(&mut table.0, kind.size, kind.order(), most) })?;
        Ok(table)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: It is a table of pages, or has no list, and is not mapped.
        unsafe { generated::bench_free(&mut self.0) };
    }
}

fn raw(dev: DmaDevice<'_>) -> *mut bindings::device {
    // CAST: `Device` is `repr(transparent)` over the C structure.
    from_ref(dev.device()).cast_mut().cast()
}

fn build_and_map(kind: Kind, dev: DmaDevice<'_>) -> Result {
    for _ in 0..sgdma::parameter(&module_parameters::rounds) {
        let (time, table) = measure(|| Table::build(kind, dev));
        let mut table = table?;
        report(Named("build", kind), "c", time, 1);
        // SAFETY: The device is bound, and the table not mapped.
        let (time, mapped) = measure(|| unsafe { generated::bench_map(raw(dev), &mut table.0) });
        to_result(mapped)?;
        report(Named("map", kind), "c", time, 1);
        // SAFETY: The table is mapped.
        let (time, ()) = measure(|| unsafe { generated::bench_unmap(raw(dev), &mut table.0) });
        report(Named("unmap", kind), "c", time, 1);
        drop(table);

        let (limits, order) = (kind.limits(dev), kind.order());
        let (time, table) = measure(|| SgTable::alloc_blocks(kind.size, order, limits, GFP_ATOMIC));
        let table = table?;
        report(Named("build", kind), "sgdma", time, 1);
        let (time, mapped) = measure(|| table.map(dev, Bidirectional).map_err(Error::from));
        let mapped = mapped?;
        report(Named("map", kind), "sgdma", time, 1);
        let (time, table) = measure(|| mapped.unmap());
        report(Named("unmap", kind), "sgdma", time, 1);
        drop(table);
    }
    Ok(())
}

/// Measures how much memory building takes beside the buffer's pages.
fn memory(kind: Kind, dev: DmaDevice<'_>) -> Result {
    let buffer = kind.size / PAGE_SIZE;
    // SAFETY: These read counters.
    let allocated = || unsafe { generated::bench_pages_allocated() };
    let start = allocated();
    let ours = SgTable::alloc_blocks(kind.size, kind.order(), kind.limits(dev), GFP_KERNEL)?;
    let middle = allocated();
    let c = Table::build(kind, dev)?;
    let end = allocated();
    for (name, pages) in [("c", end - middle), ("sgdma", middle - start)] {
        let bytes = (pages - buffer) * PAGE_SIZE;
        pr_info!(
            "bench: {} {} {} {}\n",
            Named("memory", kind),
            name,
            bytes,
            buffer
        );
    }
    drop((ours, c));
    Ok(())
}

/// Measures code that takes next to no time. Subtracts the time of the empty loop.
fn many<S>(what: &str, way: &str, mut state: S, work: impl Fn(&mut S)) {
    for _ in 0..sgdma::parameter(&module_parameters::rounds) {
        let mut round =
            |work: &dyn Fn(&mut S)| measure(|| (0..TIMES).for_each(|_| work(&mut state))).0;
        let empty = round(&|state| _ = black_box(state));
        let full = round(&|state| work(black_box(state)));
        report(what, way, full - empty, TIMES);
    }
}

fn ownership(dev: DmaDevice<'_>) -> Result {
    let kind = Kind {
        size: SZ_1M,
        scattered: true,
    };
    let mut c = Table::build(kind, dev)?;
    // SAFETY: The device is bound, and the table not mapped.
    to_result(unsafe { generated::bench_map(raw(dev), &mut c.0) })?;
    // SAFETY: The table is mapped.
    many("ownership/whole", "c", &mut c, |c| unsafe {
        generated::bench_sync(raw(dev), &mut c.0)
    });
    // SAFETY: The table is mapped, and the first segment is a page, so has 64 bytes.
    many("ownership/range", "c", &mut c, |c| unsafe {
        generated::bench_sync_range(raw(dev), &mut c.0, 64)
    });
    // SAFETY: The table is mapped.
    unsafe { generated::bench_unmap(raw(dev), &mut c.0) };

    let mut ours =
        SgTable::alloc(kind.size, kind.limits(dev), GFP_KERNEL)?.map(dev, Bidirectional)?;
    many("ownership/whole", "sgdma", &mut ours, |ours| {
        drop(ours.for_cpu())
    });
    many("ownership/range", "sgdma", &mut ours, |ours| {
        drop(ours.for_cpu_range(0..64))
    });
    Ok(())
}

sgdma::pci_device_table!(
    PCI_TABLE,
    (),
    [(pci::DeviceId::from_class(0x00ff00, 0xffffff), ())]
);

struct Dma;

impl sgdma::Driver for Dma {
    type Data<'bound> = ();
    type Files = NoFiles;
    type Handlers = NoHandlers;
    type Dma<'bound> = DmaDevice<'bound>;
}

impl sgdma::pci::Driver for Dma {
    type IdInfo = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const DMA: DmaLimits = DmaLimits::from_mask(DmaMask::new::<64>());

    fn probe<'bound>(
        _pdev: &'bound pci::Device<Core<'_>>,
        dev: DmaDevice<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        measure::tell_unit();
        // Behind an IOMMU only what needs one is measured.
        if ranges::ranges(dev)? {
            return Ok(());
        }
        for size in [SZ_64K, SZ_1M, SZ_64M] {
            for scattered in [true, false] {
                let kind = Kind { size, scattered };
                build_and_map(kind, dev)?;
                memory(kind, dev)?;
            }
        }
        ownership(dev)?;
        lists::lists(dev)?;
        many("probe", "sgdma", dev, |dev| {
            _ = black_box(Coherency::of(*dev))
        });
        Ok(())
    }
}

sgdma::module_pci_driver! {
    type: Dma,
    name: "sgdma_bench_dma",
    authors: ["sgdma developers"],
    description: "Measures sgdma's mappings beside C's",
    license: "GPL",
    params: {
        rounds: u32 {
            default: 1,
            description: "The number of times each measurement is made",
        },
    },
}
