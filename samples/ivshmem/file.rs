// SPDX-License-Identifier: GPL-2.0

//! The request of user space, as `sgdma_ivshmem.h` has it.

use crate::{
    common::{
        descriptor::Descriptor,
        request::answer, //
    },
    uapi,
    Ivshmem, //
};
use kernel::prelude::*;
use sgdma::{
    Door,
    DriverContext,
    FileOps, //
};

/// An open file. It has no state.
pub(crate) struct MemoryFile;

#[vtable]
impl FileOps<Ivshmem> for MemoryFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_ivshmem");

    fn open(_board: &DriverContext<'_, Ivshmem>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn ioctl(&self, door: &Door<'_, Ivshmem>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_IVSHMEM_EXPORT => answer(
                arg,
                cmd,
                |request: &mut uapi::sgdma_ivshmem_export| {
                    if request.pad != 0 {
                        return Err(EINVAL);
                    }
                    let len = usize::try_from(request.len)?;
                    let buffer = door.enter(|board| board.memory.export(len))?;
                    Descriptor::reserve(&buffer, &mut request.fd)
                },
                |descriptor, written| written.map(|()| descriptor.install()),
            ),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }
}
