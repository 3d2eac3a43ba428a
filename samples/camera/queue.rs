// SPDX-License-Identifier: GPL-2.0

//! The queue of a stream: the buffers that wait for frames, in the ring of the frame table.

use crate::{
    buffer::FrameBuffer,
    device_page::DummyNumbers,
    frame_table::{
        Entry,
        FrameTable,
        MAX_BUFFERS, //
    },
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::DmaDevice;

/// The buffers that wait for frames.
pub(crate) struct Queue {
    table: FrameTable,
    /// For each entry of the table that is in use, the index of the buffer.
    buffers: [usize; MAX_BUFFERS],
    first: usize,
    count: usize,
}

impl Queue {
    pub(crate) fn new(dma: DmaDevice<'_>, dummy: DummyNumbers) -> Result<Self> {
        Ok(Self {
            table: FrameTable::new(dma, dummy)?,
            buffers: [0; MAX_BUFFERS],
            first: 0,
            count: 0,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the address of the first buffer's entry.
    pub(crate) fn first_entry(&self) -> DmaAddress {
        self.table.address(self.first)
    }

    /// Returns the index of the first buffer.
    fn first_buffer(&self) -> usize {
        self.buffers[self.first]
    }

    pub(crate) fn push(&mut self, index: usize, buffer: &FrameBuffer<'_>) -> Result {
        // There are no more buffers than entries, and no buffer is queued twice.
        let slot = (self.first + self.count) % MAX_BUFFERS;
        self.table.set(slot, buffer.lists().ok_or(EIO)?)?;
        self.buffers[slot] = index;
        self.count += 1;
        Ok(())
    }

    /// Returns the index of the first buffer, and the buffer's entry as the device has left it.
    pub(crate) fn peek(&self) -> Result<(usize, Entry)> {
        Ok((self.first_buffer(), self.table.read(self.first)?))
    }

    /// Removes the first buffer, and returns its index.
    pub(crate) fn pop(&mut self) -> Result<usize> {
        let slot = self.first;
        self.table.clear(slot)?;
        self.first = (slot + 1) % MAX_BUFFERS;
        self.count -= 1;
        Ok(self.buffers[slot])
    }

    /// Leaks the frame table to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        self.table.leak();
    }
}
