// SPDX-License-Identifier: GPL-2.0

//! The part of an object that changes: the memory, mapped for the device or not, and the page
//! table.
//!
//! The modes are those of vmwgfx: a coherent allocation, pages that are mapped as long as the
//! object lives, and pages that are mapped while the object is bound. vmwgfx once had a fourth
//! mode, which gave the device physical addresses. `sgdma` has none to give, and behind an IOMMU
//! physical addresses would be wrong.

use crate::{
    coherent::CoherentMemory,
    common::{
        buffer::Buffer,
        sharing::Sharing, //
    },
    mob::{
        Mob,
        GPU_PAGE, //
    },
    uapi, //
};
use kernel::{
    mm::virt::VmaNew,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    SgTable, //
};

/// `SGDMA_GPU_MODE_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Mode {
    Coherent = uapi::SGDMA_GPU_MODE_COHERENT,
    Populate = uapi::SGDMA_GPU_MODE_POPULATE,
    Bind = uapi::SGDMA_GPU_MODE_BIND,
}

impl TryFrom<u32> for Mode {
    type Error = Error;

    fn try_from(mode: u32) -> Result<Self> {
        match mode {
            uapi::SGDMA_GPU_MODE_COHERENT => Ok(Self::Coherent),
            uapi::SGDMA_GPU_MODE_POPULATE => Ok(Self::Populate),
            uapi::SGDMA_GPU_MODE_BIND => Ok(Self::Bind),
            _ => Err(EINVAL),
        }
    }
}

/// An object's memory.
enum Memory<'bound> {
    /// Mapped as long as the object lives.
    Coherent(CoherentMemory),
    Pages(Buffer<'bound, Bidirectional>),
}

/// The part of an object that changes.
pub(crate) struct State<'bound> {
    memory: Memory<'bound>,
    pub(crate) mob: Option<Mob<'bound>>,
    /// The object is bound, but user space was not yet told so. Until then nobody uses the binding.
    pub(crate) unsettled: bool,
}

impl<'bound> State<'bound> {
    /// Makes the state of an object of `size` bytes. Maps the memory, if `mode` says so.
    pub(crate) fn new(size: usize, mode: Mode, sharing: Sharing<'bound>) -> Result<Self> {
        let dma = sharing.dma();
        let memory = if mode == Mode::Coherent {
            Memory::Coherent(CoherentMemory::new(size, dma)?)
        } else {
            let table = SgTable::alloc(size, dma, GFP_KERNEL_ACCOUNT)?;
            Memory::Pages(Buffer::new(table, Bidirectional, sharing)?)
        };
        let mut state = Self {
            memory,
            mob: None,
            unsettled: false,
        };
        if mode == Mode::Populate {
            state.map()?;
        }
        Ok(state)
    }

    /// Returns whether the memory can be unmapped: coherent memory cannot.
    pub(crate) fn can_unmap(&self) -> bool {
        matches!(&self.memory, Memory::Pages(pages) if pages.is_mapped())
    }

    pub(crate) fn is_mapped(&self) -> bool {
        match &self.memory {
            Memory::Coherent(memory) => memory.pieces() > 0,
            Memory::Pages(pages) => pages.is_mapped(),
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        match &self.memory {
            Memory::Coherent(_) => false,
            Memory::Pages(pages) => pages.is_shared(),
        }
    }

    /// Returns the number of segments in memory, and the number that the device sees.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.memory {
            Memory::Coherent(memory) => (memory.pieces(), memory.pieces()),
            Memory::Pages(pages) => pages.segments(),
        }
    }

    pub(crate) fn map(&mut self) -> Result {
        match &mut self.memory {
            Memory::Coherent(_) => Err(EIO),
            Memory::Pages(pages) => pages.map(),
        }
    }

    /// Unmaps the object. The device does not use the object: whoever calls this has the state.
    pub(crate) fn unmap(&mut self) {
        if let Memory::Pages(pages) = &mut self.memory {
            pages.unmap();
        }
    }

    /// Builds the page table of `count` pages, with entries of `bits` bits.
    pub(crate) fn build_mob(
        &self,
        dma: DmaDevice<'bound>,
        count: usize,
        bits: u32,
    ) -> Result<Mob<'bound>> {
        match &self.memory {
            Memory::Coherent(memory) => Mob::new(dma, memory.pages(), count, bits),
            Memory::Pages(pages) => {
                let blocks = pages.dma().ok_or(EINVAL)?.dma_blocks(GPU_PAGE as u64)?;
                Mob::new(dma, blocks, count, bits)
            }
        }
    }

    /// Frees the page table, and unmaps the memory if `unmap` is true.
    pub(crate) fn unbind(&mut self, unmap: bool) {
        if let Some(mob) = self.mob.take() {
            mob.tables.complete();
        }
        if unmap {
            self.unmap();
        }
    }

    /// Leaks the memory and the page table to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.mob = None;
        match &mut self.memory {
            Memory::Coherent(memory) => memory.leak(),
            Memory::Pages(pages) => pages.leak(),
        }
    }

    /// Writes to the object, by the CPU. The range lies within the object.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result {
        match &mut self.memory {
            Memory::Coherent(memory) => memory.write(offset, bytes),
            Memory::Pages(pages) => pages.write(offset, bytes),
        }
    }

    /// Reads from the object, by the CPU. The range lies within the object.
    pub(crate) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result {
        match &mut self.memory {
            Memory::Coherent(memory) => memory.read(offset, bytes),
            Memory::Pages(pages) => pages.read(offset, bytes),
        }
    }

    /// Maps part of the object to user space, whose mapping is cached: that is for shared pages.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.memory {
            Memory::Coherent(_) => Err(EINVAL),
            Memory::Pages(pages) => pages.mmap(offset, vma),
        }
    }
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        // Whoever drops the state has it, so the device does not use the object.
        if let Some(mob) = self.mob.take() {
            mob.tables.complete();
        }
    }
}
