// SPDX-License-Identifier: GPL-2.0

//! The end of a binding, and the buffers that outlive the end.
//!
//! A *binding* is the time during which a driver drives a device. Unbinding ends the binding; an
//! administrator or the removal of the device starts it. Six pieces deal with that end:
//!
//! - [`unbinding`]: a flag that says that the end has begun, and sleeping that the flag ends.
//! - [`completion`]: a flag of one command, to wait for until then.
//! - [`gate`]: a gate in front of what exists only during the binding. An open file outlives the
//!   binding, so each of its operations passes the gate.
//! - [`quarantine`]: a list of the buffers that were dropped while the device might still access
//!   them. They stay allocated and mapped until the device is known to be done with them.
//! - [`deferred`]: buffers that were dropped where nothing may sleep, and that a worker frees.
//! - [`work_ref`]: a reference to a work item, for those who may outlive the binding.

pub(crate) mod completion;
pub(crate) mod deferred;
pub(crate) mod gate;
pub(crate) mod quarantine;
pub(crate) mod unbinding;
mod wait_flag;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
pub(crate) mod work_ref;
