// SPDX-License-Identifier: GPL-2.0

//! The side of a command that somebody waits for.

use crate::{
    command::Answer,
    common::pending::Pending, //
};
use kernel::prelude::*;
use sgdma::SgTable;

/// The end of a command.
pub(crate) struct Outcome {
    /// The device's answer, or the reason why there is none.
    pub(crate) answer: Result<Answer>,
    /// The stage that the device has written, if the bytes go through one.
    pub(crate) stage: Option<SgTable>,
}

pub(crate) type Request = Pending<Outcome>;
