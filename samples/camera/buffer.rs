// SPDX-License-Identifier: GPL-2.0

//! A buffer: pages that the device writes and user space sees, and the lists of these.
//!
//! It is mapped for as long as it lives. Where the device is coherent, user space maps its pages
//! and nobody ever synchronises; elsewhere it is read by `read(2)`, and handed over for that.

use crate::{
    list::{
        DummyNumbers,
        Layout,
        Lists, //
    },
    sharing::Sharing, //
};
use kernel::{
    mm::virt::VmaNew,
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    FromDevice,
    InFlight,
    Mapped,
    MmapPages,
    SgTable,
    Shared, //
};

/// Blocks of contiguous memory are up to so large: 1 MiB of pages of 4 KiB.
const MAX_ORDER: u32 = 8;

enum Memory<'bound> {
    Shared(InFlight<Shared<'bound, FromDevice, MmapPages>>),
    ByTurns(InFlight<Mapped<'bound, FromDevice>>),
    /// The device did not answer, and may still be using it: it is in quarantine.
    Lost,
}

pub(crate) struct Buffer<'bound> {
    pub(crate) len: usize,
    pub(crate) lists: Lists,
    pub(crate) queued: bool,
    memory: Memory<'bound>,
}

impl<'bound> Buffer<'bound> {
    pub(crate) fn new(
        sharing: Sharing<'bound>,
        layout: Layout,
        contiguous: bool,
        dummy: DummyNumbers,
    ) -> Result<Self> {
        let (dma, len) = (sharing.dma(), layout.buffer_len());
        let table = if contiguous {
            let order = (len / PAGE_SIZE).next_power_of_two().ilog2();
            SgTable::alloc_blocks(len, order.min(MAX_ORDER), dma, GFP_KERNEL_ACCOUNT)?
        } else {
            SgTable::alloc(len, dma, GFP_KERNEL_ACCOUNT)?
        };
        // The device knows nothing of it until it is in the frame table.
        let (lists, memory) = match sharing {
            Sharing::Always(dev) => {
                let mapped = table.for_user(FromDevice)?.map_shared(dev)?;
                let lists = Lists::new(dma, &mapped, layout, dummy)?;
                (lists, Memory::Shared(mapped.submit()))
            }
            Sharing::ByTurns(dma) => {
                let mapped = table.map(dma, FromDevice)?;
                let lists = Lists::new(dma, &mapped, layout, dummy)?;
                (lists, Memory::ByTurns(mapped.submit()))
            }
        };
        Ok(Self {
            len,
            lists,
            queued: false,
            memory,
        })
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.memory, Memory::Shared(_))
    }

    /// Segments in memory, and those that the device sees.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.memory {
            Memory::Shared(mapped) => (mapped.cpu().orig_nents(), mapped.nents()),
            Memory::ByTurns(mapped) => (mapped.cpu().orig_nents(), mapped.nents()),
            Memory::Lost => (0, 0),
        }
    }

    /// By the CPU. The range lies within the buffer, which is not queued: the device is not at it.
    pub(crate) fn read(&mut self, at: usize, bytes: &mut [u8]) -> Result {
        match core::mem::replace(&mut self.memory, Memory::Lost) {
            Memory::ByTurns(mapped) => {
                let mut mapped = mapped.complete();
                let result = mapped
                    .for_cpu_range(at..at + bytes.len())
                    .and_then(|mut cpu| cpu.copy_to_slice(at, bytes));
                self.memory = Memory::ByTurns(mapped.submit());
                result
            }
            memory => {
                self.memory = memory;
                match &self.memory {
                    Memory::Shared(shared) => shared.copy_to_slice(at, bytes),
                    _ => Err(EIO),
                }
            }
        }
    }

    /// For memory that is shared.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.memory {
            Memory::Shared(shared) => shared.map_to_user(offset, vma),
            _ => Err(EINVAL),
        }
    }

    /// Gives up what a device has that does not answer.
    pub(crate) fn lose(&mut self) {
        self.memory = Memory::Lost;
        self.lists.lose();
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        // Here is who has it, so the device is not at it.
        match core::mem::replace(&mut self.memory, Memory::Lost) {
            Memory::Shared(mapped) => drop(mapped.complete()),
            Memory::ByTurns(mapped) => drop(mapped.complete()),
            Memory::Lost => (),
        }
    }
}
