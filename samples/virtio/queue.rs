// SPDX-License-Identifier: GPL-2.0

//! The queue: its memory, and the requests that the device has.

use crate::{
    block::Request,
    ring::{
        Layout,
        QueueMemory,
        Ring, //
    },
    uapi, //
};
use kernel::prelude::*;
use sgdma::{
    CoherentBuffer,
    InFlight,
    Words, //
};

/// No access fails: a [`Layout`] has only places in the memory.
impl QueueMemory for CoherentBuffer<'_> {
    fn put_descriptor(&self, at: usize, words: [u64; 2]) {
        let _ = self.write_entry(at, &words.map(u64::to_le));
    }

    fn put(&self, at: usize, id: u16) {
        let _ = self.write(at, id.to_le());
    }

    fn publish(&self, at: usize, index: u16) {
        if let Ok(flag) = self.flag(at) {
            flag.store(index.to_le());
        }
    }

    fn index(&self, at: usize) -> u16 {
        self.flag(at).map_or(0, |flag| u16::from_le(flag.load()))
    }

    fn used(&self, at: usize) -> (u32, u32) {
        let word = |at| self.read(at).map_or(u32::MAX, u32::from_le);
        (word(at), word(at + 4))
    }
}

pub(crate) struct Queue<'bound> {
    /// `None` when the device has stopped.
    pub(crate) memory: Option<InFlight<CoherentBuffer<'bound>>>,
    pub(crate) ring: Ring<KBox<Request<'bound>>>,
    /// The reason why the device is given no request any more.
    pub(crate) error: Option<Error>,
    pub(crate) stats: uapi::sgdma_virtio_stats,
}

impl<'bound> Queue<'bound> {
    pub(crate) fn new(memory: CoherentBuffer<'bound>, layout: Layout) -> Self {
        Self {
            memory: Some(memory.submit()),
            ring: Ring::new(layout),
            error: None,
            stats: zerocopy::FromZeros::new_zeroed(),
        }
    }

    /// Gives the device a request.
    ///
    /// # Errors
    ///
    /// Each returns the request. `EAGAIN` if the device has as many as it can have, or the reason
    /// why it is given none.
    pub(crate) fn push(
        &mut self,
        request: KBox<Request<'bound>>,
    ) -> Result<(), (Error, KBox<Request<'bound>>)> {
        let memory = match (self.error, &self.memory) {
            (None, Some(memory)) => memory,
            (error, _) => return Err((error.unwrap_or(ENODEV), request)),
        };
        let (table, room) = (request.table(), request.room);
        self.ring
            .push(&**memory, table, room, request)
            .map_err(|request| (EAGAIN, request))?;
        self.stats.requests += 1;
        self.stats.most = self.stats.most.max(self.ring.outstanding().into());
        Ok(())
    }
}
