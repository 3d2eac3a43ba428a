// SPDX-License-Identifier: GPL-2.0

//! The controller memory buffer (CMB): memory of the controller that other devices use.
//!
//! The controller itself has its queues and data in memory of the system.

use crate::registers::{
    Bar,
    CAP_HIGH,
    CMBLOC,
    CMBMSC,
    CMBSZ, //
};
use kernel::{
    device::Bound,
    io::Io,
    pci,
    prelude::*, //
};
use sgdma::{
    DmaDevice,
    PeerMemory, //
};

/// Returns the controller's memory buffer. `None` if the controller has none for both reads and
/// writes. `None`, with a line in the log, if other devices cannot use it.
pub(crate) fn find<'bound>(
    pdev: &pci::Device<Bound>,
    bar: &Bar<'bound>,
    dma: DmaDevice<'bound>,
) -> Option<PeerMemory<'bound>> {
    if bar.read(CAP_HIGH).memory_buffer() {
        bar.write_reg(CMBMSC::zeroed().with_show(true));
    }
    let (place, size) = (bar.read(CMBLOC), bar.read(CMBSZ));
    let unit = 4096u64 << (4 * u64::from(size.unit().get())).min(32);
    let len = u64::from(size.size().get()) * unit;
    if len == 0 || !(size.reads() && size.writes()) {
        return None;
    }
    let start = u64::from(place.offset().get()) * unit;
    let memory = PeerMemory::new(dma, place.bar().get(), start..start.saturating_add(len));
    memory
        .inspect_err(|error| {
            dev_warn!(
                pdev,
                "the memory buffer of {} KiB is not available to other devices ({:?}): EOPNOTSUPP \
                 calls for a kernel with CONFIG_PCI_P2PDMA\n",
                len >> 10,
                error
            )
        })
        .ok()
}
