// SPDX-License-Identifier: GPL-2.0

//! Memory that a device can access: mapped tables, and coherent memory.
//!
//! A buffer is always in one of these states. Each state is a type, and each change of state takes
//! one value and returns another:
//!
//! | state | type | the CPU accesses the bytes | the device accesses the bytes |
//! |---|---|---|---|
//! | not mapped | [`SgTable`](crate::SgTable) | yes | no |
//! | mapped | [`Mapped`](crate::Mapped) | through a [`ForCpu`](crate::ForCpu) guard | not yet |
//! | in flight | [`InFlight<Mapped>`](crate::InFlight) | no | yes |
//! | shared | [`Shared`](crate::Shared), also in flight | yes | yes, once in flight |
//! | linked | [`Iova`](crate::Iova), a range with several tables | no | yes, once in flight |
//! | coherent | [`CoherentBuffer`](crate::CoherentBuffer) | yes | yes, once in flight |
//!
//! ```text
//! SgTable --map()--> Mapped --submit()--> InFlight --complete()--> Mapped --unmap()--> SgTable
//! ```
//!
//! A [`Shared`](crate::Shared) table takes the same way: `map_shared()` instead of `map()`. It is
//! for devices that are coherent with the CPU's caches and that access the pages where they are,
//! without a bounce buffer. Two witnesses prove that: a
//! [`CoherentDevice`](crate::CoherentDevice) for all memory, an [`InPlace`](crate::InPlace) for one
//! table. Pages that user space accesses too are in a [`UserTable`](crate::UserTable), which can
//! only be mapped as `Shared`.
//!
//! An [`Iova`](crate::Iova) is a range of bus addresses that is reserved before there is a buffer.
//! Tables are linked in it, `link()`, and come back by `unlink()`. It is submitted and completed as
//! a mapped table is.
//!
//! Coherent memory is never a table: it is allocated for its device, whole or in blocks of a
//! [`DmaPool`](crate::DmaPool). The CPU accesses it, and a `Shared` table, by
//! [`Words`](crate::Words).
//!
//! An `InFlight` that is dropped goes into quarantine: see `lifecycle/quarantine.rs`.
//!
//! In sync-debug mode the device gets pages of its own, so that a forgotten synchronisation shows:
//! `shadow.c` has one such mapping, `sync_debug.c` all of them.

pub(crate) mod attrs;
pub(crate) mod coherent;
pub(crate) mod exclusive;
pub(crate) mod for_cpu;
pub(crate) mod in_flight;
pub(crate) mod in_place;
pub(crate) mod iova;
pub(crate) mod mapped;
pub(crate) mod place;
pub(crate) mod pool;
pub(crate) mod reserved;
pub(crate) mod shared;
pub(crate) mod shared_link;
mod space;
pub(crate) mod sync;
pub(crate) mod user;
pub(crate) mod words;
