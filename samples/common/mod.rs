// SPDX-License-Identifier: GPL-2.0

//! Code that several drivers of this tree share. A driver includes all of it as one module:
//! `#[path = "../common/mod.rs"] mod common;`. Read in this order:
//!
//! - `edu.rs`: the device, its registers and how to make it quiet
//! - `engine.rs`: the device's DMA engine, as a driver uses it
//! - `sharing.rs`: whether the CPU and the device use memory at the same time or by turns
//! - `buffer.rs`: a buffer's states, from unmapped to mapped and back, or to leaked
//! - `table.rs`: tables of bus addresses, as the driver fills them and the device reads them
//! - `handles.rs`: objects of open files, by file and handle
//! - `request.rs`: ioctl requests
//! - `descriptor.rs`: descriptors of dma-bufs, as answers to such requests
//! - `memory.rs`, `loan.rs`: the memory of a request to a disk, or its dma-buf
//! - `parts.rs`: `read(2)` and `write(2)` of more bytes than one request takes
//! - `pending.rs`: a request, for the task that waits for its end
//! - `watchdog.rs`: the clock by which a request is late

// A driver uses only part of this module.
#![allow(dead_code, unused_imports, unused_macros)]

pub(crate) mod buffer;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
pub(crate) mod descriptor;
pub(crate) mod edu;
pub(crate) mod engine;
pub(crate) mod handles;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
pub(crate) mod loan;
pub(crate) mod memory;
pub(crate) mod parts;
pub(crate) mod pending;
pub(crate) mod request;
pub(crate) mod sharing;
pub(crate) mod table;
pub(crate) mod watchdog;
