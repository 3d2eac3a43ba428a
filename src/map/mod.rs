// SPDX-License-Identifier: GPL-2.0

//! Mappings: tables as a device sees them.

pub(crate) mod attrs;
pub(crate) mod exclusive;
pub(crate) mod for_cpu;
pub(crate) mod in_flight;
pub(crate) mod in_place;
pub(crate) mod mapped;
pub(crate) mod place;
pub(crate) mod shared;
pub(crate) mod sync;
pub(crate) mod user;
