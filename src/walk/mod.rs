// SPDX-License-Identifier: GPL-2.0

//! Walks over scatterlists: the CPU walk, the DMA walk, and both in lockstep.
//!
//! A buffer is scattered in memory. Its `struct sg_table` has a list of entries, each a
//! `struct scatterlist`. Before mapping, an entry describes one segment: `length` bytes from
//! `offset` on in a page and those that follow the page in memory. Mapping writes bus addresses
//! into the same entries: a run of `sg_dma_len()` bytes from `sg_dma_address()` on. An IOMMU may
//! merge segments, so that there are fewer runs than segments, and entry number `n` may hold
//! another part of the buffer before mapping than after. Hence there are two walks:
//!
//! - The CPU walk (`cpu`) goes over `orig_nents` entries and yields pages.
//! - The DMA walk (`dma`) goes over `nents` entries and yields bus addresses.
//!
//! In C both use the same structure, and a driver that takes the wrong count or the wrong length
//! gets the wrong bytes. Here they have different types, `CpuTable` and `DmaTable`. The lockstep
//! walk (`lockstep`) counts bytes in both, and yields each page beside its bus address.
//!
//! A device wants the addresses in one of three forms:
//!
//! - A run (`run`) is a range of addresses of any length, for a copy engine.
//! - A frame (`frames`) is an aligned piece of the address space, for a page table with pages of
//!   the CPU's size. The walk yields each frame that holds a byte of a run.
//! - A block (`blocks`) is a frame of a size that the device chooses, for a page table with larger
//!   or smaller pages. The blocks fit if the runs fill them without a gap.
//!
//! The layout of an entry, and the step from one to the next, are in `entries`; a list of our own
//! is in `list`. `extents` keeps the books of a range that is linked part by part. `run`, `frames`,
//! `blocks` and `extents` call nothing of the kernel.

pub(crate) mod blocks;
pub(crate) mod cpu;
pub(crate) mod dma;
pub(crate) mod entries;
pub(crate) mod extents;
pub(crate) mod frames;
pub(crate) mod list;
pub(crate) mod lockstep;
pub(crate) mod run;
