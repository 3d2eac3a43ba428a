// SPDX-License-Identifier: GPL-2.0

//! dma-bufs: buffers that several devices share, of this library and of other exporters.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)
//!
//! A dma-buf belongs to no device and outlives every binding. Its exporter maps it for each device,
//! also for the exporter's own. The API has no call by which one device hands bytes to another. So
//! a device that needs synchronisation takes *turns*: its turn begins when the buffer is mapped for
//! it, and ends when the buffer is unmapped. Mapping and unmapping hand the bytes over, as they do
//! for a table. A device that is coherent and finds the pages in place keeps its mapping.

pub(crate) mod attached;
pub(crate) mod buffer;
pub(crate) mod export;
pub(crate) mod peer_memory;
pub(crate) mod revocable;
mod revocation;
