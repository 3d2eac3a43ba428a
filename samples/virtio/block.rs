// SPDX-License-Identifier: GPL-2.0

//! A request: its header, its status, and the table of descriptors that leads to its memory.
//!
//! The virtio specification, 5.2.6, is the manual.

use crate::{
    common::{
        memory::Memory,
        pending::Pending, //
    },
    disk::Disk,
    facts::SECTOR,
    ring::{
        descriptor,
        DESCRIPTOR,
        MAX_ENTRIES,
        NEXT,
        WRITE, //
    },
    transfer::{
        Bytes,
        BytesInFlight, //
    }, //
};
use core::ops::Range;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use sgdma::{
    DmaTable,
    InFlight,
    PoolBlock,
    Words,
    EOPNOTSUPP, //
};

/// The places of the parts of a block, and the lengths of the first two.
const HEADER: usize = 0;
const HEADER_LEN: u32 = 16;
const STATUS: usize = 16;
const STATUS_LEN: u32 = 1;
const TABLE: usize = 32;

/// The length of a block, and its alignment: that of a descriptor.
pub(crate) const BLOCK: usize = TABLE + MAX_ENTRIES as usize * DESCRIPTOR;
pub(crate) const ALIGN: usize = DESCRIPTOR;

/// Types of a request: a read, a write, a flush.
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;

/// Values of the status. The driver writes the first one, the device another.
const NOT_WRITTEN: u8 = 0xff;
const OK: u8 = 0;
const UNSUPPORTED: u8 = 2;

/// The outcome of a request.
pub(crate) struct Outcome<'bound> {
    pub(crate) result: Result,
    /// The bytes of the request, unless the device may go on with them.
    pub(crate) bytes: Bytes<'bound>,
}

/// A request that the device has, or is about to be given.
pub(crate) struct Request<'bound> {
    block: InFlight<PoolBlock<'bound>>,
    bytes: BytesInFlight<'bound>,
    pending: Arc<Pending<Outcome<'bound>>>,
    /// The number of descriptors in the table.
    pub(crate) descriptors: usize,
    /// The number of bytes that the device may write.
    pub(crate) room: u32,
    /// The watchdog's time when the device was given the request.
    pub(crate) since: u32,
}

/// A table of descriptors that is being written into a block.
struct Table<'a, 'bound> {
    block: &'a PoolBlock<'bound>,
    /// The largest number of descriptors.
    most: usize,
    len: usize,
}

impl Table<'_, '_> {
    /// Adds a descriptor. Each one but the last has the flag [`NEXT`].
    fn push(&mut self, addr: u64, len: u32, flags: u16) -> Result {
        if self.len == self.most {
            return Err(E2BIG);
        }
        let words = descriptor(addr, len, flags, self.len as u16 + 1).map(u64::to_le);
        self.block
            .write_entry(TABLE + self.len * DESCRIPTOR, &words)?;
        self.len += 1;
        Ok(())
    }

    /// Adds the descriptors of a part of a mapped table.
    fn push_all(
        &mut self,
        (table, part): (&DmaTable, Range<usize>),
        size_max: u64,
        flags: u16,
    ) -> Result {
        let (mut skip, mut left) = (part.start as u64, part.len() as u64);
        for mut run in table.dma_runs() {
            if left == 0 {
                break;
            }
            let skipped = run.len.min(skip);
            skip -= skipped;
            run.addr = run.addr.wrapping_add(skipped);
            run.len = left.min(run.len - skipped);
            left -= run.len;
            while run.len > 0 {
                let len = run.len.min(size_max);
                self.push(run.addr, len as u32, flags)?;
                (run.addr, run.len) = (run.addr.wrapping_add(len), run.len - len);
            }
        }
        if left > 0 {
            return Err(EIO);
        }
        Ok(())
    }
}

impl<'bound> Request<'bound> {
    /// Describes the bytes of a request that begins at byte `pos` of the disk, by its table. A
    /// request without memory is a flush.
    ///
    /// # Errors
    ///
    /// `E2BIG` if the request takes more descriptors than a table of the device has.
    pub(crate) fn new(disk: &Disk<'bound>, pos: u64, bytes: Bytes<'bound>) -> Result<KBox<Self>> {
        let (operation, flags, room) = match &bytes {
            Bytes::Memory(Memory::None) => (FLUSH, 0, 0),
            bytes if bytes.is_read() => (IN, WRITE, bytes.len() as u32),
            _ => (OUT, 0, 0),
        };
        let pending = Pending::new()?;
        let place = KBox::new_uninit(GFP_KERNEL_ACCOUNT)?;
        let block = disk.pool.alloc(GFP_KERNEL)?;
        block.write(HEADER, operation.to_le())?;
        block.write(HEADER + 8, (pos / SECTOR).to_le())?;
        block.write(STATUS, NOT_WRITTEN)?;
        let at = block.dma_address();
        let (bytes, descriptors) = bytes.submit(disk.dma, |data| {
            let mut table = Table {
                block: &block,
                most: disk.facts.segments + 2,
                len: 0,
            };
            table.push(at + HEADER as u64, HEADER_LEN, NEXT)?;
            if let Some(data) = data {
                table.push_all(data, disk.facts.size_max, flags | NEXT)?;
            }
            table.push(at + STATUS as u64, STATUS_LEN, WRITE)?;
            Ok(table.len)
        })?;
        Ok(KBox::write(
            place,
            Self {
                block: block.submit(),
                bytes,
                pending,
                descriptors,
                room: room + STATUS_LEN,
                since: 0,
            },
        ))
    }

    /// Returns the request as the task has it that waits for the end.
    pub(crate) fn pending(&self) -> Arc<Pending<Outcome<'bound>>> {
        self.pending.clone()
    }

    /// Returns the bus address of the table, and its length in bytes.
    pub(crate) fn table(&self) -> (u64, u32) {
        let len = self.descriptors * DESCRIPTOR;
        (self.block.dma_address() + TABLE as u64, len as u32)
    }

    /// Returns what the device has said about the request.
    pub(crate) fn status(&self) -> Result {
        match self.block.read(STATUS)? {
            OK => Ok(()),
            UNSUPPORTED => Err(EOPNOTSUPP),
            _ => Err(EIO),
        }
    }

    /// Ends the request. The device is done with the bytes. For any context.
    pub(crate) fn finish(self, result: Result) {
        drop(self.block.complete());
        let bytes = self.bytes.complete();
        self.pending.finish(Outcome { result, bytes });
    }

    /// Ends the request. The device may go on with the bytes, which go into quarantine.
    pub(crate) fn abandon(self, error: Error) {
        drop((self.block, self.bytes));
        self.pending.finish(Outcome {
            result: Err(error),
            bytes: Memory::None.into(),
        });
    }
}
