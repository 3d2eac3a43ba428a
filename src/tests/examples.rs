// SPDX-License-Identifier: GPL-2.0

//! The examples of the documentation that run without hardware.
//!
//! `scripts/examples.awk` makes a case of each example that has a function `example`. The examples
//! are those of a driver: they name the crate, and their assertions are Rust's.

#![allow(dead_code, unused_imports, clippy::all)]

use super::test_device::TestDevice;
use crate as sgdma;
use kernel::prelude::*;

/// Ends the case unless `$cond` is true, and names the line in the documentation.
///
/// `PLACE` has the file, and what is to be added to the number of a line in the generated file.
macro_rules! example_assert {
    ($cond:expr $(,)?) => {
        if !$cond {
            let line = line!() as i32 + PLACE.1;
            pr_err!("{}:{}: not so: {}\n", PLACE.0, line, stringify!($cond));
            return Err(EINVAL);
        }
    };
}
use example_assert as assert;

/// Ends the case unless both are equal.
macro_rules! example_assert_eq {
    ($left:expr, $right:expr $(,)?) => {
        assert!(($left) == ($right))
    };
}
use example_assert_eq as assert_eq;

include!(env!("SGDMA_EXAMPLES"));
