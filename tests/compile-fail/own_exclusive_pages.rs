// SPDX-License-Identifier: GPL-2.0

//! Saying of pages of one's own kind that they are used through their table alone.

use sgdma::*;

struct Mine;

impl Exclusive for Mine {}
