// SPDX-License-Identifier: GPL-2.0

//! Open files, and the operations that the VFS calls on them.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use crate::driver::{
    Door,
    Driver,
    DriverContext, //
    DriverGate,
    FileOps,
};
use kernel::{
    bindings,
    error::from_result,
    ffi::{
        c_int,
        c_long,
        c_uint,
        c_ulong, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    page::PAGE_SHIFT,
    prelude::*,
    types::ForeignOwnable, //
};

/// The `private_data` of an open file.
#[pin_data]
pub(crate) struct OpenFile<D: Driver> {
    pub(crate) gate: DriverGate<D>,
    #[pin]
    pub(crate) state: D::Files,
}

impl<D: Driver> OpenFile<D> {
    /// Runs `op` with what the gate lends, if the device is still bound.
    fn inside<R>(
        &self,
        op: impl FnOnce(&D::Files, &DriverContext<'_, D>) -> Result<R>,
    ) -> Result<R> {
        self.gate.enter(|ctx| op(&self.state, ctx))
    }

    /// # Safety
    ///
    /// `file` was opened by `DeviceNode::open()` and is being released.
    pub(crate) unsafe extern "C" fn release(
        _inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: `DeviceNode::open()` put it there, and nobody uses the file any more.
        let open = unsafe { Pin::<KBox<Self>>::from_foreign((*file).private_data) };
        if D::Files::HAS_RELEASE {
            // It fails after unbind.
            let _ = open.inside(|file, ctx| {
                file.release(ctx);
                Ok(())
            });
        }
        0
    }

    /// # Safety
    ///
    /// As the VFS calls `mmap`: `file` was opened by `DeviceNode::open()`, and `vma` is being set up.
    pub(crate) unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: The caller hands us both, and they stay during the call.
        let (open, offset, vma) = unsafe {
            (
                Self::opened(file),
                ((*vma).vm_pgoff as u64) << PAGE_SHIFT,
                VmaNew::from_raw(vma),
            )
        };
        from_result(|| {
            open.inside(|file, ctx| file.mmap(ctx, offset, vma))?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `file` was opened by `DeviceNode::open()` and is not released during `'a`.
    unsafe fn opened<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY: `DeviceNode::open()` put it there; until `release()` it is only borrowed.
        let open: Pin<&'a Self> = unsafe { Pin::<KBox<Self>>::borrow((*file).private_data) };
        open.get_ref()
    }

    /// # Safety
    ///
    /// As the VFS calls `read_iter`: `kiocb` belongs to a file opened by `DeviceNode::open()`, and
    /// `iter` is a destination that nobody else uses, of memory that is there during the call.
    pub(crate) unsafe extern "C" fn read_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: The caller hands us a valid `kiocb`; nobody else uses its position meanwhile.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: The caller hands us a valid destination, ours alone.
        let dst = unsafe { IovIterDest::from_raw(iter) };
        let room = dst.len();
        transferred(open.inside(|file, ctx| file.read(ctx, pos, dst)), room)
    }

    /// # Safety
    ///
    /// As the VFS calls `write_iter`: `kiocb` belongs to a file opened by `DeviceNode::open()`, and
    /// `iter` is a source that nobody else uses, of memory that is there during the call.
    pub(crate) unsafe extern "C" fn write_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: The caller hands us a valid `kiocb`; nobody else uses its position meanwhile.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: The caller hands us a valid source, ours alone.
        let src = unsafe { IovIterSource::from_raw(iter) };
        let given = src.len();
        transferred(open.inside(|file, ctx| file.write(ctx, pos, src)), given)
    }

    /// # Safety
    ///
    /// `file` was opened by `DeviceNode::open()`.
    pub(crate) unsafe extern "C" fn ioctl(
        file: *mut bindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: The caller guarantees it.
        let open = unsafe { Self::opened(file) };
        from_result(|| {
            // Or else a bad request to a device that is gone would be told that it is bad.
            if open.gate.is_revoked() {
                return Err(ENODEV);
            }
            Ok(open.state.ioctl(&Door(&open.gate), cmd, arg)? as c_long)
        })
    }
}

/// What the VFS takes for the number of bytes of a read or a write of at most `most`.
///
/// It has a `BUG_ON` for `EIOCBQUEUED`, which promises a completion that nobody will give, and
/// trusts the number.
fn transferred(result: Result<usize>, most: usize) -> isize {
    from_result(|| match result {
        Ok(n) => Ok(isize::try_from(n.min(most))?),
        Err(e) if e == EIOCBQUEUED => Err(EIO),
        Err(e) => Err(e),
    })
}
