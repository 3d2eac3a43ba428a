// SPDX-License-Identifier: GPL-2.0

//! A dma-buf, and the CPU's turn.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)

use crate::{
    base::{
        buffer_error::BufferError,
        direction::{
            DeviceReads,
            DeviceWrites,
            Direction, //
        }, //
    },
    dmabuf::export::{
        self,
        DmaBufUse, //
    },
    ffi,
    table::sg_table::SgTable, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::c_uint,
    fs::File,
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef, //
};

/// A reference to a dma-buf: `struct dma_buf`.
///
/// Any exporter may have made the dma-buf: [`SgTable::export`](crate::SgTable::export),
/// [`PeerMemory::export`](crate::PeerMemory::export), or another driver. The dma-buf lives as long
/// as somebody refers to it: a descriptor of a process, a mapping of a device or of a process, or a
/// value of this type.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Attached, Bidirectional, DmaBuf, DmaDevice, InFlight};
/// /// Makes the buffer of a descriptor known to the device.
/// fn import<'bound>(
///     fd: u32,
///     dev: DmaDevice<'bound>,
/// ) -> Result<InFlight<Attached<'bound, Bidirectional>>> {
///     Ok(DmaBuf::from_fd(fd)?.attach(dev, Bidirectional)?.submit())
/// }
/// ```
///
/// # Invariants
///
/// The pointer is to a valid dma-buf, to which the value has a reference.
pub struct DmaBuf(NonNull<bindings::dma_buf>);

// SAFETY: A dma-buf belongs to no task: any task may use it and give a reference back.
unsafe impl Send for DmaBuf {}
// SAFETY: All functions that take a dma-buf may be called by several tasks at the same time.
unsafe impl Sync for DmaBuf {}

impl DmaBuf {
    /// Returns the dma-buf of a descriptor of the calling process: `dma_buf_get()`. For process
    /// context.
    ///
    /// # Errors
    ///
    /// - `EBADF` if the process has no such descriptor.
    /// - `EINVAL` if the descriptor is not one of a dma-buf.
    #[doc(alias = "dma_buf_get")]
    pub fn from_fd(fd: u32) -> Result<Self> {
        let fd = fd.try_into().map_err(|_| EBADF)?;
        // SAFETY: The function takes any number. It returns a dma-buf with a reference for the
        // caller, or an error.
        unsafe { Self::from_owned(ffi::sgdma_dma_buf_get(fd)) }
    }

    /// Takes a dma-buf over from C.
    ///
    /// # Safety
    ///
    /// `buf` is an error pointer, or a valid dma-buf with a reference that the caller gives up.
    pub(crate) unsafe fn from_owned(buf: *mut bindings::dma_buf) -> Result<Self> {
        // INVARIANT: The caller promises a valid dma-buf and a reference.
        Ok(Self(NonNull::new(from_err_ptr(buf)?).ok_or(EINVAL)?))
    }

    /// Returns the table if this library has exported the buffer. The caller only copies bytes.
    fn table(&self) -> Option<&SgTable> {
        // SAFETY: By the type invariants the dma-buf is valid as long as `self` is borrowed.
        unsafe { export::table_of(self.as_raw()) }
    }

    /// Returns true if this library has exported the buffer.
    pub(super) fn is_ours(&self) -> bool {
        self.table().is_some()
    }

