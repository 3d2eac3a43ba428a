// SPDX-License-Identifier: GPL-2.0

//! Buffer objects: memory that the CPU and the device use, and when it is mapped for the device.
//!
//! The modes are those of vmwgfx: a coherent allocation, pages that are mapped for as long as the
//! object lives, or pages that are mapped while the object is bound. (vmwgfx also had one that gave
//! the device physical addresses. There is no way to those here, and behind an IOMMU they would
//! be wrong.)

use crate::{
    mob::{
        Mob,
        Walk,
        GPU_PAGE, //
    },
    sharing::Sharing,
    GpuData, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    dma::{
        Coherent,
        DmaAddress, //
    },
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
    BufferError,
    InFlight,
    Mapped,
    MmapPages,
    SgTable,
    Shared,
    UserTable, //
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

/// A coherent allocation is made of pieces of 64 KiB, which are easier to come by.
const PIECE: usize = 16 * GPU_PAGE;
const WORD: usize = size_of::<u64>();

/// An object's memory.
enum Memory<'bound> {
    Coherent(KVVec<Coherent<[u64]>>),
    /// Not mapped, for a device that shares it with the CPU; user space may have it.
    Idle(UserTable<Bidirectional, MmapPages>),
    Shared(InFlight<Shared<'bound, Bidirectional, MmapPages>>),
    /// Not mapped, for a device that uses it by turns with the CPU.
    IdleTurns(SgTable),
    ByTurns(InFlight<Mapped<'bound, Bidirectional>>),
    /// The device did not answer, and may still be using it: it is in quarantine.
    Lost,
}

/// What changes about an object.
pub(crate) struct State<'bound> {
    memory: Memory<'bound>,
    pub(crate) mob: Option<Mob<'bound>>,
    /// It is bound, but user space was not told so yet: nothing is done by that until then.
    unsettled: bool,
}

/// How to take back that an object was bound.
pub(crate) struct Undo {
    /// It was not mapped before.
    unmap: bool,
}

#[pin_data]
pub(crate) struct Object<'bound> {
    pub(crate) size: usize,
    pub(crate) mode: Mode,
    sharing: Sharing<'bound>,
    /// None while the device is at it, which may take long: others are told so, and do not wait.
    /// Nobody accesses user space with the lock, for `mmap()` takes it under `mmap_lock`.
    #[pin]
    state: Mutex<Option<State<'bound>>>,
}

impl<'bound> Object<'bound> {
    /// `size` is a multiple of `GPU_PAGE`.
    pub(crate) fn new(size: usize, mode: Mode, sharing: Sharing<'bound>) -> Result<Arc<Self>> {
        let dma = sharing.dma();
        let memory = if mode == Mode::Coherent {
            let mut pieces = KVVec::with_capacity(size.div_ceil(PIECE), GFP_KERNEL_ACCOUNT)?;
            let mut left = size;
            while left > 0 {
                let piece = left.min(PIECE);
                let gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
                let memory = Coherent::zeroed_slice(dma.device(), piece / WORD, gfp)?;
                pieces.push(memory, GFP_KERNEL_ACCOUNT)?;
                left -= piece;
            }
            Memory::Coherent(pieces)
        } else {
            let table = SgTable::alloc(size, dma, GFP_KERNEL_ACCOUNT)?;
            match sharing {
                Sharing::Always(_) => Memory::Idle(table.for_user(Bidirectional)?),
                Sharing::ByTurns(_) => Memory::IdleTurns(table),
            }
        };
        let mut state = State {
            memory,
            mob: None,
            unsettled: false,
        };
        if mode == Mode::Populate {
            state.map(sharing)?;
        }
        Arc::pin_init(
            try_pin_init!(Self {
                size,
                mode,
                sharing,
                state <- new_mutex!(Some(state)),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Does something short, that is not the device's.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State<'bound>) -> Result<R>) -> Result<R> {
        match &mut *self.state.lock() {
            Some(state) => work(state),
            None => Err(EBUSY),
        }
    }

    /// Takes the object away for the device.
    pub(crate) fn take(&self) -> Result<State<'bound>> {
        self.state
            .lock()
            .take_if(|state| !state.unsettled)
            .ok_or(EBUSY)
    }

    pub(crate) fn give_back(&self, state: State<'bound>) {
        *self.state.lock() = Some(state);
    }

    /// Has the device know the object, by a page table of entries of `bits` bits.
    ///
    /// The binding is to be settled by [`settle_bind`](Self::settle_bind).
    pub(crate) fn bind(&self, state: &mut State<'bound>, bits: u32) -> Result<Undo> {
        if state.mob.is_some() {
            return Err(EBUSY);
        }
        let undo = Undo {
            unmap: !state.is_mapped(),
        };
        if undo.unmap {
            state.map(self.sharing)?;
        }
        let count = self.size / GPU_PAGE;
        let mob = state.with_pages(|pages| Mob::new(self.sharing.dma(), pages, count, bits));
        match mob {
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

    /// Leaves the object bound if user space was told of that, and takes the binding back
    /// otherwise.
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

    /// Has the device go to each page of `part`, which lies at `offset`, through the page table.
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
                let mut walk = Walk::new(gpu, mob);
                let mut pages = part.chunks_mut(GPU_PAGE).enumerate();
                pages.try_for_each(|(i, page)| go(walk.page(offset / GPU_PAGE + i)?, page))
            }
        };
        if result == Err(ETIMEDOUT) {
            state.lose();
        }
        self.give_back(state);
        result
    }

