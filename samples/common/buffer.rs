// SPDX-License-Identifier: GPL-2.0

//! A buffer of pages that the CPU and the device use, in one of these states:
//!
//! ```text
//!            map()                 leak()
//!   idle ------------> mapped ------------> leaked
//!        <------------
//!           unmap()
//! ```
//!
//! A mapped buffer is in flight all the time: the device may have been told the addresses, so no
//! early return may unmap the buffer. The owner calls [`Buffer::unmap`] and, for a streaming
//! buffer, [`Buffer::read`] and [`Buffer::write`] only while the device does not use the buffer.
//! Each of the three says `complete()` then. A buffer is leaked when the device does not answer.

use super::sharing::Sharing;
use core::mem;
use kernel::{
    mm::virt::VmaNew,
    prelude::*, //
};
use sgdma::{
    BufferError,
    DeviceReads,
    DeviceWrites,
    Direction,
    DmaTable,
    InFlight,
    Mapped,
    MmapPages,
    SgTable,
    Shared,
    UserTable, //
};

enum State<'bound, D: Direction> {
    /// Not mapped, for a device that takes turns with the CPU.
    Idle(SgTable),
    /// Not mapped, for a coherent device. User space may have mapped the pages.
    IdleForUser(UserTable<D, MmapPages>),
    /// Mapped for a device that takes turns with the CPU.
    Streaming(InFlight<Mapped<'bound, D>>),
    /// Mapped for a coherent device.
    Coherent(InFlight<Shared<'bound, D, MmapPages>>),
    /// In quarantine: the device did not answer, and may still be using the buffer.
    Leaked,
}

/// A buffer that the device uses in direction `D`.
pub(crate) struct Buffer<'bound, D: Direction> {
    sharing: Sharing<'bound>,
    direction: D,
    state: State<'bound, D>,
}

impl<'bound, D: Direction> Buffer<'bound, D> {
    /// Makes a buffer, not mapped, of the pages of `table`.
    pub(crate) fn new(table: SgTable, direction: D, sharing: Sharing<'bound>) -> Result<Self> {
        let state = match sharing {
            Sharing::Coherent(_) => State::IdleForUser(table.for_user(direction)?),
            Sharing::Streaming(_) => State::Idle(table),
        };
        Ok(Self {
            sharing,
            direction,
            state,
        })
    }

    /// Maps the buffer for the device.
    ///
    /// # Errors
    ///
    /// `EIO` if the buffer is not idle, and the errors of mapping. The state stays the same.
    pub(crate) fn map(&mut self) -> Result {
        let (state, result) = match (self.take_state(), self.sharing) {
            (State::IdleForUser(table), Sharing::Coherent(dev)) => match table.map_shared(dev) {
                Ok(shared) => (State::Coherent(shared.submit()), Ok(())),
                Err(BufferError { error, buffer }) => (State::IdleForUser(buffer), Err(error)),
            },
            (State::Idle(table), Sharing::Streaming(dma)) => match table.map(dma, self.direction) {
                Ok(mapped) => (State::Streaming(mapped.submit()), Ok(())),
                Err(BufferError { error, buffer }) => (State::Idle(buffer), Err(error)),
            },
            (state, _) => (state, Err(EIO)),
        };
        self.state = state;
        result
    }

    /// Unmaps the buffer, if the buffer is mapped. The device does not use the buffer any more.
    pub(crate) fn unmap(&mut self) {
        self.state = match self.take_state() {
            State::Streaming(mapped) => State::Idle(mapped.complete().unmap()),
            State::Coherent(shared) => State::IdleForUser(shared.complete().unmap()),
            state => state,
        };
    }

    /// Leaves the buffer to a device that does not answer: a mapped buffer goes into quarantine.
    pub(crate) fn leak(&mut self) {
        self.state = State::Leaked;
    }

    /// Returns what the device sees of the buffer, if the buffer is mapped.
    pub(crate) fn dma(&self) -> Option<&DmaTable> {
        match &self.state {
            State::Streaming(mapped) => Some(mapped),
            State::Coherent(shared) => Some(shared),
            State::Idle(_) | State::IdleForUser(_) | State::Leaked => None,
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.dma().is_some()
    }

    /// Returns whether the CPU and the device use the buffer at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.state, State::Coherent(_))
    }

    /// Returns the number of segments in memory, and the number that the device sees.
    pub(crate) fn segments(&self) -> (usize, usize) {
        match &self.state {
            State::Idle(table) => (table.cpu().orig_nents(), 0),
            State::IdleForUser(table) => (table.cpu().orig_nents(), 0),
            State::Streaming(mapped) => (mapped.cpu().orig_nents(), mapped.nents()),
            State::Coherent(shared) => (shared.cpu().orig_nents(), shared.nents()),
            State::Leaked => (0, 0),
        }
    }

    /// Maps part of the buffer to user space. Only a shared buffer can be mapped to user space.
    pub(crate) fn mmap(&self, offset: usize, vma: &VmaNew) -> Result {
        match &self.state {
            State::Coherent(shared) => shared.map_to_user(offset, vma),
            _ => Err(EINVAL),
        }
    }

    /// Copies from byte `offset` of the buffer on into `bytes`, by the CPU.
    pub(crate) fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result
    where
        D: DeviceWrites,
    {
        match &self.state {
            State::Idle(table) => table.copy_to_slice(offset, bytes),
            State::IdleForUser(table) => table.copy_to_slice(offset, bytes),
            State::Coherent(shared) => shared.copy_to_slice(offset, bytes),
            State::Streaming(_) | State::Leaked => self.take_turn(|mapped| {
                let end = offset + bytes.len();
                mapped
                    .for_cpu_range(offset..end)?
                    .copy_to_slice(offset, bytes)
            }),
        }
    }

    /// Copies `bytes` to the buffer, from byte `offset` on, by the CPU.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        match &mut self.state {
            State::Idle(table) => table.copy_from_slice(offset, bytes),
            State::IdleForUser(table) => table.copy_from_slice(offset, bytes),
            State::Coherent(shared) => shared.copy_from_slice(offset, bytes),
            State::Streaming(_) | State::Leaked => self.take_turn(|mapped| {
                let end = offset + bytes.len();
                mapped
                    .for_cpu_range(offset..end)?
                    .copy_from_slice(offset, bytes)
            }),
        }
    }

    /// Gives the CPU a turn at a streaming buffer, which the device does not use meanwhile.
    fn take_turn(&mut self, turn: impl FnOnce(&mut Mapped<'bound, D>) -> Result) -> Result {
        match self.take_state() {
            State::Streaming(mapped) => {
                let mut mapped = mapped.complete();
                let result = turn(&mut mapped);
                self.state = State::Streaming(mapped.submit());
                result
            }
            state => {
                self.state = state;
                Err(EIO)
            }
        }
    }

    /// Takes the state out, to be put back, or to be replaced by the next one.
    fn take_state(&mut self) -> State<'bound, D> {
        mem::replace(&mut self.state, State::Leaked)
    }
}

impl<D: Direction> Drop for Buffer<'_, D> {
    fn drop(&mut self) {
        // The owner drops the buffer, so the device does not use the buffer.
        self.unmap();
    }
}
