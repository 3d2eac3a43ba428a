// SPDX-License-Identifier: GPL-2.0

//! Open files of a device node, and the C functions that the VFS calls for them.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)
//!
//! Each C function here finds the Rust state of the file, enters the gate, and calls the driver's
//! [`FileOps`]. The exception is `ioctl`, which runs in front of the gate: the driver enters
//! through a [`Door`].

use crate::driver::{
    poll::PollEvents, //
    Door,
    Driver,
    DriverContext,
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

/// The `private_data` of an open file: a pinned `KBox` of this.
#[pin_data]
pub(crate) struct OpenFile<D: Driver> {
    pub(crate) gate: DriverGate<D>,
    #[pin]
    pub(crate) state: D::Files,
}

impl<D: Driver> OpenFile<D> {
    /// Runs `op` inside of the gate. Returns `ENODEV` if unbinding has begun.
    fn inside<R>(
        &self,
        op: impl FnOnce(&D::Files, &DriverContext<'_, D>) -> Result<R>,
    ) -> Result<R> {
        self.gate.enter(|ctx| op(&self.state, ctx))
    }

    /// Releases a file: `file_operations::release`.
    ///
    /// # Safety
    ///
    /// - `DeviceNode::open()` has opened `file`.
    /// - `file` is being released, so no other operation on it runs or will run.
    pub(crate) unsafe extern "C" fn release(
        _inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY:
        // - `DeviceNode::open()` has stored the result of `into_foreign()` of a
        //   `Pin<KBox<Self>>` there.
        // - The file is released once, and no other operation borrows the value then, as the
        //   caller promises.
        let open = unsafe { Pin::<KBox<Self>>::from_foreign((*file).private_data) };
        if D::Files::HAS_RELEASE {
            // After unbinding this fails, and the driver's data, with all it held for the file, is
            // gone.
            let _ = open.inside(|file, ctx| {
                file.release(ctx);
                Ok(())
            });
        }
        0
    }

    /// Maps a file to user space: `file_operations::mmap`.
    ///
    /// # Safety
    ///
    /// - `DeviceNode::open()` has opened `file`, which is not released during the call.
    /// - `vma` is valid and being set up by the VFS, which holds `mmap_lock`.
    pub(crate) unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY:
        // - `DeviceNode::open()` has opened `file`, which stays open during the call.
        // - `vma` is valid, and being set up during the call, as `VmaNew` demands.
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

    /// Returns the `OpenFile` that `DeviceNode::open()` has stored in `file`.
    ///
    /// # Safety
    ///
    /// `DeviceNode::open()` has opened `file`, which is not released during `'a`.
    unsafe fn opened<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY:
        // - `DeviceNode::open()` has stored the result of `into_foreign()` of a
        //   `Pin<KBox<Self>>` there.
        // - Only `release()` takes the value back, and the file is not released during `'a`. All
        //   other functions only borrow the value.
        let open: Pin<&'a Self> = unsafe { Pin::<KBox<Self>>::borrow((*file).private_data) };
        open.get_ref()
    }

    /// Reads from a file: `file_operations::read_iter`.
    ///
    /// # Safety
    ///
    /// - `kiocb` is valid. Its file was opened by `DeviceNode::open()` and is not released during
    ///   the call. Nobody else accesses its position.
    /// - `iter` is a valid destination, which nobody else accesses. Its memory stays during the
    ///   call.
    pub(crate) unsafe extern "C" fn read_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY:
        // - `kiocb` is valid, and its file stays open during the call, as the caller promises.
        // - Nobody else accesses the position, as the caller promises.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: `iter` is a valid destination of memory that stays, and nobody else accesses it,
        // as the caller promises.
        let dst = unsafe { IovIterDest::from_raw(iter) };
        let room = dst.len();
        transferred(open.inside(|file, ctx| file.read(ctx, pos, dst)), room)
    }

    /// Writes to a file: `file_operations::write_iter`.
    ///
    /// # Safety
    ///
    /// - `kiocb` is valid. Its file was opened by `DeviceNode::open()` and is not released during
    ///   the call. Nobody else accesses its position.
    /// - `iter` is a valid source, which nobody else accesses. Its memory stays during the call.
    pub(crate) unsafe extern "C" fn write_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY:
        // - `kiocb` is valid, and its file stays open during the call, as the caller promises.
        // - Nobody else accesses the position, as the caller promises.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: `iter` is a valid source of memory that stays, and nobody else accesses it, as
        // the caller promises.
        let src = unsafe { IovIterSource::from_raw(iter) };
        let given = src.len();
        transferred(open.inside(|file, ctx| file.write(ctx, pos, src)), given)
    }

    /// Returns what a file is ready for: `file_operations::poll`.
    ///
    /// # Safety
    ///
    /// - `DeviceNode::open()` has opened `file`, which is not released during the call.
    /// - `table` is null or valid. What it queues is taken out of the queue before `file` is
    ///   released.
    pub(crate) unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: `DeviceNode::open()` has opened `file`, which stays open during the call, as the
        // caller promises.
        let open = unsafe { Self::opened(file) };
        // First the queue, then the test: whoever makes the file ready after the test wakes those
        // in the queue.
        //
        // SAFETY:
        // - `file` and `table` are valid, as the caller promises.
        // - The queue stays in place until the file is released: the gate of the file owns it, also
        //   after the device was unbound. All that `poll_wait()` puts into the queue has left it by
        //   then, as the caller promises.
        unsafe { bindings::poll_wait(file, open.gate.unbinding().queue(), table) };
        open.inside(|file, ctx| Ok(file.poll(ctx)))
            .unwrap_or(PollEvents::ERR | PollEvents::HUP)
            .as_raw()
    }

    /// Handles an ioctl: `file_operations::unlocked_ioctl`.
    ///
    /// # Safety
    ///
    /// `DeviceNode::open()` has opened `file`, which is not released during the call.
    pub(crate) unsafe extern "C" fn ioctl(
        file: *mut bindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: `DeviceNode::open()` has opened `file`, which stays open during the call, as the
        // caller promises.
        let open = unsafe { Self::opened(file) };
        from_result(|| {
            // Tested first: a request to a device that is gone fails with `ENODEV`, also if the
            // request is malformed.
            if open.gate.is_revoked() {
                return Err(ENODEV);
            }
            Ok(open.state.ioctl(&Door(&open.gate), cmd, arg)? as c_long)
        })
    }
}

/// Returns a driver's result of a read or a write of up to `most` bytes as the VFS takes it.
///
/// The VFS trusts the number of bytes, so a larger number becomes `most`. The VFS has a `BUG_ON`
/// for
/// `EIOCBQUEUED`, which promises a completion that never comes, so that error becomes `EIO`.
fn transferred(result: Result<usize>, most: usize) -> isize {
    from_result(|| match result {
        Ok(n) => Ok(isize::try_from(n.min(most))?),
        Err(e) if e == EIOCBQUEUED => Err(EIO),
        Err(e) => Err(e),
    })
}
