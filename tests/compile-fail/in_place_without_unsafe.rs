// SPDX-License-Identifier: GPL-2.0

//! Asking an IOMMU for addresses that may be another device's.

use sgdma::*;

fn f(cpu: &CpuTable, table: &DmaTable, dma: DmaDevice<'_>) -> bool {
    table.is_in_place(cpu, dma)
}
