// SPDX-License-Identifier: GPL-2.0

//! Tables: the pages of a buffer, and a list of segments that describes them.
//!
//! A driver's buffer consists of whole pages anywhere in memory. A segment is a part of the buffer
//! that is contiguous in memory. Neighbouring pages can share a segment, up to the limits of the
//! device: the longest segment that it takes, and the boundaries that no segment may cross. A table
//! (`sg_table`) holds three things:
//!
//! - the owner of the pages (`page_owner`). It is a part of this library (`owned_pages`,
//!   `byte_buffer`, `pinned`), or the driver implements one.
//! - the range of bytes in these pages that is the buffer.
//! - a list with an entry for each segment. `from_pages` makes it: `cut` decides where a segment
//!   ends, by the limits (`limits`).
//!
//! A table is not mapped for any device. Mapping takes it and makes a `Mapped` of it. If a mapped
//! table is dropped while a device may be using it, its parts go into a quarantine (`kept`).

pub(crate) mod byte_buffer;
pub(crate) mod cut;
pub(crate) mod from_pages;
pub(crate) mod iov;
pub(crate) mod kept;
pub(crate) mod limits;
pub(crate) mod owned_pages;
pub(crate) mod page_owner;
pub(crate) mod pinned;
pub(crate) mod sg_table;
