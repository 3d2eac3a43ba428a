// SPDX-License-Identifier: GPL-2.0

//! Copies between a table and memory of a process, or what else an I/O vector stands for.
//!
//! C header: [`include/linux/uio.h`](srctree/include/linux/uio.h)
//!
//! Each page of the table is copied by itself, so nothing between the table and the process holds
//! the bytes.

use crate::{
    ffi,
    table::sg_table::SgTable,
    walk::cpu::PagePart, //
};
use kernel::{
    bindings,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

impl<P> SgTable<P> {
    /// Copies `len` bytes of the buffer from byte `offset` on to `dst`, and returns how many it has
    /// copied. May sleep.
    ///
    /// These are less than `len` if `dst` ends before, or if the process must not write some of its
    /// memory. `dst` is advanced by as many.
    ///
    /// A process may serve its memory late or never: see [`FileOps`](crate::FileOps). The copy may
    /// take `mmap_lock`, so the caller holds no lock that [`FileOps::mmap`](crate::FileOps::mmap)
    /// takes.
    ///
    /// ```
    /// # use kernel::{iov::IovIterDest, prelude::*};
    /// # use sgdma::SgTable;
    /// /// Reads a file whose bytes are those of a buffer; for `FileOps::read`.
    /// fn read(buffer: &SgTable, pos: &mut i64, dst: &mut IovIterDest<'_>) -> Result<usize> {
    ///     let start = usize::try_from(*pos)?.min(buffer.len());
    ///     let n = buffer.copy_to_iter(start, buffer.len() - start, dst)?;
    ///     *pos += n as i64;
    ///     Ok(n)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// After an error nothing was copied.
    ///
    /// - `EINVAL` if `offset + len` lies beyond the end of the buffer.
    /// - `EFAULT` if the process must not write the first byte.
    #[doc(alias = "copy_page_to_iter")]
    pub fn copy_to_iter(
        &self,
        offset: usize,
        len: usize,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        let copied = copy_parts(self.page_parts(offset, len)?, |part| {
            // SAFETY:
            // - The page is one of the table's, so it is valid, and it has `part.len` bytes from
            //   `part.offset` on. User space or a device may write them at the same time, which C
            //   code may read.
            // - `dst` is a valid destination, by its type invariants.
            unsafe {
                bindings::copy_page_to_iter(part.page.as_ptr(), part.offset, part.len, dst.as_raw())
            }
        });
        checked(copied, len, dst.len())
    }

    /// Copies up to `len` bytes from `src` to the buffer, from byte `offset` on, and returns how
    /// many it has copied. May sleep.
    ///
    /// These are less than `len` if `src` ends before, or if the process must not read some of its
    /// memory. `src` is advanced by as many.
    ///
    /// [`copy_to_iter`](Self::copy_to_iter) says what the copy may have to wait for.
    ///
    /// # Errors
    ///
    /// After an error nothing was copied.
    ///
    /// - `EINVAL` if `offset + len` lies beyond the end of the buffer.
    /// - `EFAULT` if the process must not read the first byte.
    #[doc(alias = "copy_page_from_iter")]
    pub fn copy_from_iter(
        &mut self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        self.copy_from_iter_shared(offset, len, src)
    }

    /// Copies as [`copy_from_iter`](Self::copy_from_iter) does, while user space or a device may be
    /// reading and writing the same bytes. They may see the copy in part.
    pub(crate) fn copy_from_iter_shared(
        &self,
        offset: usize,
        len: usize,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        let copied = copy_parts(self.page_parts(offset, len)?, |part| {
            // SAFETY:
            // - The page is one of the table's, so it is valid, and it has `part.len` bytes from
            //   `part.offset` on.
            // - `src` is a valid source, by its type invariants.
            // - Nobody has a Rust reference to the bytes. Only a table of a `ByteBuffer` lends
            //   some, while it is not mapped. Such a table gets here by `copy_from_iter()`, whose
            //   exclusive borrow excludes these references.
            unsafe {
                bindings::copy_page_from_iter(
                    part.page.as_ptr(),
                    part.offset,
                    part.len,
                    src.as_raw(),
                )
            }
        });
        checked(copied, len, src.len())
    }
}

/// Copies parts of pages until one is copied only in part. Returns the number of bytes.
fn copy_parts<'a>(
    parts: impl Iterator<Item = PagePart<'a>>,
    mut copy: impl FnMut(&PagePart<'a>) -> usize,
) -> usize {
    let mut copied = 0;
    for part in parts {
        let n = copy(&part);
        copied += n;
        if n < part.len {
            break;
        }
    }
    copied
}

/// Returns the number of bytes that were copied, or `EFAULT` if that is zero though some of `len`
/// bytes were wanted and the process has named `left` more.
fn checked(copied: usize, len: usize, left: usize) -> Result<usize> {
    if copied == 0 && len > 0 && left > 0 {
        return Err(EFAULT);
    }
    Ok(copied)
}

/// Memory of the calling process that an `ioctl` has named, as the destination of a copy.
///
/// ```
/// # use kernel::{prelude::*, uaccess::UserPtr};
/// # use sgdma::{SgTable, UserDest};
/// /// Copies a buffer to memory of the calling process.
/// fn answer(buffer: &SgTable, addr: usize) -> Result {
///     let mut user = UserDest::new(UserPtr::from_addr(addr), buffer.len());
///     buffer.copy_to_iter(0, buffer.len(), user.iter())?;
///     user.finish()
/// }
/// ```
///
/// # Invariants
///
/// The value is an iterator over memory of the process that uses it, as a destination.
pub struct UserDest(Opaque<bindings::iov_iter>);

impl UserDest {
    /// Names `len` bytes from `addr` on. Accesses nothing.
    #[doc(alias = "iov_iter_ubuf")]
    pub fn new(addr: UserPtr, len: usize) -> Self {
        // INVARIANT: `user_iter()` makes a destination.
        Self(user_iter(addr, len, true))
    }

    /// Returns the memory for a copy, which advances it.
    pub fn iter(&mut self) -> &mut IovIterDest<'static> {
        // SAFETY:
        // - By the type invariants this is a destination, which only the result accesses.
        // - The memory can be written at any time: the copy checks each address.
        unsafe { IovIterDest::from_raw(self.0.get()) }
    }

    /// Returns `EFAULT` unless all of the memory was written.
    pub fn finish(mut self) -> Result {
        if self.iter().is_empty() {
            Ok(())
        } else {
            Err(EFAULT)
        }
    }
}

