// SPDX-License-Identifier: GPL-2.0

//! `read(2)` and `write(2)`: bytes at any position, in any number.
//!
//! The bytes go through a stage of whole blocks. So the memory of user space may lie anywhere, and
//! need not be shared with the device.

use crate::{
    command::Command,
    common::{
        memory::Memory,
        parts::{
            in_parts,
            STAGE, //
        }, //
    },
    controller::Controller,
    namespace::Namespace,
    uapi, //
};
use core::ops::Range;
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};
use sgdma::SgTable;

/// The part of a namespace that a stage holds.
struct Part {
    /// The bytes that are wanted, in the stage.
    range: Range<usize>,
    lba: u64,
    blocks: u32,
}

impl Part {
    /// Returns the part with the first of `len` bytes at `pos`, or `None` at the end of the
    /// namespace.
    fn new(namespace: &Namespace, pos: i64, len: usize) -> Result<Option<Self>> {
        let pos = u64::try_from(pos)?;
        let start = pos as usize & (namespace.block_size() - 1);
        let room = STAGE.min(namespace.max_bytes) - start;
        let left = namespace.len().saturating_sub(pos);
        let len = u64::min(left, len.min(room) as u64) as usize;
        if len == 0 {
            return Ok(None);
        }
        let range = start..start + len;
        Ok(Some(Self {
            lba: pos >> namespace.shift,
            blocks: range.end.div_ceil(namespace.block_size()) as u32,
            range,
        }))
    }

    /// Returns the length of the stage.
    fn stage(&self, namespace: &Namespace) -> usize {
        (self.blocks as usize) << namespace.shift
    }
}

impl Namespace {
    /// Reads blocks. Returns the stage.
    fn read_blocks(&self, nvme: &Controller<'_>, lba: u64, blocks: u32) -> Result<SgTable> {
        let len = (blocks as usize) << self.shift;
        let stage = SgTable::alloc(len, nvme.dma, GFP_KERNEL_ACCOUNT)?;
        let opcode = uapi::SGDMA_NVME_READ as u8;
        let command = Command::transfer(opcode, self.nsid, lba, blocks);
        let outcome = nvme.run(command, Memory::StagedRead(stage))?;
        outcome.answer?.ok()?;
        match outcome.memory {
            Memory::StagedRead(stage) => Ok(stage),
            _ => Err(EIO),
        }
    }

    pub(crate) fn read(
        &self,
        nvme: &Controller<'_>,
        pos: &mut i64,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        let mut done = 0;
        while let Some(part) = Part::new(self, *pos, dst.len())? {
            let read = self
                .read_blocks(nvme, part.lba, part.blocks)
                .and_then(|stage| stage.copy_to_iter(part.range.start, part.range.len(), dst));
            match read {
                // Less, if the memory of user space ends.
                Ok(n) => {
                    (*pos, done) = (*pos + n as i64, done + n);
                    if n < part.range.len() {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    pub(crate) fn write(
        &self,
        nvme: &Controller<'_>,
        pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        in_parts(pos, |pos| {
            if src.is_empty() {
                return Ok(0);
            }
            let part = Part::new(self, pos, src.len())?.ok_or(ENOSPC)?;
            self.write_part(nvme, &part, src)
        })
    }

    fn write_part(
        &self,
        nvme: &Controller<'_>,
        part: &Part,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut stage = SgTable::alloc(part.stage(self), nvme.dma, GFP_KERNEL_ACCOUNT)?;
        let n = stage.copy_from_iter(part.range.start, part.range.len(), src)?;
        if n < part.range.len() {
            return Err(EFAULT);
        }
        let is_partial = part.range.start != 0 || part.range.end != stage.len();
        let _partial = is_partial.then(|| self.partial.lock());
        if is_partial {
            self.complete_blocks(nvme, part, &mut stage)?;
        }
        let opcode = uapi::SGDMA_NVME_WRITE as u8;
        let command = Command::transfer(opcode, self.nsid, part.lba, part.blocks);
        nvme.run(command, Memory::StagedWrite(stage))?
            .answer?
            .ok()?;
        Ok(n)
    }

    /// Reads what the first and the last block of a stage have beside the bytes to write.
    fn complete_blocks(&self, nvme: &Controller<'_>, part: &Part, stage: &mut SgTable) -> Result {
        let mut bytes = KVec::from_elem(0u8, self.block_size(), GFP_KERNEL)?;
        let last = stage.len() - self.block_size();
        let before = 0..part.range.start;
        let behind = part.range.end..stage.len();
        for (block, range) in [(0, before), (last, behind)] {
            if range.is_empty() {
                continue;
            }
            let lba = part.lba + (block >> self.shift) as u64;
            let old = self.read_blocks(nvme, lba, 1)?;
            let bytes = &mut bytes[..range.len()];
            old.copy_to_slice(range.start - block, bytes)?;
            stage.copy_from_slice(range.start, bytes)?;
        }
        Ok(())
    }
}
