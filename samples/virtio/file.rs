// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_virtio.h` has them.

use crate::{
    common::request::{
        answer,
        inside,
        nothing, //
    },
    dma_buf,
    uapi,
    Virtio, //
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};
use sgdma::{
    Door,
    DriverContext,
    FileOps, //
};

/// An open file of a disk.
pub(crate) struct DiskFile;

#[vtable]
impl FileOps<Virtio> for DiskFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_virtio");

    fn open(_disk: &DriverContext<'_, Virtio>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn read(
        &self,
        disk: &DriverContext<'_, Virtio>,
        pos: &mut i64,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        disk.read(pos, dst)
    }

    fn write(
        &self,
        disk: &DriverContext<'_, Virtio>,
        pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        disk.write(pos, src)
    }

    fn ioctl(&self, door: &Door<'_, Virtio>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_VIRTIO_INFO => inside(door, arg, cmd, |disk, info| {
                disk.describe(info);
                Ok(())
            }),
            uapi::SGDMA_VIRTIO_STATS => inside(door, arg, cmd, |disk, stats| {
                disk.show(stats);
                Ok(())
            }),
            uapi::SGDMA_VIRTIO_DMA_BUF => {
                answer(arg, cmd, |request| dma_buf::run(door, request), nothing)
            }
            uapi::SGDMA_VIRTIO_FLUSH => door.enter(|disk| disk.flush()),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }
}
