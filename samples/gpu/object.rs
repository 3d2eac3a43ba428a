// SPDX-License-Identifier: GPL-2.0

//! Buffer objects: memory that the CPU and the device use, and when an object is mapped for the
//! device.
//!
//! The modes are those of vmwgfx: a coherent allocation, pages that are mapped as long as the object
//! lives, and pages that are mapped while the object is bound. vmwgfx once had a fourth mode, which
//! gave the device physical addresses. `sgdma` has none to give, and behind an IOMMU physical
//! addresses would be wrong.

use crate::{
    coherent::CoherentMemory,
    common::{
        buffer::Buffer,
        sharing::Sharing,
        table::Walk, //
    },
    mob::{
        Mob,
        GPU_PAGE, //
    },
    GpuData, //
};
use kernel::{
    dma::DmaAddress,
    mm::virt::VmaNew,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    SgTable, //
};

/// `SGDMA_GPU_MODE_*`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Coherent = 1,
    Populate = 2,
    Bind = 3,
}

impl TryFrom<u32> for Mode {
    type Error = Error;

    fn try_from(mode: u32) -> Result<Self> {
        match mode {
            1 => Ok(Self::Coherent),
            2 => Ok(Self::Populate),
            3 => Ok(Self::Bind),
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
    unsettled: bool,
}

/// What it takes to undo that an object was bound.
pub(crate) struct Undo {
    /// The object was not mapped before.
    unmap: bool,
}

#[pin_data]
pub(crate) struct Object<'bound> {
    pub(crate) size: usize,
    pub(crate) mode: Mode,
    dma: DmaDevice<'bound>,
    /// `None` while the device uses the object. That may take long, so others get an error instead
    /// of waiting. Whoever has the lock does not access user space: `mmap()` takes the lock under
    /// `mmap_lock`.
    #[pin]
    state: Mutex<Option<State<'bound>>>,
}

impl<'bound> Object<'bound> {
    /// Makes an object of `size` bytes, which is a multiple of `GPU_PAGE`.
    pub(crate) fn new(size: usize, mode: Mode, sharing: Sharing<'bound>) -> Result<Arc<Self>> {
        let dma = sharing.dma();
        let memory = if mode == Mode::Coherent {
            Memory::Coherent(CoherentMemory::new(size, dma)?)
        } else {
            let table = SgTable::alloc(size, dma, GFP_KERNEL_ACCOUNT)?;
            Memory::Pages(Buffer::new(table, Bidirectional, sharing)?)
        };
        let mut state = State {
            memory,
            mob: None,
            unsettled: false,
        };
        if mode == Mode::Populate {
            state.map()?;
        }
        Arc::pin_init(
            try_pin_init!(Self {
                size,
                mode,
                dma,
                state <- new_mutex!(Some(state)),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Calls `work`, which is short, unless the device uses the object.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State<'bound>) -> Result<R>) -> Result<R> {
        match &mut *self.state.lock() {
            Some(state) => work(state),
            None => Err(EBUSY),
        }
    }

    /// Takes the state away, for the device to use the object.
    pub(crate) fn take(&self) -> Result<State<'bound>> {
        self.state
            .lock()
            .take_if(|state| !state.unsettled)
            .ok_or(EBUSY)
    }

    pub(crate) fn give_back(&self, state: State<'bound>) {
        *self.state.lock() = Some(state);
    }

    /// Describes the object to the device, by a page table with entries of `bits` bits.
    ///
    /// [`settle_bind`](Self::settle_bind) has to follow.
    pub(crate) fn bind(&self, state: &mut State<'bound>, bits: u32) -> Result<Undo> {
        if state.mob.is_some() {
            return Err(EBUSY);
        }
        let undo = Undo {
            unmap: !state.is_mapped(),
        };
        if undo.unmap {
            state.map()?;
        }
        match state.build_mob(self.dma, self.size / GPU_PAGE, bits) {
            Ok(mob) => {
                state.mob = Some(mob);
                state.unsettled = true;
                Ok(undo)
            }
            Err(error) => {
                if undo.unmap {
                    state.unmap();
                }
                Err(error)
            }
        }
    }

    /// Leaves the object bound if user space was told so, and undoes the binding otherwise.
    pub(crate) fn settle_bind(&self, undo: Undo, told: Result) -> Result {
        self.with(|state| {
            state.unsettled = false;
            if told.is_err() {
                state.unbind(undo.unmap);
            }
            told
        })
    }

    pub(crate) fn unbind(&self) -> Result {
        self.with(|state| match (&state.mob, state.unsettled) {
            (None, _) => Err(EINVAL),
            (Some(_), true) => Err(EBUSY),
            (Some(_), false) => {
                state.unbind(self.mode == Mode::Bind);
                Ok(())
            }
        })
    }

    /// Has the device find each page of `part`, which begins at byte `offset` of the object, by the
    /// page table. Calls `go` with the address of each page.
    pub(crate) fn by_device(
        &self,
        gpu: &GpuData<'bound>,
        offset: usize,
        part: &mut [u8],
        mut go: impl FnMut(DmaAddress, &mut [u8]) -> Result,
    ) -> Result {
        let mut state = self.take()?;
        let result = match &state.mob {
            None => Err(EINVAL),
            Some(mob) => {
                let mut walk = Walk::new(&gpu.engine, &mob.tables);
                let mut pages = part.chunks_mut(GPU_PAGE).enumerate();
                pages.try_for_each(|(i, page)| go(walk.block(offset / GPU_PAGE + i)?, page))
            }
        };
        if result == Err(ETIMEDOUT) {
            state.leak();
        }
        self.give_back(state);
        result
    }

    pub(crate) fn map(&self) -> Result {
        self.with(|state| {
            if state.is_mapped() {
                Err(EINVAL)
            } else {
                state.map()
            }
        })
    }

    /// Unmaps the object, as a driver does to evict an object.
    pub(crate) fn unmap(&self) -> Result {
        self.with(|state| match (&state.mob, &state.memory) {
            (Some(_), _) => Err(EBUSY),
            (None, Memory::Pages(pages)) if pages.is_mapped() => {
                state.unmap();
                Ok(())
            }
            _ => Err(EINVAL),
        })
    }
}

impl<'bound> State<'bound> {
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

    fn map(&mut self) -> Result {
        match &mut self.memory {
            Memory::Coherent(_) => Err(EIO),
            Memory::Pages(pages) => pages.map(),
        }
    }

    /// Unmaps the object. The device does not use the object: whoever calls this has the state.
    fn unmap(&mut self) {
        if let Memory::Pages(pages) = &mut self.memory {
            pages.unmap();
        }
    }

    fn build_mob(&self, dma: DmaDevice<'bound>, count: usize, bits: u32) -> Result<Mob<'bound>> {
        match &self.memory {
            Memory::Coherent(memory) => Mob::new(dma, memory.pages(), count, bits),
            Memory::Pages(pages) => {
                let blocks = pages.dma().ok_or(EINVAL)?.dma_blocks(GPU_PAGE as u64)?;
                Mob::new(dma, blocks, count, bits)
            }
        }
    }

    fn unbind(&mut self, unmap: bool) {
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

    /// Has the CPU write. The range lies within the object.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result {
        match &mut self.memory {
            Memory::Coherent(memory) => memory.write(offset, bytes),
            Memory::Pages(pages) => pages.write(offset, bytes),
        }
    }

    /// Has the CPU read. The range lies within the object.
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
