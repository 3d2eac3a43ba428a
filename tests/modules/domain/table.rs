// SPDX-License-Identifier: GPL-2.0

//! Tables whose bytes are known, and where the IOMMU leads.

use crate::Member;
use core::ffi::c_void;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::SgTable;

// Of the library, which exports them for its own code. The structures are those of C.
extern "C" {
    fn sgdma_iommu_get_domain_for_dev(dev: *mut c_void) -> *mut c_void;
    fn sgdma_iommu_iova_to_phys(domain: *mut c_void, iova: u64) -> u64;
    fn sgdma_page_to_phys(page: *mut c_void) -> u64;
}

/// Returns an error that no function of the library returns, if a check does not hold.
#[track_caller]
pub(crate) fn expect(holds: bool) -> Result {
    if !holds {
        pr_err!("line {}\n", core::panic::Location::caller().line());
        return Err(EDOM);
    }
    Ok(())
}

/// Returns where the IOMMU leads from `addr`: zero if nowhere.
pub(crate) fn leads_to(dev: Member<'_>, addr: u64) -> u64 {
    // SAFETY: The device is bound, so its domain stays.
    unsafe {
        let dev = core::ptr::from_ref(dev.device()).cast_mut().cast();
        sgdma_iommu_iova_to_phys(sgdma_iommu_get_domain_for_dev(dev), addr)
    }
}

/// Returns the physical addresses of the pages of a table.
pub(crate) fn pages(table: &SgTable) -> Result<KVec<u64>> {
    let mut pages = KVec::new();
    for page in table.cpu().cpu_pages() {
        // SAFETY: The page is one of the table's.
        let frame = unsafe { sgdma_page_to_phys(page.as_ptr().cast()) };
        pages.push(frame, GFP_KERNEL)?;
    }
    Ok(pages)
}

/// Returns a word that differs for each place and seed.
pub(crate) fn word(seed: u64, at: usize) -> [u8; 8] {
    (seed << 32 | at as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .to_le_bytes()
}

/// Allocates a table of scattered pages, filled by `seed`.
pub(crate) fn scattered(dev: Member<'_>, number: usize, seed: u64) -> Result<SgTable> {
    // Leaves free pages of which no two are neighbours.
    let (mut free, mut kept) = (KVec::new(), KVec::new());
    for i in 0..4 * number {
        let page = SgTable::alloc(PAGE_SIZE, dev, GFP_KERNEL)?;
        let pages = if i % 2 == 0 { &mut free } else { &mut kept };
        pages.push(page, GFP_KERNEL)?;
    }
    drop(free);
    let mut table = SgTable::alloc(number * PAGE_SIZE, dev, GFP_KERNEL)?;
    for at in (0..table.len()).step_by(8) {
        table.copy_from_slice(at, &word(seed, at))?;
    }
    Ok(table)
}
