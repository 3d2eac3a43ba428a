// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/base`.

use crate::{
    EOPNOTSUPP,
    EREMOTEIO, //
};
use kernel::prelude::*;

cases! {
    sgdma_base;

    fn errors_are_those_of_the_kernel() -> Result {
        check_eq!(EOPNOTSUPP, Error::from_errno(-95));
        check_eq!(EREMOTEIO, Error::from_errno(-121));
        Ok(())
    }
}
