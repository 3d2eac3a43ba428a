// SPDX-License-Identifier: GPL-2.0

//! How a binding ends, and what outlives it.

pub(crate) mod gate;
pub(crate) mod quarantine;
pub(crate) mod unbinding;
