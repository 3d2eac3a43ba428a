// SPDX-License-Identifier: GPL-2.0

//! The part of an object that changes: the memory, mapped for the device or not, and the page
//! table.
//!
//! The first modes are those of vmwgfx: a coherent allocation, pages that are mapped as long as the
//! object lives, and pages that are mapped while the object is bound. vmwgfx once had another mode,
//! which gave the device physical addresses. `sgdma` has none to give, and behind an IOMMU physical
//! addresses would be wrong. The last mode is a dma-buf, which several devices use.

use crate::{
    coherent::CoherentMemory,
    common::{
        buffer::Buffer,
        sharing::Sharing, //
    },
    dma_buf::DmaBufMemory,
    mob::{
        Mob,
        GPU_PAGE, //
    },
    uapi,
    Gpu, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    mm::virt::VmaNew,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    DmaBuf,
    DmaDevice,
    DriverContext,
    SgTable, //
};

/// `SGDMA_GPU_MODE_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Mode {
    Coherent = uapi::SGDMA_GPU_MODE_COHERENT,
    Populate = uapi::SGDMA_GPU_MODE_POPULATE,
    Bind = uapi::SGDMA_GPU_MODE_BIND,
    DmaBuf = uapi::SGDMA_GPU_MODE_DMABUF,
}

impl Mode {
    /// Returns whether an object is mapped only while the object is bound.
    pub(crate) fn maps_to_bind(self) -> bool {
        matches!(self, Self::Bind | Self::DmaBuf)
    }
}

impl TryFrom<u32> for Mode {
    type Error = Error;

    fn try_from(mode: u32) -> Result<Self> {
        match mode {
            uapi::SGDMA_GPU_MODE_COHERENT => Ok(Self::Coherent),
            uapi::SGDMA_GPU_MODE_POPULATE => Ok(Self::Populate),
            uapi::SGDMA_GPU_MODE_BIND => Ok(Self::Bind),
            uapi::SGDMA_GPU_MODE_DMABUF => Ok(Self::DmaBuf),
            _ => Err(EINVAL),
        }
    }
}