    /// Returns true if the buffer is memory of a device, exported by
    /// [`PeerMemory`](crate::PeerMemory).
    pub(super) fn is_peer_memory(&self) -> bool {
        // SAFETY: By the type invariants the dma-buf is valid.
        unsafe { ffi::sgdma_is_peer_memory(self.as_raw()) }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::dma_buf {
        self.0.as_ptr()
    }

    /// Returns the length in bytes, which does not change.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty one cannot be exported"
    )]
    pub fn len(&self) -> usize {
        // SAFETY: By the type invariants the dma-buf is valid.
        unsafe { ffi::sgdma_dma_buf_size(self.as_raw()) }
    }

    /// Returns the dma-buf's file, to be installed in a descriptor.
    ///
    /// ```
    /// # use kernel::{fs::file::{flags, FileDescriptorReservation}, prelude::*};
    /// # use sgdma::{DmaBuf, DmaBufUse, DmaDevice, SgTable};
    /// /// Makes a buffer, and a descriptor of it for the calling process.
    /// fn export(len: usize, dev: DmaDevice<'_>) -> Result<u32> {
    ///     let buffer = SgTable::alloc(len, dev, GFP_KERNEL_ACCOUNT)?.export(DmaBufUse::Turns)?;
    ///     let fd = FileDescriptorReservation::get_unused_fd_flags(flags::O_CLOEXEC)?;
    ///     let number = fd.reserved_fd();
    ///     fd.fd_install(buffer.to_file());
    ///     Ok(number)
    /// }
    /// ```
    pub fn to_file(&self) -> ARef<File> {
        // SAFETY:
        // - By the type invariants the dma-buf has references, which are references to its file.
        //   The value is borrowed, so the file stays meanwhile.
        // - The file of a dma-buf has no position that `fdget_pos()` would lock: `llseek` alone
        //   gives it one.
        unsafe { File::from_raw_file(ffi::sgdma_dma_buf_file(self.as_raw())) }.into()
    }

    /// Gives the CPU access to the bytes: `dma_buf_begin_cpu_access()`, and `dma_buf_vmap()` if
    /// another module has exported the buffer. May sleep, as the drop of the guard may.
    ///
    /// `direction` is that of the devices: with [`FromDevice`](crate::FromDevice) the CPU reads
    /// what devices wrote. The exporter waits for the fences of the dma-buf, to which any process
    /// with a descriptor can add one: the caller holds no lock that others need. The guard does not
    /// keep devices away: what the CPU writes while a device has its turn may be lost.
    ///
    /// # Errors
    ///
    /// - `EBUSY` if the exporter is this library and it is the turn of a device that writes, or the
    ///   turn of any device and `direction` lets the CPU write.
    /// - `ERESTARTSYS` if a signal comes while fences are waited for.
    /// - `EINVAL` if the exporter gives the kernel no access, as
    ///   [`PeerMemory`](crate::PeerMemory) gives none.
    /// - Those of the exporter.
    #[doc(alias = "dma_buf_begin_cpu_access")]
    #[doc(alias = "dma_buf_vmap")]
    pub fn for_cpu<D: Direction>(&self, _direction: D) -> Result<DmaBufForCpu<D>> {
        let mut turn = ffi::sgdma_cpu_turn {
            addr: core::ptr::null_mut(),
            is_io: false,
        };
        // SAFETY: By the type invariants the dma-buf is valid. The direction is not `DMA_NONE`.
        to_result(unsafe {
            ffi::sgdma_dma_buf_begin(self.as_raw(), D::DIRECTION as c_uint, &mut turn)
        })?;
        // INVARIANT: The call above has begun the turn.
        Ok(DmaBufForCpu {
            buf: self.clone(),
            turn,
            _direction: PhantomData,
        })
    }
}

impl SgTable {
    /// Exports the buffer as a dma-buf: `dma_buf_export()`. May sleep.
    ///
    /// The pages belong to the dma-buf from now on. It outlives files and bindings, also the
    /// exporter's: each device attaches to the buffer by [`DmaBuf::attach`]. User space can map the
    /// descriptor, and the exporter's name is `sgdma`. As long as the dma-buf lives, sgdma stays
    /// loaded.
    ///
    /// [`DmaBuf::to_file`] has an example.
    ///
    /// # Errors
    ///
    /// Each error returns the buffer.
    ///
    /// - `EINVAL` if the length is not a multiple of the page size.
    /// - `ENOMEM` if there is no memory, `ENFILE` if there are too many files.
    #[doc(alias = "dma_buf_export")]
    pub fn export(self, use_: DmaBufUse) -> Result<DmaBuf, BufferError<Self>> {
        if self.len() % PAGE_SIZE != 0 {
            return Err(BufferError {
                error: EINVAL,
                buffer: self,
            });
        }
        // INVARIANT: `export()` returns a dma-buf with a reference.
        Ok(DmaBuf(export::export(self, use_)?))
    }
}

