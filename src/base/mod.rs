// SPDX-License-Identifier: GPL-2.0

//! Types that every layer uses: errors, directions and allocation flags.
//!
//! A call that takes a buffer and fails returns it in a `BufferError`. A direction (who writes the
//! buffer, the CPU or the device) is a type, so that a wrong access does not compile. A caller's
//! allocation flags become a `Gfp`, which leaves out those that do not suit a table. An `IrqLock`
//! may be taken in interrupt handlers, too. `lock_class!` names locks that generic code makes. What
//! differs between kernels is in `portable.rs`.

pub(crate) mod buffer_error;
pub(crate) mod direction;
pub(crate) mod error;
pub(crate) mod gfp;
pub(crate) mod irq_lock;
pub(crate) mod lock_class;
pub(crate) mod portable;
