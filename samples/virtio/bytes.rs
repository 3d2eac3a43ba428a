// SPDX-License-Identifier: GPL-2.0

//! `read(2)` and `write(2)`: whole blocks, at the position of a block.
//!
//! Memory of user space is pinned for each request where the device uses that memory in place.
//! Elsewhere, and for requests that bring no memory of the process, the bytes go through a stage.

use crate::{
    common::{
        memory::Memory,
        parts::{
            in_parts,
            STAGE, //
        }, //
    },
    disk::Disk, //
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};
use sgdma::{
    FromDevice,
    SgTable,
    ToDevice,
    UserTable,
    EOPNOTSUPP, //
};

impl Disk<'_> {
    /// Returns `EINVAL` unless `len` bytes are whole blocks.
    pub(crate) fn check(&self, len: u64) -> Result {
        if len & (self.facts.block_size as u64 - 1) != 0 {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// Returns the position and the length of the next request, if `len` bytes are left to move.
    /// The length is zero at the end of the disk.
    fn part(&self, pos: i64, len: usize) -> Result<(u64, usize)> {
        let pos = u64::try_from(pos)?;
        self.check(pos)?;
        self.check(len as u64)?;
        let left = self.facts.capacity.saturating_sub(pos);
        let most = len.min(self.facts.max_bytes);
        Ok((pos, left.min(most as u64) as usize))
    }

    pub(crate) fn read(&self, pos: &mut i64, dst: &mut IovIterDest<'_>) -> Result<usize> {
        in_parts(pos, |pos| {
            if dst.is_empty() {
                return Ok(0);
            }
            self.read_part(pos, dst)
        })
    }

    fn read_part(&self, pos: i64, dst: &mut IovIterDest<'_>) -> Result<usize> {
        let (pos, len) = self.part(pos, dst.len())?;
        if len == 0 {
            return Ok(0);
        }
        if self.shares {
            match UserTable::pin_iter(dst, len, FromDevice, self.dma) {
                Ok(table) => {
                    let len = table.len();
                    self.check(len as u64)?;
                    self.run(pos, Memory::Read(table))?;
                    return Ok(len);
                }
                Err(EOPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        let len = len.min(STAGE);
        let stage = SgTable::alloc(len, self.dma, GFP_KERNEL_ACCOUNT)?;
        let bytes = self.run(pos, Memory::StagedRead(stage))?;
        let stage = bytes.read_stage().ok_or(EIO)?;
        stage.copy_to_iter(0, len, dst)
    }

    pub(crate) fn write(&self, pos: &mut i64, src: &mut IovIterSource<'_>) -> Result<usize> {
        if self.facts.is_read_only {
            return Err(EROFS);
        }
        in_parts(pos, |pos| {
            if src.is_empty() {
                return Ok(0);
            }
            self.write_part(pos, src)
        })
    }

    fn write_part(&self, pos: i64, src: &mut IovIterSource<'_>) -> Result<usize> {
        let (pos, len) = self.part(pos, src.len())?;
        if len == 0 {
            return Err(ENOSPC);
        }
        if self.shares {
            match UserTable::pin_iter(src, len, ToDevice, self.dma) {
                Ok(table) => {
                    let len = table.len();
                    self.check(len as u64)?;
                    self.run(pos, Memory::Write(table))?;
                    return Ok(len);
                }
                Err(EOPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        let len = len.min(STAGE);
        let mut stage = SgTable::alloc(len, self.dma, GFP_KERNEL_ACCOUNT)?;
        if stage.copy_from_iter(0, len, src)? < len {
            return Err(EFAULT);
        }
        self.run(pos, Memory::StagedWrite(stage))?;
        Ok(len)
    }

    /// Returns when all that was written before is on the disk.
    pub(crate) fn flush(&self) -> Result {
        if self.facts.flushes {
            self.run(0, Memory::None)?;
        }
        Ok(())
    }
}