/// An object's memory.
enum Memory<'bound> {
    /// Mapped as long as the object lives.
    Coherent(CoherentMemory),
    Pages(Buffer<'bound, Bidirectional>),
    DmaBuf(DmaBufMemory<'bound>),
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
        let memory = match mode {
            Mode::Coherent => Memory::Coherent(CoherentMemory::new(size, dma)?),
            Mode::Populate | Mode::Bind => {
                // A request for too much is the user's error, and no matter for the log.
                let gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
                let table = SgTable::alloc(size, dma, gfp)?;
                let mut pages = Buffer::new(table, Bidirectional, sharing)?;
                if mode == Mode::Populate {
                    pages.map()?;
                }
                Memory::Pages(pages)
            }
            Mode::DmaBuf => Memory::DmaBuf(DmaBufMemory::new(size, sharing)?),
        };
        Ok(Self::of(memory))
    }

    /// Makes the state of an object that is a dma-buf of any driver.
    pub(crate) fn import(dma_buf: DmaBuf) -> Self {
        Self::of(Memory::DmaBuf(DmaBufMemory::import(dma_buf)))
    }

    fn of(memory: Memory<'bound>) -> Self {
        Self {
            memory,
            mob: None,
            unsettled: false,
        }
    }

    /// Returns the dma-buf, for a descriptor.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the memory is none.
    pub(crate) fn dma_buf(&self) -> Result<DmaBuf> {
        match &self.memory {
            Memory::Coherent(_) | Memory::Pages(_) => Err(EINVAL),
            Memory::DmaBuf(memory) => Ok(memory.dma_buf()),
        }
    }

    /// Returns whether the memory can be unmapped: coherent memory cannot.
    pub(crate) fn can_unmap(&self) -> bool {
        match &self.memory {
            Memory::Coherent(_) => false,
            Memory::Pages(_) | Memory::DmaBuf(_) => self.is_mapped(),
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        match &self.memory {
            Memory::Coherent(memory) => memory.pieces() > 0,
            Memory::Pages(pages) => pages.is_mapped(),
            Memory::DmaBuf(memory) => memory.is_mapped(),
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        match &self.memory {
            Memory::Coherent(_) => false,
            Memory::Pages(pages) => pages.is_shared(),
            Memory::DmaBuf(memory) => memory.is_shared(),
        }
    }

    /// Returns the number of segments in memory, and the number that the device sees. Nobody but
    /// its exporter knows how a dma-buf lies in memory.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.memory {
            Memory::Coherent(memory) => (memory.pieces(), memory.pieces()),
            Memory::Pages(pages) => pages.segments(),
            Memory::DmaBuf(memory) => (0, memory.dma().map_or(0, |dma| dma.nents())),
        }
    }

    pub(crate) fn map(&mut self, gpu: &DriverContext<'bound, Gpu>) -> Result {
        match &mut self.memory {
            Memory::Coherent(_) => Err(EIO),
            Memory::Pages(pages) => pages.map(),
            Memory::DmaBuf(memory) => memory.map(gpu),
        }
    }

    /// Returns `ENODEV` if the exporter of the memory has taken it back.
    pub(crate) fn check(&self) -> Result {
        match &self.memory {
            Memory::DmaBuf(memory) if memory.is_revoked() => Err(ENODEV),
            _ => Ok(()),
        }
    }

    /// Unmaps memory that its exporter has taken back. The device does not use the object: whoever
    /// calls this has the state.
    pub(crate) fn unmap_if_revoked(&mut self) {
        if self.check().is_err() {
            self.unbind(true);
        }
    }

    /// Unmaps the object. The device does not use the object: whoever calls this has the state.
    pub(crate) fn unmap(&mut self) {
        match &mut self.memory {
            Memory::Coherent(_) => {}
            Memory::Pages(pages) => pages.unmap(),
            Memory::DmaBuf(memory) => memory.unmap(),
        }
    }

    /// Builds the page table of `count` pages, with entries of `bits` bits.
    pub(crate) fn build_mob(
        &self,
        dma: DmaDevice<'bound>,
        count: usize,
        bits: u32,
    ) -> Result<Mob<'bound>> {
        let table = match &self.memory {
            Memory::Coherent(memory) => return Mob::new(dma, memory.pages(), count, bits),
            Memory::Pages(pages) => pages.dma().ok_or(EINVAL)?,
            Memory::DmaBuf(memory) => memory.dma()?,
        };
        let blocks = table.dma_blocks(GPU_PAGE as u64)?;
        Mob::new(dma, blocks, count, bits)
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
            Memory::DmaBuf(memory) => memory.leak(),
        }
    }

    /// Writes to the object, by the CPU. The range lies within the object.
    ///
    /// A dma-buf is returned instead. The CPU's turn there waits for fences of any driver, so the
    /// caller does not have the state meanwhile.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<Option<DmaBuf>> {
        match &mut self.memory {
            Memory::Coherent(memory) => memory.write(offset, bytes)?,
            Memory::Pages(pages) => pages.write(offset, bytes)?,
            Memory::DmaBuf(memory) => return memory.for_cpu().map(Some),
        }
        Ok(None)
    }

    /// Reads from the object, by the CPU. The range lies within the object. A dma-buf is returned
    /// instead, as [`write`](Self::write) does.
    pub(crate) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result<Option<DmaBuf>> {
        match &mut self.memory {
            Memory::Coherent(memory) => memory.read(offset, bytes)?,
            Memory::Pages(pages) => pages.read(offset, bytes)?,
            Memory::DmaBuf(memory) => return memory.for_cpu().map(Some),
        }
        Ok(None)
    }

    /// Maps part of the object to user space, whose mapping is cached: that is for shared pages.
    /// User space maps a dma-buf by its descriptor.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.memory {
            Memory::Coherent(_) | Memory::DmaBuf(_) => Err(EINVAL),
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
