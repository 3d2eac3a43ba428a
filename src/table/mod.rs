// SPDX-License-Identifier: GPL-2.0

//! Tables: pages, and the segments that describe them.

pub(crate) mod byte_buffer;
pub(crate) mod cut;
pub(crate) mod from_pages;
pub(crate) mod kept;
pub(crate) mod limits;
pub(crate) mod owned_pages;
pub(crate) mod page_owner;
pub(crate) mod pinned;
pub(crate) mod sg_table;
