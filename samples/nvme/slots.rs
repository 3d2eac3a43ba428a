// SPDX-License-Identifier: GPL-2.0

//! The commands of a queue that the device has, each by its id.
//!
//! A slot has another id each time it is used. So the device cannot complete a command twice, nor
//! one that it was not sent, without being found out.

use core::mem;
use kernel::prelude::*;

/// The most slots of a queue.
pub(crate) const MAX_SLOTS: u16 = 63;

/// The number of bits of an id that are the slot's.
const INDEX_BITS: u32 = 6;
const INDEX: u16 = (1 << INDEX_BITS) - 1;

enum State<T> {
    Free,
    Reserved,
    Sent(T),
    /// Nobody waits for the command any more, which the device may still complete.
    GivenUp,
}

/// The command that the device says it has completed.
pub(crate) enum Taken<T> {
    Sent(T),
    GivenUp,
    /// No such command was sent, or it was completed before.
    Unknown,
}

struct Slot<T> {
    /// The id of the slot's last use.
    id: u16,
    state: State<T>,
}

pub(crate) struct Slots<T> {
    /// A bit for each free slot.
    free: u64,
    slots: KVVec<Slot<T>>,
}

impl<T> Slots<T> {
    /// Makes `count` slots, at most [`MAX_SLOTS`].
    pub(crate) fn new(count: u16) -> Result<Self> {
        let count = count.min(MAX_SLOTS);
        let mut slots = KVVec::with_capacity(count.into(), GFP_KERNEL)?;
        for id in 0..count {
            slots.push(
                Slot {
                    id,
                    state: State::Free,
                },
                GFP_KERNEL,
            )?;
        }
        Ok(Self {
            free: (1 << count) - 1,
            slots,
        })
    }

    /// Returns the number of slots that are in use.
    pub(crate) fn used(&self) -> u32 {
        self.slots.len() as u32 - self.free.count_ones()
    }

    /// Reserves a slot. Returns the id of the command that is to be sent.
    pub(crate) fn reserve(&mut self) -> Option<u16> {
        let index = self.free.trailing_zeros();
        let slot = self.slots.get_mut(index as usize)?;
        self.free &= !(1 << index);
        slot.id = slot.id.wrapping_add(1 << INDEX_BITS);
        slot.state = State::Reserved;
        Some(slot.id)
    }

    /// Keeps what belongs to a command that is being sent. `id` is reserved.
    pub(crate) fn send(&mut self, id: u16, sent: T) {
        if let Some(slot) = self.slots.get_mut(usize::from(id & INDEX)) {
            slot.state = State::Sent(sent);
        }
    }

    /// Gives back a slot in which no command was sent.
    pub(crate) fn give_back(&mut self, id: u16) {
        let slot = self.slots.get_mut(usize::from(id & INDEX));
        if let Some(slot) = slot.filter(|slot| slot.id == id) {
            slot.state = State::Free;
            self.free |= 1 << (id & INDEX);
        }
    }

    /// Takes what belongs to the command `id`, which the device has completed.
    pub(crate) fn take(&mut self, id: u16) -> Taken<T> {
        let slot = self.slots.get_mut(usize::from(id & INDEX));
        let Some(slot) = slot.filter(|slot| slot.id == id) else {
            return Taken::Unknown;
        };
        let taken = match mem::replace(&mut slot.state, State::Free) {
            State::Sent(sent) => Taken::Sent(sent),
            State::GivenUp => Taken::GivenUp,
            other => {
                slot.state = other;
                return Taken::Unknown;
            }
        };
        self.free |= 1 << (id & INDEX);
        taken
    }

    /// Takes what belongs to a command that the device has not completed, for which `wanted` holds.
    pub(crate) fn give_up(&mut self, mut wanted: impl FnMut(&mut T) -> bool) -> Option<T> {
        self.slots.iter_mut().find_map(|slot| {
            let State::Sent(sent) = &mut slot.state else {
                return None;
            };
            if !wanted(sent) {
                return None;
            }
            match mem::replace(&mut slot.state, State::GivenUp) {
                State::Sent(sent) => Some(sent),
                _ => None,
            }
        })
    }

    /// Frees the slots of commands that were given up, as the device has forgotten them.
    pub(crate) fn forget(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot.state, State::GivenUp) {
                slot.state = State::Free;
                self.free |= 1 << (slot.id & INDEX);
            }
        }
    }

    /// Returns the id of a command that was sent and for which `wanted` holds.
    pub(crate) fn find(&mut self, mut wanted: impl FnMut(&mut T) -> bool) -> Option<u16> {
        self.slots
            .iter_mut()
            .find_map(|slot| match &mut slot.state {
                State::Sent(sent) => wanted(sent).then_some(slot.id),
                _ => None,
            })
    }
}
