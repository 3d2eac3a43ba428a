// SPDX-License-Identifier: GPL-2.0

//! Saying of pinned pages that nobody else uses them.

use sgdma::*;

impl Exclusive for PinnedPages {}
