// SPDX-License-Identifier: GPL-2.0

//! The geometry of a frame: lines and pixels, and the pages that a frame takes in a buffer.

use crate::{
    device_page::DEVICE_PAGE,
    list::{
        LIST_ENTRIES,
        MAX_LISTS, //
    },
    uapi, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The size of a pixel in bytes.
pub(crate) const PIXEL: usize = 2;
/// A line's length in bytes is a multiple of this, as for ipu3-cio2.
const LINE_ALIGN: u64 = 64;

/// The format of a stream's frames.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes_per_line: usize,
    pub(crate) layout: Layout,
}

impl Format {
    /// Makes a format. If `bytes_per_line` is zero, the lines are as short as possible.
    pub(crate) fn new(width: u32, height: u32, bytes_per_line: u32, offset: u32) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(EINVAL);
        }
        if width > uapi::SGDMA_CAMERA_MAX_WIDTH || height > uapi::SGDMA_CAMERA_MAX_HEIGHT {
            return Err(ERANGE);
        }
        let least = (u64::from(width) * PIXEL as u64).next_multiple_of(LINE_ALIGN);
        let bytes_per_line = if bytes_per_line == 0 {
            least
        } else {
            bytes_per_line.into()
        };
        if bytes_per_line < least || bytes_per_line % LINE_ALIGN != 0 {
            return Err(EINVAL);
        }
        let size = bytes_per_line * u64::from(height);
        Ok(Self {
            width: width as usize,
            height: height as usize,
            bytes_per_line: bytes_per_line as usize,
            layout: Layout::new(offset as usize, size as usize)?,
        })
    }
}

/// The place of a frame in a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The offset of the frame in the first page.
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Layout {
    /// Makes a layout.
    ///
    /// # Errors
    ///
    /// `E2BIG` if the frame has more pages than the lists have entries for.
    pub(crate) fn new(offset: usize, size: usize) -> Result<Self> {
        let this = Self { offset, size };
        if offset >= DEVICE_PAGE || size == 0 {
            return Err(EINVAL);
        }
        if this.lists() > MAX_LISTS {
            return Err(E2BIG);
        }
        Ok(this)
    }

    pub(crate) fn pages(self) -> usize {
        (self.offset + self.size).div_ceil(DEVICE_PAGE)
    }

    /// Returns the number of entries: one for each page, and one for the dummy page.
    pub(crate) fn entries(self) -> usize {
        self.pages() + 1
    }

    pub(crate) fn lists(self) -> usize {
        self.entries().div_ceil(LIST_ENTRIES)
    }

    /// Returns the number of bytes to allocate: whole pages of the device and of the CPU. So a
    /// segment begins where a page begins, also in a bounce buffer, and user space sees no bytes of
    /// others.
    pub(crate) fn buffer_len(self) -> usize {
        (self.pages() * DEVICE_PAGE).next_multiple_of(PAGE_SIZE)
    }
}
