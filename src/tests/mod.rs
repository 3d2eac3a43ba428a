// SPDX-License-Identifier: GPL-2.0

//! Self-tests, which run when the module is loaded: by KUnit, or with `selftest=1` without KUnit.
//!
//! Each layer has a suite or more, in a file of its own. A case that fails returns, which drops all
//! that it has made, so that the next one begins afresh.

#[macro_use]
mod suite;

mod base;
mod coherent;
mod device;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod dma_buf;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod dma_buf_turns;
mod examples;
mod for_cpu;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod foreign;
mod iov;
mod iova;
mod iova_life;
mod lifecycle;
mod map;
mod owner;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod revocation;
mod segments;
mod sharing;
mod sync_debug;
mod table;
mod walk;
mod words;

// Runs them without KUnit.
mod run;

// Shared by the suites.
mod buffers;
mod compare;
mod random;
mod reference;
mod tables;
mod test_device;
mod user_memory;

pub(crate) use run::run;
