// SPDX-License-Identifier: GPL-2.0

//! Domains: address spaces that a driver fills, in the place of the DMA API's.
//!
//! Read in this order:
//!
//! - `ranges.rs`: which addresses are taken, as pure logic
//! - `data.rs`: what the devices of one domain share
//! - `paging.rs`: a domain, and which devices are attached
//! - `device.rs`: the device that a driver is given, attached or not
//! - `mapping.rs`: tables that are mapped in a domain
//! - `turns.rs`: who uses such a table, a device or the CPU

pub(crate) mod data;
pub(crate) mod device;
pub(crate) mod mapping;
pub(crate) mod paging;
mod ranges;
pub(crate) mod turns;
