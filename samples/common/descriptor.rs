// SPDX-License-Identifier: GPL-2.0

//! Descriptors of dma-bufs, which user space is told of before they exist.

use kernel::{
    fs::{
        file::{
            flags::O_CLOEXEC,
            FileDescriptorReservation, //
        },
        File, //
    },
    prelude::*,
    sync::aref::ARef, //
};
use sgdma::DmaBuf;

/// A descriptor that is reserved for a dma-buf.
pub(crate) struct Descriptor {
    fd: FileDescriptorReservation,
    file: ARef<File>,
}

impl Descriptor {
    /// Reserves a descriptor for `buffer`, and stores its number.
    pub(crate) fn reserve(buffer: &DmaBuf, number: &mut i32) -> Result<Self> {
        let fd = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
        *number = i32::try_from(fd.reserved_fd())?;
        Ok(Self {
            fd,
            file: buffer.to_file(),
        })
    }

    /// Makes the descriptor valid. User space was told the number.
    pub(crate) fn install(self) {
        self.fd.fd_install(self.file);
    }
}
