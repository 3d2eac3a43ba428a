// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_gpu_vm.h` has them.

use crate::{
    common::request::{
        answer,
        in_stages,
        inside,
        nothing, //
    },
    uapi,
    GpuVm, //
};
use kernel::{
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};
use sgdma::{
    Door,
    DriverContext,
    FileOps, //
};

/// The number of bytes that go between user space and an object at once.
const STAGE: usize = 1 << 16;

/// An open file. The objects belong to the address space.
pub(crate) struct SpaceFile;

#[vtable]
impl FileOps<GpuVm> for SpaceFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_gpu_vm");

    fn open(_gpu: &DriverContext<'_, GpuVm>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self)
    }

    fn ioctl(&self, door: &Door<'_, GpuVm>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_GPU_VM_CREATE => answer(
                arg,
                cmd,
                |request| door.enter(|gpu| create(gpu, request)),
                |addr, written| match written {
                    Ok(()) => Ok(()),
                    // The caller was not told of the object.
                    Err(error) => {
                        door.enter(|gpu| gpu.dma().data().destroy(addr))?;
                        Err(error)
                    }
                },
            ),
            uapi::SGDMA_GPU_VM_DESTROY => inside(
                door,
                arg,
                cmd,
                |gpu, request: &mut uapi::sgdma_gpu_vm_destroy| {
                    gpu.dma().data().destroy(request.addr)
                },
            ),
            uapi::SGDMA_GPU_VM_WRITE | uapi::SGDMA_GPU_VM_READ => {
                answer(arg, cmd, |request| transfer(door, cmd, request), nothing)
            }
            uapi::SGDMA_GPU_VM_COPY => inside(door, arg, cmd, |gpu, request| copy(gpu, request)),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }
}

fn create(gpu: &DriverContext<'_, GpuVm>, request: &mut uapi::sgdma_gpu_vm_create) -> Result<u64> {
    if request.size == 0 {
        return Err(EINVAL);
    }
    if request.size > u64::from(uapi::SGDMA_GPU_VM_MAX_SIZE) {
        return Err(EFBIG);
    }
    let (dev, size) = (gpu.dma(), usize::try_from(request.size)?);
    request.addr = dev.data().create(dev, size, request.addr)?;
    Ok(request.addr)
}

/// Moves bytes between user space and an object, by the CPU.
///
/// User space is accessed outside the gate: it may let an access stall.
fn transfer(door: &Door<'_, GpuVm>, cmd: u32, request: &mut uapi::sgdma_gpu_vm_io) -> Result {
    let (addr, len) = (request.addr, usize::try_from(request.len)?);
    addr.checked_add(request.len).ok_or(EINVAL)?;
    let user = UserPtr::from_addr(usize::try_from(request.user)?);
    let (mut reader, mut writer) = UserSlice::new(user, len).reader_writer();
    in_stages(0, len, STAGE, |at, part| {
        let addr = addr + at as u64;
        if cmd == uapi::SGDMA_GPU_VM_WRITE {
            reader.read_slice(part)?;
            door.enter(|gpu| gpu.dma().data().write(addr, part))
        } else {
            door.enter(|gpu| gpu.dma().data().read(addr, part))?;
            writer.write_slice(part)
        }
    })
}

/// Makes the device copy between two ranges, by the addresses that user space knows.
fn copy(gpu: &DriverContext<'_, GpuVm>, request: &uapi::sgdma_gpu_vm_copy) -> Result {
    let (dev, len) = (gpu.dma(), usize::try_from(request.len)?);
    let (src, dst) = (request.src, request.dst);
    let end = dst.checked_add(request.len).ok_or(EINVAL)?;
    let from = dev.data().give(dev, src, len)?.submit();
    let start = from.dma_address();
    // Where caches are not coherent, a device has an object once at a time.
    let to = match dst >= start && end - start <= from.len() as u64 {
        true => None,
        false => match dev.data().give(dev, dst, len) {
            Ok(to) => Some(to.submit()),
            Err(error) => {
                drop(from.complete());
                return Err(error);
            }
        },
    };
    let result = gpu.engine.copy_all(src, dst, len);
    if result == Err(ETIMEDOUT) {
        return result; // Dropped in flight, both go into quarantine.
    }
    drop(from.complete());
    drop(to.map(|to| to.complete()));
    result
}
