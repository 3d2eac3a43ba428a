// SPDX-License-Identifier: GPL-2.0

//! A direction of one's own, which `dma_map_sgtable()` need not know.

use kernel::dma::DataDirection;
use sgdma::*;

#[derive(Clone, Copy)]
struct Sideways;

impl Direction for Sideways {
    const DIRECTION: DataDirection = DataDirection::None;
}
