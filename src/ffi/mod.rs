// SPDX-License-Identifier: GPL-2.0

//! The C functions of this module, which `kernel::bindings` does not have.
//!
//! `generated.rs` is made from the headers by `make bindings` and is committed. Only pointers to
//! the kernel's structures are passed: an empty member in one of them does not matter.

mod generated;

pub(crate) use generated::*;
