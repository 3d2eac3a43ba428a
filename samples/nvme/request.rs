// SPDX-License-Identifier: GPL-2.0

//! The side of a command that somebody waits for.

use crate::{
    command::Answer,
    common::{
        memory::Memory,
        pending::Pending, //
    }, //
};
use kernel::prelude::*;

/// The end of a command.
pub(crate) struct Outcome {
    /// The device's answer, or the reason why there is none.
    pub(crate) answer: Result<Answer>,
    /// The memory of the command, unless the device may go on with it.
    pub(crate) memory: Memory,
}

pub(crate) type Request = Pending<Outcome>;
