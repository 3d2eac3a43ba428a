// SPDX-License-Identifier: GPL-2.0

//! Commands of the admin queue: what the controller has, and its I/O queues.

use crate::{
    command::{
        admin,
        Command,
        PAGE, //
    },
    common::memory::Memory,
    controller::Controller,
    namespace::Namespace,
    prp::MAX_PAGES,
    queue::{
        Queue,
        State, //
    }, //
};
use core::mem;
use kernel::{
    prelude::*,
    time::msecs_to_jiffies, //
};
use sgdma::{
    SgTable,
    EOPNOTSUPP, //
};

/// The longest wait for an admin command.
const TIMEOUT_MS: u32 = 5000;

/// The most I/O queues that the driver uses.
pub(crate) const MAX_IO_QUEUES: u32 = 4;

/// The most namespaces that the driver uses.
const MAX_NAMESPACES: usize = 16;

/// Values of a command's words.
const IDENTIFY_NAMESPACE: u32 = 0;
const IDENTIFY_CONTROLLER: u32 = 1;
const IDENTIFY_ACTIVE: u32 = 2;
const NUMBER_OF_QUEUES: u32 = 7;
const CONTIGUOUS: u32 = 1;
const INTERRUPTS: u32 = 2;

impl<'bound> Controller<'bound> {
    /// Runs an admin command. Returns the first word of the completion, and the memory.
    fn run_admin(&self, command: Command, memory: Memory) -> Result<(u32, Memory)> {
        let request = self.send(self.admin.reserve()?, command, memory)?;
        let timeout = msecs_to_jiffies(TIMEOUT_MS);
        let outcome = request.wait(self.dma.unbinding(), timeout)?;
        Ok((outcome.answer?.ok()?, outcome.memory))
    }

    /// Reads a data structure of the controller.
    fn identify(&self, nsid: u32, what: u32) -> Result<KVec<u8>> {
        let table = SgTable::alloc(PAGE, self.dma, GFP_KERNEL)?;
        let command = Command::new(admin::IDENTIFY, nsid, &[what]);
        let (_, memory) = self.run_admin(command, Memory::StagedRead(table))?;
        let mut bytes = KVec::from_elem(0u8, PAGE, GFP_KERNEL)?;
        let stage = memory.read_stage().ok_or(EIO)?;
        stage.copy_to_slice(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns the most bytes of a command.
    pub(crate) fn max_bytes(&self) -> Result<usize> {
        const MDTS: usize = 77;
        let most = MAX_PAGES * PAGE;
        Ok(match self.identify(0, IDENTIFY_CONTROLLER)?[MDTS] {
            0 => most,
            // The device may say anything: no shift here loses a bit, and 20 bits are enough.
            shift => (PAGE << shift.min(20)).min(most),
        })
    }

    /// Returns the namespaces that the driver can use.
    pub(crate) fn namespaces(&self, max_bytes: usize) -> Result<KVec<Pin<KBox<Namespace>>>> {
        let mut namespaces = KVec::new();
        let active = self.identify(0, IDENTIFY_ACTIVE)?;
        let id = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let ids = active.chunks_exact(4).map(id);
        // The list is in ascending order, and ends with zero.
        let mut last = 0;
        let ids = ids.take_while(|id| mem::replace(&mut last, *id) < *id);
        for nsid in ids.take(MAX_NAMESPACES) {
            let bytes = self.identify(nsid, IDENTIFY_NAMESPACE)?;
            match Namespace::new(nsid, &bytes, max_bytes) {
                Ok(namespace) => namespaces.push(namespace, GFP_KERNEL)?,
                Err(EOPNOTSUPP) => dev_warn!(
                    self.dma.device(),
                    "namespace {} is left out: the driver does not know its format\n",
                    nsid
                ),
                Err(error) => return Err(error),
            }
        }
        Ok(namespaces)
    }

    /// Asks for I/O queues. Returns the number that the controller grants.
    pub(crate) fn ask_for_queues(&self, number: u32) -> Result<u32> {
        let both = (number - 1) << 16 | (number - 1);
        let command = Command::new(admin::SET_FEATURES, 0, &[NUMBER_OF_QUEUES, both]);
        let (granted, _) = self.run_admin(command, Memory::None)?;
        Ok(number.min((granted & 0xffff) + 1).min((granted >> 16) + 1))
    }

    /// Makes the I/O queues known to the controller, and opens them.
    pub(crate) fn create_queues(&self) -> Result {
        self.io_queues().try_for_each(|queue| self.create(queue))
    }

    fn create(&self, queue: &Queue<'bound>) -> Result {
        let (id, size) = (u32::from(queue.id), u32::from(queue.depth) - 1);
        let words = [
            size << 16 | id,
            queue.vector << 16 | INTERRUPTS | CONTIGUOUS,
        ];
        let command = Command::new(admin::CREATE_COMPLETION, 0, &words);
        self.run_admin(command.with_prp([queue.completion, 0]), Memory::None)?;
        let words = [size << 16 | id, id << 16 | CONTIGUOUS];
        let command = Command::new(admin::CREATE_SUBMISSION, 0, &words);
        self.run_admin(command.with_prp([queue.submission, 0]), Memory::None)?;
        queue.set_state(State::Open);
        Ok(())
    }

    /// Asks the controller to abort a command. It need not do so.
    pub(crate) fn abort(&self, queue: u16, id: u16) -> Result {
        let words = [u32::from(id) << 16 | u32::from(queue)];
        self.run_admin(Command::new(admin::ABORT, 0, &words), Memory::None)?;
        Ok(())
    }
}
