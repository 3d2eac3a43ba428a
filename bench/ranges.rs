// SPDX-License-Identifier: GPL-2.0

//! Measures linking a table in a reserved range, beside C's two-step API and beside mapping.

use crate::{
    generated,
    measure::{
        measure,
        report, //
    },
    raw,
    Kind,
    Named, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sizes::SZ_64M, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    DmaTable,
    InFlight,
    Iova,
    SgTable, //
};

/// A list of the same pages as another one.
struct SameList(bindings::sg_table);

impl SameList {
    fn new(of: &DmaTable) -> Result<Self> {
        let mut list = Self(bindings::sg_table::default());
        // SAFETY: The list is valid for writing. `of` is a table of pages.
        to_result(unsafe { generated::bench_clone(&mut list.0, of.as_raw()) })?;
        Ok(list)
    }
}

impl Drop for SameList {
    fn drop(&mut self) {
        // SAFETY: It is a list, or empty, and is not mapped.
        unsafe { generated::bench_free_list(&mut self.0) };
    }
}

/// Measures both directions of all ways, with one table.
fn link_and_unlink(kind: Kind, dev: DmaDevice<'_>) -> Result {
    let (link, unlink) = (Named("link", kind), Named("unlink", kind));
    let table = SgTable::alloc_blocks(kind.size, kind.order(), kind.limits(dev), GFP_KERNEL)?;
    let (time, linked) = measure(|| -> Result<InFlight<Iova<'_, Bidirectional>>> {
        let mut range = Iova::reserve(dev, kind.size, Bidirectional, GFP_ATOMIC)?;
        range.link(0, table, GFP_ATOMIC)?;
        Ok(range.submit()?)
    });
    let mut range = linked?.complete();
    report(&link, "sgdma", time, 1);
    let mut list = SameList::new(range.table(0)?)?;
    let (time, table) = measure(|| -> Result<SgTable> {
        let table = range.unlink(0)?;
        drop(range);
        Ok(table)
    });
    let table = table?;
    report(&unlink, "sgdma", time, 1);

    let raw = raw(dev);
    let mut state = bindings::dma_iova_state::default();
    // SAFETY: The device is bound, and the list not mapped.
    let (time, linked) = measure(|| unsafe { generated::bench_link(raw, &list.0, &mut state) });
    to_result(linked)?;
    report(&link, "c", time, 1);
    // SAFETY: The whole list is linked.
    let (time, ()) = measure(|| unsafe { generated::bench_unlink(raw, &mut state) });
    report(&unlink, "c", time, 1);
    // SAFETY: The device is bound, and the list not mapped any more.
    let (time, mapped) = measure(|| unsafe { generated::bench_map(raw, &mut list.0) });
    to_result(mapped)?;
    report(&link, "c-sgtable", time, 1);
    // SAFETY: The list is mapped.
    let (time, ()) = measure(|| unsafe { generated::bench_unmap(raw, &mut list.0) });
    report(&unlink, "c-sgtable", time, 1);
    drop(table);
    Ok(())
}

/// Measures, if the device has ranges that are one run, and returns whether it has.
pub(crate) fn ranges(dev: DmaDevice<'_>) -> Result<bool> {
    let range: Iova<'_, _> = Iova::reserve(dev, 1, Bidirectional, GFP_KERNEL)?;
    if !range.is_one_run() {
        return Ok(false);
    }
    // The first use of addresses allocates tables of the IOMMU, which it keeps: a median leaves
    // that out.
    for _ in 0..sgdma::parameter(&crate::module_parameters::rounds).max(3) {
        for scattered in [true, false] {
            let size = SZ_64M;
            link_and_unlink(Kind { size, scattered }, dev)?;
        }
    }
    Ok(true)
}
