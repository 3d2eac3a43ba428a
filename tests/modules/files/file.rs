// SPDX-License-Identifier: GPL-2.0

//! The files of both nodes.

use crate::{
    common::edu::IRQ_RAISE,
    uapi,
    Files, //
};
use kernel::{
    io::Io,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    time::msecs_to_jiffies, //
};
use sgdma::{
    Door,
    DriverContext,
    FileOps,
    FromDevice,
    Nodes,
    PollEvents,
    ToDevice,
    UserTable, //
};

const LEN: usize = uapi::SGDMA_FILES_LEN as usize;

/// The most bytes that are pinned at once.
const MOST: usize = 40_000;

pub(crate) enum File {
    Buffer,
    Pin,
}

#[vtable]
impl FileOps<Files> for File {
    const NODE: Option<&'static CStr> = None;

    fn nodes(ctx: &DriverContext<'_, Files>, nodes: &mut Nodes) -> Result {
        let device = ctx.dma().device().name();
        nodes.add(fmt!("sgdma_files-{}", device), 0o600)?;
        nodes.add(fmt!("sgdma_files-{}-pin", device), 0o640)?;
        match sgdma::parameter(&crate::module_parameters::bad) {
            0 => Ok(()),
            1 => nodes.add(fmt!("sgdma_files-{}", device), 0o600),
            2 => nodes.add(fmt!(""), 0o600),
            3 => nodes.add(fmt!("sgdma_files-{}-bad", device), 0),
            _ => nodes.add(fmt!("sgdma_files-{}-bad", device), 0o4600),
        }
    }

    fn open(_: &DriverContext<'_, Files>, node: u32) -> impl PinInit<Self, Error> {
        match node {
            0 => Ok(Self::Buffer),
            1 => Ok(Self::Pin),
            _ => Err(EDOM),
        }
    }

    fn read(
        &self,
        ctx: &DriverContext<'_, Files>,
        pos: &mut i64,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        let at = usize::try_from(*pos)?.min(LEN);
        let n = match self {
            Self::Buffer => ctx.buffer.lock().for_cpu().copy_to_iter(at, LEN - at, dst),
            Self::Pin => read_pinned(ctx, at, dst),
        }?;
        *pos += n as i64;
        Ok(n)
    }

    fn write(
        &self,
        ctx: &DriverContext<'_, Files>,
        pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let at = usize::try_from(*pos)?.min(LEN);
        if at == LEN && !src.is_empty() {
            return Err(ENOSPC);
        }
        let n = match self {
            Self::Buffer => ctx
                .buffer
                .lock()
                .for_cpu()
                .copy_from_iter(at, LEN - at, src),
            Self::Pin => write_pinned(ctx, at, src),
        }?;
        *pos += n as i64;
        Ok(n)
    }

    fn poll(&self, ctx: &DriverContext<'_, Files>) -> PollEvents {
        let mut events = PollEvents::OUT;
        if ctx.interrupt.is_done() {
            events |= PollEvents::IN;
        }
        events
    }

    fn ioctl(&self, door: &Door<'_, Files>, cmd: u32, arg: usize) -> Result<isize> {
        let timeout = msecs_to_jiffies(u32::try_from(arg)?);
        door.enter(|ctx| match cmd {
            uapi::SGDMA_FILES_RAISE => {
                ctx.bar.write_reg(IRQ_RAISE::zeroed().with_raised(1_u32));
                Ok(())
            }
            uapi::SGDMA_FILES_WAIT => ctx.interrupt.wait(ctx.unbinding(), timeout),
            uapi::SGDMA_FILES_STAY => ctx.interrupt.wait_timeout(timeout),
            uapi::SGDMA_FILES_TAKE => {
                ctx.interrupt.reset();
                Ok(())
            }
            _ => Err(ENOTTY),
        })?;
        Ok(0)
    }
}

/// Returns `len` bytes of the file of the second node, from byte `at` on.
fn bytes(at: usize, len: usize) -> Result<KVVec<u8>> {
    let mut bytes = KVVec::with_capacity(len, GFP_KERNEL)?;
    for i in at..at + len {
        bytes.push((i % 251) as u8, GFP_KERNEL)?;
    }
    Ok(bytes)
}

/// Returns `done` if that is not zero, or else the error.
fn unless_some(done: usize, error: Error) -> Result<usize> {
    if done > 0 {
        Ok(done)
    } else {
        Err(error)
    }
}

/// Writes to the memory of the process, as a device does.
fn read_pinned(
    ctx: &DriverContext<'_, Files>,
    at: usize,
    dst: &mut IovIterDest<'_>,
) -> Result<usize> {
    let mut done = 0;
    while !dst.is_empty() && at + done < LEN {
        let most = MOST.min(LEN - at - done);
        match UserTable::pin_iter(dst, most, FromDevice, ctx.dma()) {
            Ok(table) => {
                table.copy_from_slice(0, &bytes(at + done, table.len())?)?;
                done += table.len();
            }
            Err(error) => return unless_some(done, error),
        }
    }
    Ok(done)
}

/// Reads the memory of the process, as a device does.
fn write_pinned(
    ctx: &DriverContext<'_, Files>,
    at: usize,
    src: &mut IovIterSource<'_>,
) -> Result<usize> {
    let mut done = 0;
    while !src.is_empty() && at + done < LEN {
        let most = MOST.min(LEN - at - done);
        match UserTable::pin_iter(src, most, ToDevice, ctx.dma()) {
            Ok(table) => {
                let mut got = KVVec::from_elem(0u8, table.len(), GFP_KERNEL)?;
                table.copy_to_slice(0, &mut got)?;
                if *got != *bytes(at + done, table.len())? {
                    return Err(EIO);
                }
                done += table.len();
            }
            Err(error) => return unless_some(done, error),
        }
    }
    Ok(done)
}