    pub(crate) fn map(&self) -> Result {
        self.with(|state| match state.is_mapped() {
            true => Err(EINVAL),
            false => state.map(self.sharing),
        })
    }

    /// Takes the object away from the device, as when it is evicted.
    pub(crate) fn unmap(&self) -> Result {
        self.with(|state| match (&state.mob, &state.memory) {
            (Some(_), _) => Err(EBUSY),
            (None, Memory::Shared(_) | Memory::ByTurns(_)) => {
                state.unmap();
                Ok(())
            }
            _ => Err(EINVAL),
        })
    }
}

impl<'bound> State<'bound> {
    pub(crate) fn is_mapped(&self) -> bool {
        !matches!(
            self.memory,
            Memory::Idle(_) | Memory::IdleTurns(_) | Memory::Lost
        )
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.memory, Memory::Shared(_))
    }

    fn unbind(&mut self, unmap: bool) {
        if let Some(mob) = self.mob.take() {
            mob.retire();
        }
        if unmap {
            self.unmap();
        }
    }

    /// Segments in memory, and those that the device sees.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.memory {
            Memory::Coherent(pieces) => (pieces.len(), pieces.len()),
            Memory::Idle(table) => (table.cpu().orig_nents(), 0),
            Memory::IdleTurns(table) => (table.cpu().orig_nents(), 0),
            Memory::Shared(mapped) => (mapped.cpu().orig_nents(), mapped.nents()),
            Memory::ByTurns(mapped) => (mapped.cpu().orig_nents(), mapped.nents()),
            Memory::Lost => (0, 0),
        }
    }

    fn map(&mut self, sharing: Sharing<'bound>) -> Result {
        // From here on the device may be told the addresses: nothing but `unmap()` unmaps.
        let (memory, result) = match (core::mem::replace(&mut self.memory, Memory::Lost), sharing) {
            (Memory::Idle(table), Sharing::Always(dev)) => match table.map_shared(dev) {
                Ok(mapped) => (Memory::Shared(mapped.submit()), Ok(())),
                Err(BufferError { error, buffer }) => (Memory::Idle(buffer), Err(error)),
            },
            (Memory::IdleTurns(table), Sharing::ByTurns(dma)) => {
                match table.map(dma, Bidirectional) {
                    Ok(mapped) => (Memory::ByTurns(mapped.submit()), Ok(())),
                    Err(BufferError { error, buffer }) => (Memory::IdleTurns(buffer), Err(error)),
                }
            }
            (memory, _) => (memory, Err(EIO)),
        };
        self.memory = memory;
        result
    }

    /// The device is not at it: it would have been taken away for that.
    fn unmap(&mut self) {
        self.memory = match core::mem::replace(&mut self.memory, Memory::Lost) {
            Memory::Shared(mapped) => Memory::Idle(mapped.complete().unmap()),
            Memory::ByTurns(mapped) => Memory::IdleTurns(mapped.complete().unmap()),
            memory => memory,
        };
    }

    /// Gives up what a device has that does not answer.
    pub(crate) fn lose(&mut self) {
        self.mob = None;
        if let Memory::Coherent(pieces) = core::mem::replace(&mut self.memory, Memory::Lost) {
            core::mem::forget(pieces);
        }
    }

    /// The bus addresses of the device's pages: the DMA walk.
    pub(crate) fn with_pages<R>(
        &self,
        use_pages: impl FnOnce(&mut dyn Iterator<Item = DmaAddress>) -> Result<R>,
    ) -> Result<R> {
        match &self.memory {
            Memory::Coherent(pieces) => use_pages(&mut pieces.iter().flat_map(|piece| {
                let start = piece.dma_handle();
                (start..start + piece.size() as DmaAddress).step_by(GPU_PAGE)
            })),
            Memory::Shared(mapped) => use_pages(&mut mapped.dma_blocks(GPU_PAGE as u64)?),
            Memory::ByTurns(mapped) => use_pages(&mut mapped.dma_blocks(GPU_PAGE as u64)?),
            Memory::Idle(_) | Memory::IdleTurns(_) | Memory::Lost => Err(EINVAL),
        }
    }

    /// By the CPU; the range lies within the object.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result {
        match &mut self.memory {
            Memory::Coherent(pieces) => write_words(pieces, offset, bytes),
            Memory::Idle(table) => table.copy_from_slice(offset, bytes),
            Memory::IdleTurns(table) => table.copy_from_slice(offset, bytes),
            Memory::Shared(shared) => shared.copy_from_slice(offset, bytes),
            _ => self.take_turn(|mapped| {
                let end = offset + bytes.len();
                mapped
                    .for_cpu_range(offset..end)?
                    .copy_from_slice(offset, bytes)
            }),
        }
    }

    /// By the CPU; the range lies within the object.
    pub(crate) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result {
        match &self.memory {
            Memory::Coherent(pieces) => read_words(pieces, offset, bytes),
            Memory::Idle(table) => table.copy_to_slice(offset, bytes),
            Memory::IdleTurns(table) => table.copy_to_slice(offset, bytes),
            Memory::Shared(shared) => shared.copy_to_slice(offset, bytes),
            _ => self.take_turn(|mapped| {
                let end = offset + bytes.len();
                mapped
                    .for_cpu_range(offset..end)?
                    .copy_to_slice(offset, bytes)
            }),
        }
    }

    /// The CPU's turn at memory that is used by turns. The device is not at it, as in `unmap()`.
    fn take_turn(
        &mut self,
        turn: impl FnOnce(&mut Mapped<'bound, Bidirectional>) -> Result,
    ) -> Result {
        match core::mem::replace(&mut self.memory, Memory::Lost) {
            Memory::ByTurns(mapped) => {
                let mut mapped = mapped.complete();
                let result = turn(&mut mapped);
                self.memory = Memory::ByTurns(mapped.submit());
                result
            }
            memory => {
                self.memory = memory;
                Err(EIO)
            }
        }
    }

    /// Cached pages in user space are for memory that is shared.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.memory {
            Memory::Shared(shared) => shared.map_to_user(offset, vma),
            _ => Err(EINVAL),
        }
    }
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        // Here is who has it, so the device is not at it.
        if let Some(mob) = self.mob.take() {
            mob.retire();
        }
        self.unmap();
    }
}

fn read_words(pieces: &[Coherent<[u64]>], offset: usize, bytes: &mut [u8]) -> Result {
    for (i, byte) in (offset..).zip(bytes) {
        let word = kernel::dma_read!(pieces[i / PIECE], [try: i % PIECE / WORD]);
        *byte = word.to_ne_bytes()[i % WORD];
    }
    Ok(())
}

fn write_words(pieces: &[Coherent<[u64]>], offset: usize, bytes: &[u8]) -> Result {
    for (i, byte) in (offset..).zip(bytes) {
        let (piece, at) = (&pieces[i / PIECE], i % PIECE / WORD);
        let mut word = kernel::dma_read!(*piece, [try: at]).to_ne_bytes();
        word[i % WORD] = *byte;
        kernel::dma_write!(*piece, [try: at], u64::from_ne_bytes(word));
    }
    Ok(())
}
