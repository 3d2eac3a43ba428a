// SPDX-License-Identifier: GPL-2.0

//! A split virtqueue: descriptors, and two rings by which they go to the device and come back.
//!
//! The virtio specification, 2.7, is the manual. Each request has one descriptor, which leads to an
//! indirect table, so the index of the descriptor is the id of the request. The device writes the
//! used ring, and may write anything there: see [`Lie`].
//!
//! This file calls nothing of the kernel: tests on the host compile it, too.

/// The most entries of a queue: a word has a bit for each.
pub(crate) const MAX_ENTRIES: u16 = 64;

/// The length of a descriptor in bytes.
pub(crate) const DESCRIPTOR: usize = 16;

/// Flags of a descriptor: another one follows, the device writes, it leads to a table.
pub(crate) const NEXT: u16 = 1;
pub(crate) const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Returns the two words of a descriptor.
pub(crate) fn descriptor(addr: u64, len: u32, flags: u16, next: u16) -> [u64; 2] {
    [
        addr,
        u64::from(len) | u64::from(flags) << 32 | u64::from(next) << 48,
    ]
}

/// The memory of a queue. Places count in bytes from its start. Arguments and results have this
/// CPU's byte order. The memory is little endian.
pub(crate) trait QueueMemory {
    /// Stores a descriptor.
    fn put_descriptor(&self, at: usize, words: [u64; 2]);

    /// Stores an entry of the available ring.
    fn put(&self, at: usize, id: u16);

    /// Stores an index. What was stored before is visible to the device first.
    fn publish(&self, at: usize, index: u16);

    /// Loads an index. What is loaded afterwards is at least as new.
    fn index(&self, at: usize) -> u16;

    /// Loads an entry of the used ring: an id, and the number of bytes that the device has written.
    fn used(&self, at: usize) -> (u32, u32);
}

/// The places of the parts of a queue. The descriptors come first.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The number of entries, a power of two, and at most [`MAX_ENTRIES`].
    pub(crate) entries: u16,
}

impl Layout {
    pub(crate) const fn available(self) -> usize {
        self.entries as usize * DESCRIPTOR
    }

    pub(crate) const fn used(self) -> usize {
        // Flags, an index, the entries, and a word for a feature that is not in use.
        (self.available() + 6 + 2 * self.entries as usize).next_multiple_of(4)
    }

    pub(crate) const fn bytes(self) -> usize {
        self.used() + 6 + 8 * self.entries as usize
    }

    /// Returns the place of an index in a ring.
    fn place(self, index: u16) -> usize {
        usize::from(index & (self.entries - 1))
    }

    fn available_entry(self, index: u16) -> usize {
        self.available() + 4 + 2 * self.place(index)
    }

    fn used_entry(self, index: u16) -> usize {
        self.used() + 4 + 8 * self.place(index)
    }
}

/// A value in the used ring that no honest device has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// An index: more requests came back than the device has.
    Index(u16),
    /// An id of which the device has no request.
    Id(u32),
    /// More bytes than the request lets the device write.
    Length(u32),
}

/// A request that the device has.
struct Request<T> {
    token: T,
    /// The number of bytes that the device may write.
    room: u32,
}

/// The driver's side of a queue. Each request has a token, which comes back with the request.
pub(crate) struct Ring<T> {
    layout: Layout,
    requests: [Option<Request<T>>; MAX_ENTRIES as usize],
    /// A bit for each descriptor that is free.
    free: u64,
    /// The index of the next entry of the available ring.
    next: u16,
    /// The index of the next entry of the used ring.
    seen: u16,
    /// No request goes either way any more.
    closed: bool,
}

impl<T> Ring<T> {
    /// Makes the driver's side of a queue whose memory is zero.
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            requests: [const { None }; MAX_ENTRIES as usize],
            free: u64::MAX >> (MAX_ENTRIES - layout.entries),
            next: 0,
            seen: 0,
            closed: false,
        }
    }

    /// Returns the number of requests that the device has.
    pub(crate) fn outstanding(&self) -> u16 {
        self.layout.entries - self.free.count_ones() as u16
    }

    /// Gives the device a request: the table of `len` bytes at the bus address `addr`, whose
    /// descriptors let the device write `room` bytes.
    ///
    /// # Errors
    ///
    /// Returns the token if all descriptors are in use, or if the ring is closed.
    pub(crate) fn push(
        &mut self,
        memory: &impl QueueMemory,
        (addr, len): (u64, u32),
        room: u32,
        token: T,
    ) -> Result<(), T> {
        let id = self.free.trailing_zeros() as u16;
        let place = match self.requests.get_mut(usize::from(id)) {
            Some(place) if !self.closed => place,
            _ => return Err(token),
        };
        *place = Some(Request { token, room });
        self.free &= !(1 << id);
        let words = descriptor(addr, len, INDIRECT, 0);
        memory.put_descriptor(usize::from(id) * DESCRIPTOR, words);
        memory.put(self.layout.available_entry(self.next), id);
        self.next = self.next.wrapping_add(1);
        memory.publish(self.layout.available() + 2, self.next);
        Ok(())
    }

    /// Takes a request that the device is done with, if there is one, and the number of bytes that
    /// the device has written.
    ///
    /// # Errors
    ///
    /// A lie closes the ring, so it is returned once.
    pub(crate) fn pop(&mut self, memory: &impl QueueMemory) -> Result<Option<(T, u32)>, Lie> {
        if self.closed {
            return Ok(None);
        }
        let result = self.take(memory);
        self.closed = result.is_err();
        result
    }

    fn take(&mut self, memory: &impl QueueMemory) -> Result<Option<(T, u32)>, Lie> {
        let index = memory.index(self.layout.used() + 2);
        match index.wrapping_sub(self.seen) {
            0 => return Ok(None),
            ready if ready > self.outstanding() => return Err(Lie::Index(index)),
            _ => {}
        }
        let (id, len) = memory.used(self.layout.used_entry(self.seen));
        let place = self.requests.get_mut(id as usize).ok_or(Lie::Id(id))?;
        let request = place.take().ok_or(Lie::Id(id))?;
        if len > request.room {
            *place = Some(request);
            return Err(Lie::Length(len));
        }
        self.free |= 1 << id;
        self.seen = self.seen.wrapping_add(1);
        Ok(Some((request.token, len)))
    }

    /// Closes the ring, and takes back a request that has not come back, whatever the device does.
    pub(crate) fn drain(&mut self) -> Option<T> {
        self.closed = true;
        let id = self.requests.iter().position(Option::is_some)?;
        self.free |= 1 << id;
        self.requests[id].take().map(|request| request.token)
    }

    /// Returns the tokens of the requests that the device has.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &T> {
        self.requests.iter().flatten().map(|request| &request.token)
    }
}
