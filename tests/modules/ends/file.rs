// SPDX-License-Identifier: GPL-2.0

//! The node, and the words that may be written to it.

use crate::{
    Data,
    Ends, //
};
use kernel::{
    iov::IovIterSource,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use sgdma::{
    DriverContext,
    FileOps,
    Nodes, //
};

/// Set if the next `quiesce`, or the next `stop`, waits for the device.
pub(crate) static WORD_AT_QUIESCE: Atomic<bool> = Atomic::new(false);
pub(crate) static WORD_AT_STOP: Atomic<bool> = Atomic::new(false);

impl Data<'_> {
    fn on(&self, word: &[u8]) -> Result {
        match word {
            b"align" => self.align(),
            b"drop" => self.drop_watched(),
            b"drop plain" => self.drop_plain(),
            b"drop for user" => self.drop_for_user(),
            b"drop ring" => self.drop_ring(),
            b"drop block" => self.drop_block(),
            b"drop range" => self.drop_range(),
            b"forget range" => self.forget_range(),
            b"others" => self.others(),
            b"reset" => self.reset(),
            b"begin reset" => {
                drop(self.dma.begin_reset());
                Ok(())
            }
            // What is submitted when a reset has begun is not over with it.
            b"drop at reset" => self.drop_at_reset(),
            b"drop again" => self.drop_again(),
            b"stop word" => {
                WORD_AT_STOP.store(true, Relaxed);
                Ok(())
            }
            b"quiesce word" => {
                WORD_AT_QUIESCE.store(true, Relaxed);
                Ok(())
            }
            _ => Err(EINVAL),
        }
    }
}

pub(crate) struct File;

#[vtable]
impl FileOps<Ends> for File {
    const NODE: Option<&'static CStr> = None;

    // Two nodes: a binding may end between them.
    fn nodes(ctx: &DriverContext<'_, Ends>, nodes: &mut Nodes) -> Result {
        let device = ctx.dma().device().name();
        nodes.add(fmt!("sgdma_ends-{}", device), 0o600)?;
        nodes.add(fmt!("sgdma_ends-{}-second", device), 0o600)
    }

    fn open(_: &DriverContext<'_, Ends>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Ends>,
        _pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let mut word = [0; 16];
        let n = src.copy_from_iter(&mut word);
        ctx.on(word[..n].trim_ascii())?;
        Ok(n)
    }
}
