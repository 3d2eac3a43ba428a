// SPDX-License-Identifier: GPL-2.0

//! What every layer uses: errors, allocation flags, directions.

pub(crate) mod buffer_error;
pub(crate) mod direction;
pub(crate) mod error;
pub(crate) mod gfp;