impl Clone for DmaBuf {
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants the dma-buf is valid.
        unsafe { ffi::sgdma_dma_buf_ref(self.as_raw()) };
        // INVARIANT: The call above took a reference.
        Self(self.0)
    }
}

impl Drop for DmaBuf {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the dma-buf is valid, and the reference is this value's.
        unsafe { ffi::sgdma_dma_buf_put(self.as_raw()) };
    }
}

/// The CPU's turn at a dma-buf: a guard. A drop ends the turn: `dma_buf_end_cpu_access()`. It may
/// sleep.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaBuf, FromDevice};
/// fn header(buffer: &DmaBuf) -> Result<[u8; 16]> {
///     let mut header = [0; 16];
///     buffer.for_cpu(FromDevice)?.copy_to_slice(0, &mut header)?;
///     Ok(header)
/// }
/// ```
///
/// # Invariants
///
/// `turn` was filled in by `sgdma_dma_buf_begin()` for `buf` and direction `D`, and was not ended.
#[must_use = "the CPU's turn ends when the guard is dropped"]
pub struct DmaBufForCpu<D: Direction> {
    // A reference of its own: the kernel stops if a dma-buf ends whose turn a forgotten guard has.
    buf: DmaBuf,
    turn: ffi::sgdma_cpu_turn,
    _direction: PhantomData<D>,
}

impl<D: Direction> DmaBufForCpu<D> {
    fn check(&self, offset: usize, len: usize) -> Result {
        match offset.checked_add(len) {
            Some(end) if end <= self.buf.len() => Ok(()),
            _ => Err(EINVAL),
        }
    }

    /// Copies bytes from `offset` of the buffer on to all of `dst`. Does not sleep.
    ///
    /// If a device or another CPU writes these bytes at the same time, the copy may have part of
    /// the new bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + dst.len()` lies beyond the end of the buffer.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result
    where
        D: DeviceWrites,
    {
        if let Some(table) = self.buf.table() {
            return table.copy_to_slice(offset, dst);
        }
        self.check(offset, dst.len())?;
        let (to, len) = (dst.as_mut_ptr().cast(), dst.len());
        // SAFETY: By the type invariants the kernel sees the buffer at `turn`. The range lies
        // within it, and `dst` is valid for writing as many bytes.
        unsafe { ffi::sgdma_dma_buf_copy_from(&self.turn, offset, to, len) };
        Ok(())
    }

    /// Copies all of `src` to the buffer, from byte `offset` on. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL`, and nothing is copied, if `offset + src.len()` lies beyond the end of the buffer.
    pub fn copy_from_slice(&mut self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        if let Some(table) = self.buf.table() {
            return table.copy_from_slice_shared(offset, src);
        }
        self.check(offset, src.len())?;
        let (from, len) = (src.as_ptr().cast(), src.len());
        // SAFETY: By the type invariants the kernel sees the buffer at `turn`. The range lies
        // within it, and `src` is valid for reading as many bytes.
        unsafe { ffi::sgdma_dma_buf_copy_to(&self.turn, offset, from, len) };
        Ok(())
    }
}

impl<D: Direction> Drop for DmaBufForCpu<D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the turn was begun so, and was not ended. The value is not
        // used again.
        unsafe {
            ffi::sgdma_dma_buf_end(self.buf.as_raw(), D::DIRECTION as c_uint, &self.turn);
        }
    }
}
