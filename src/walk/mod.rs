// SPDX-License-Identifier: GPL-2.0

//! Walks over scatterlists: the CPU walk, the DMA walk, and both in lockstep.

pub(crate) mod blocks;
pub(crate) mod cpu;
pub(crate) mod dma;
pub(crate) mod entries;
pub(crate) mod frames;
pub(crate) mod list;
pub(crate) mod lockstep;
pub(crate) mod run;
