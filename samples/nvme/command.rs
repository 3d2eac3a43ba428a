// SPDX-License-Identifier: GPL-2.0

//! Commands and completions, as they lie in the queues.

use kernel::prelude::*;
use zerocopy_derive::Immutable;

/// The size of the device's pages in bytes, whatever the size of the CPU's pages.
pub(crate) const PAGE: usize = 4096;

/// Opcodes of the admin queue.
pub(crate) mod admin {
    pub(crate) const CREATE_SUBMISSION: u8 = 0x01;
    pub(crate) const CREATE_COMPLETION: u8 = 0x05;
    pub(crate) const IDENTIFY: u8 = 0x06;
    pub(crate) const ABORT: u8 = 0x08;
    pub(crate) const SET_FEATURES: u8 = 0x09;
}

/// A submission entry. All fields are little endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Command {
    opcode: u8,
    flags: u8,
    id: u16,
    nsid: u32,
    reserved: u64,
    metadata: u64,
    prp: [u64; 2],
    /// The words that the specification calls CDW10 to CDW15.
    words: [u32; 6],
}

impl Command {
    pub(crate) const SIZE: usize = 64;

    pub(crate) fn new(opcode: u8, nsid: u32, words: &[u32]) -> Self {
        let mut all = [0; 6];
        for (to, word) in all.iter_mut().zip(words) {
            *to = word.to_le();
        }
        Self {
            opcode,
            flags: 0,
            id: 0,
            nsid: nsid.to_le(),
            reserved: 0,
            metadata: 0,
            prp: [0; 2],
            words: all,
        }
    }

    /// Makes a read or a write of `blocks` blocks, which is not zero.
    pub(crate) fn transfer(opcode: u8, nsid: u32, lba: u64, blocks: u32) -> Self {
        Self::new(opcode, nsid, &[lba as u32, (lba >> 32) as u32, blocks - 1])
    }

    pub(crate) fn with_id(mut self, id: u16) -> Self {
        self.id = id.to_le();
        self
    }

    pub(crate) fn with_prp(mut self, prp: [u64; 2]) -> Self {
        self.prp = prp.map(u64::to_le);
        self
    }
}

static_assert!(size_of::<Command>() == Command::SIZE);

/// A completion entry. The device writes it, so any value may be in it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Completion {
    result: u32,
    reserved: u32,
    submission_head: u16,
    queue: u16,
    id: u16,
    status: u16,
}

impl Completion {
    pub(crate) const SIZE: usize = 16;
    /// The place of the word that says whether the entry is new.
    pub(crate) const STATUS: usize = 14;
    /// The bit of that word that changes each time the device has gone through the queue.
    pub(crate) const PHASE: u16 = 1;

    pub(crate) fn id(&self) -> u16 {
        u16::from_le(self.id)
    }

    pub(crate) fn queue(&self) -> u16 {
        u16::from_le(self.queue)
    }

    pub(crate) fn result(&self) -> u32 {
        u32::from_le(self.result)
    }
}

static_assert!(size_of::<Completion>() == Completion::SIZE);

/// The device's answer to a command.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    /// The status without the phase bit; zero is success.
    pub(crate) status: u16,
    pub(crate) result: u32,
}

impl Answer {
    /// Returns the first word of a command that has succeeded.
    pub(crate) fn ok(self) -> Result<u32> {
        if self.status != 0 {
            return Err(EIO);
        }
        Ok(self.result)
    }
}