/// Memory of the calling process that an `ioctl` has named, as the source of a copy.
///
/// ```
/// # use kernel::{prelude::*, uaccess::UserPtr};
/// # use sgdma::{SgTable, UserSource};
/// /// Fills a buffer from memory of the calling process.
/// fn fill(buffer: &mut SgTable, addr: usize) -> Result {
///     let len = buffer.len();
///     let mut user = UserSource::new(UserPtr::from_addr(addr), len);
///     buffer.copy_from_iter(0, len, user.iter())?;
///     user.finish()
/// }
/// ```
///
/// # Invariants
///
/// The value is an iterator over memory of the process that uses it, as a source.
pub struct UserSource(Opaque<bindings::iov_iter>);

impl UserSource {
    /// Names `len` bytes from `addr` on. Accesses nothing.
    #[doc(alias = "iov_iter_ubuf")]
    pub fn new(addr: UserPtr, len: usize) -> Self {
        // INVARIANT: `user_iter()` makes a source.
        Self(user_iter(addr, len, false))
    }

    /// Returns the memory for a copy, which advances it.
    pub fn iter(&mut self) -> &mut IovIterSource<'static> {
        // SAFETY:
        // - By the type invariants this is a source, which only the result accesses.
        // - The memory can be read at any time: the copy checks each address.
        unsafe { IovIterSource::from_raw(self.0.get()) }
    }

    /// Returns `EFAULT` unless all of the memory was read.
    pub fn finish(mut self) -> Result {
        if self.iter().is_empty() {
            Ok(())
        } else {
            Err(EFAULT)
        }
    }
}

/// Makes an iterator over memory of the calling process.
fn user_iter(addr: UserPtr, len: usize, is_dest: bool) -> Opaque<bindings::iov_iter> {
    let iter = Opaque::uninit();
    // SAFETY: `iter` is valid for writing. The function does not access the memory of the process.
    // The iterator does not point into itself, so it may be moved.
    unsafe { ffi::sgdma_user_iter(iter.get(), addr.as_mut_ptr() as usize, len, is_dest) };
    iter
}

/// Returns the address and the length of the memory of a process that comes next in `iter`, or
/// `None` if that is not memory of a process.
///
/// # Safety
///
/// `iter` is valid, and nobody else accesses it.
pub(crate) unsafe fn user_segment(iter: *mut bindings::iov_iter) -> Option<(usize, usize)> {
    let (mut addr, mut len) = (0, 0);
    // SAFETY: `iter` is valid, as the caller promises. The other two are valid for writing.
    unsafe { ffi::sgdma_user_segment(iter, &mut addr, &mut len) }.then_some((addr, len))
}
