// SPDX-License-Identifier: GPL-2.0

//! A dma-buf in place of a buffer's own pages: the frame goes to memory of another driver.
//!
//! The device has its turn while the buffer is queued. So the lists are made anew each time: the
//! dma-buf may be mapped elsewhere.

use crate::{
    device_page::DummyNumbers,
    format::Layout,
    list::Lists, //
};
use core::mem;
use kernel::prelude::*;
use sgdma::{
    Attached,
    Bidirectional,
    DmaBuf,
    DmaDevice,
    InFlight, //
};

enum State<'bound> {
    Idle,
    /// Queued: both ways, as the device writes only the frame, and the rest must stay.
    Queued(InFlight<Attached<'bound, Bidirectional>>, Lists),
    /// In quarantine: the device did not answer, and may still be using the buffer.
    Leaked,
}

pub(crate) struct Import<'bound> {
    dma_buf: DmaBuf,
    state: State<'bound>,
}

impl<'bound> Import<'bound> {
    pub(crate) fn new(dma_buf: DmaBuf) -> Self {
        Self {
            dma_buf,
            state: State::Idle,
        }
    }

    /// Begins the device's turn.
    ///
    /// # Errors
    ///
    /// `EIO` if the buffer is not idle, and those of [`DmaBuf::attach`] and [`Lists::new`].
    pub(crate) fn begin(
        &mut self,
        dma: DmaDevice<'bound>,
        layout: Layout,
        dummy: DummyNumbers,
    ) -> Result {
        if !matches!(self.state, State::Idle) {
            return Err(EIO);
        }
        let attached = self.dma_buf.attach(dma, Bidirectional)?;
        let lists = Lists::new(dma, &attached, layout, dummy)?;
        self.state = State::Queued(attached.submit(), lists);
        Ok(())
    }

    /// Ends the device's turn. The device does not use the buffer, and the frame table does not
    /// lead to the lists.
    pub(crate) fn end(&mut self) {
        match mem::replace(&mut self.state, State::Idle) {
            State::Queued(attached, _) => drop(attached.complete()),
            state => self.state = state,
        }
    }

    /// Returns the lists of a buffer that is queued.
    pub(crate) fn lists(&self) -> Option<&Lists> {
        match &self.state {
            State::Queued(_, lists) => Some(lists),
            State::Idle | State::Leaked => None,
        }
    }

    /// Returns the number of segments that the device sees.
    pub(crate) fn segments(&self) -> usize {
        match &self.state {
            State::Queued(attached, _) => attached.nents(),
            State::Idle | State::Leaked => 0,
        }
    }

    pub(crate) fn dma_buf(&self) -> DmaBuf {
        self.dma_buf.clone()
    }

    /// Leaks the buffer and the lists to a device that does not answer.
    pub(crate) fn leak(&mut self) {
        if let State::Queued(_, lists) = &mut self.state {
            lists.leak();
        }
        self.state = State::Leaked;
    }
}

impl Drop for Import<'_> {
    fn drop(&mut self) {
        // The owner drops the buffer, so the device does not use it.
        self.end();
    }
}
