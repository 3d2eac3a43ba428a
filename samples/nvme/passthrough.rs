// SPDX-License-Identifier: GPL-2.0

//! Commands of user space.
//!
//! Memory of user space is pinned, or copied, outside of the gate. The device uses it in place if
//! it may: the first PRP must be a multiple of 4, and a CPU that has no coherent caches, or bounce
//! buffers, would show user space stale bytes.

use crate::{
    command::{
        Answer,
        Command, //
    },
    common::memory::Memory,
    prp::{
        self,
        MAX_PAGES, //
    },
    request::Request,
    uapi,
    Nvme, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    uaccess::UserPtr, //
};
use sgdma::{
    Door,
    DriverContext,
    FromDevice,
    SegmentLimits,
    SgTable,
    ToDevice,
    UserDest,
    UserSource,
    UserTable, //
};

/// The operation of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Flush,
    Write,
    Read,
}

/// A command of user space, checked.
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    pub(crate) command: Command,
    /// The address in user space, or the offset in a dma-buf.
    pub(crate) addr: usize,
    pub(crate) len: usize,
}

/// The way of a command's bytes.
enum Way {
    None,
    InPlace(SegmentLimits<'static>),
    Stage(SgTable),
}

/// The memory of user space that a stage belongs to.
pub(crate) struct Destination {
    addr: usize,
    len: usize,
}

impl Ask {
    /// Checks a request of user space.
    ///
    /// # Errors
    ///
    /// `EINVAL`.
    pub(crate) fn new(
        nvme: &DriverContext<'_, Nvme>,
        node: u32,
        request: &uapi::sgdma_nvme_command,
    ) -> Result<Self> {
        let namespace = nvme.namespace(node)?;
        let operation = match u32::from(request.opcode) {
            uapi::SGDMA_NVME_FLUSH => Operation::Flush,
            uapi::SGDMA_NVME_WRITE => Operation::Write,
            uapi::SGDMA_NVME_READ => Operation::Read,
            _ => return Err(EINVAL),
        };
        let is_flush = operation == Operation::Flush;
        let len = u64::from(request.blocks) << namespace.shift;
        if request.pad != [0; 3] || is_flush != (request.blocks == 0) || len > nvme.max_bytes()? {
            return Err(EINVAL);
        }
        let command = if is_flush {
            Command::new(request.opcode, namespace.nsid, &[])
        } else {
            Command::transfer(request.opcode, namespace.nsid, request.lba, request.blocks)
        };
        Ok(Self {
            operation,
            command,
            addr: usize::try_from(request.addr)?,
            len: len as usize,
        })
    }

    fn way(&self, nvme: &DriverContext<'_, Nvme>) -> Result<Way> {
        let in_place = nvme.shares && self.addr % 4 == 0;
        Ok(if self.operation == Operation::Flush {
            Way::None
        } else if in_place && prp::pages(self.addr, self.len) <= MAX_PAGES {
            Way::InPlace(SegmentLimits::from(nvme.dma()).sizes())
        } else {
            Way::Stage(SgTable::alloc(self.len, nvme.dma(), GFP_KERNEL_ACCOUNT)?)
        })
    }

    /// Gets the memory of the command. Accesses user space, so this runs outside of the gate.
    pub(crate) fn memory(&self, door: &Door<'_, Nvme>) -> Result<Memory> {
        let (addr, len) = (self.addr, self.len);
        let writes = self.operation == Operation::Write;
        Ok(match door.enter(|nvme| self.way(nvme))? {
            Way::None => Memory::None,
            Way::InPlace(limits) if writes => {
                Memory::Write(UserTable::pin(addr, len, ToDevice, limits)?)
            }
            Way::InPlace(limits) => Memory::Read(UserTable::pin(addr, len, FromDevice, limits)?),
            Way::Stage(mut stage) if writes => {
                let mut source = UserSource::new(UserPtr::from_addr(addr), len);
                stage.copy_from_iter(0, len, source.iter())?;
                source.finish()?;
                Memory::StagedWrite(stage)
            }
            Way::Stage(stage) => Memory::StagedRead(stage),
        })
    }

    /// Sends the command if there is a slot now.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none.
    pub(crate) fn send(
        &self,
        nvme: &DriverContext<'_, Nvme>,
        memory: Memory,
    ) -> Result<Arc<Request>> {
        let controller = &nvme.controller;
        controller.send(controller.reserve()?, self.command, memory)
    }

    /// Runs the command, and waits for its end. Returns the status and the first word of the
    /// completion.
    pub(crate) fn run(&self, door: &Door<'_, Nvme>) -> Result<(u16, u32)> {
        let memory = self.memory(door)?;
        let outcome = door.enter(|nvme| nvme.controller.run(self.command, memory))?;
        let answer = outcome.answer?;
        self.destination().fill(answer, &outcome.memory)?;
        Ok((answer.status, answer.result))
    }

    pub(crate) fn destination(&self) -> Destination {
        Destination {
            addr: self.addr,
            len: self.len,
        }
    }
}

impl Destination {
    /// Copies what a read has read to the memory of user space, if it went through a stage.
    pub(crate) fn fill(&self, answer: Answer, memory: &Memory) -> Result {
        let Some(stage) = memory.read_stage().filter(|_| answer.status == 0) else {
            return Ok(());
        };
        let mut destination = UserDest::new(UserPtr::from_addr(self.addr), self.len);
        stage.copy_to_iter(0, self.len, destination.iter())?;
        destination.finish()
    }
}
