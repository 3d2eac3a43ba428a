// SPDX-License-Identifier: GPL-2.0

//! A word that is not accessed at once, so that it may be half old and half new.

use sgdma::*;

#[derive(Clone, Copy)]
struct Pair(u64, u64);

impl Word for Pair {}
