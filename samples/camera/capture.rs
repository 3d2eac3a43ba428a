// SPDX-License-Identifier: GPL-2.0

//! The device's part: takes a picture, and writes the picture to the pages that the frame table
//! leads to.
//!
//! `edu` has no sensor and cannot follow lists, so the driver does this part in the device's place.
//! Each entry, of the table and of the lists, is what the device reads there by DMA, and the device
//! writes each page of the picture to the address that the entries lead to.

use crate::{
    common::{
        engine::Engine,
        table::Part, //
    },
    device_page::{
        page_address,
        DEVICE_PAGE, //
    },
    format::{
        Format,
        PIXEL, //
    },
    frame_table::Entry,
    list::{
        LIST_ENTRIES,
        MAX_LISTS, //
    },
    CameraData, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// The picture, and the lines of it that the sensor sends.
pub(crate) struct Sensor {
    pub(crate) picture: u32,
    /// The sensor sends the lines whose number is a multiple of this one, and the last line.
    pub(crate) line_step: usize,
    /// The sensor sends one line more than the format has.
    pub(crate) long: bool,
}

/// A frame to capture.
pub(crate) struct Shot {
    /// The address of the frame's entry in the frame table.
    pub(crate) entry: DmaAddress,
    pub(crate) format: Format,
    pub(crate) sequence: u16,
    pub(crate) sensor: Sensor,
}

impl Shot {
    fn size(&self) -> usize {
        self.format.layout.size + usize::from(self.sensor.long) * self.format.bytes_per_line
    }

    /// Returns whether the sensor sends some of these bytes.
    fn sends(&self, at: usize, len: usize) -> bool {
        let line_len = self.format.bytes_per_line;
        let (first, last) = (at / line_len, (at + len - 1) / line_len);
        first.next_multiple_of(self.sensor.line_step) <= last || last + 1 >= self.format.height
    }

    /// Writes the picture, from byte `at` on, to `bytes`.
    fn show(&self, at: usize, bytes: &mut [u8]) {
        let line_len = self.format.bytes_per_line;
        for (at, byte) in (at..).zip(bytes) {
            let (line, within) = (at / line_len, at % line_len);
            let (column, half) = (within / PIXEL, within % PIXEL);
            *byte = if column < self.format.width {
                pixel(self.sensor.picture, line as u32, column as u32).to_le_bytes()[half]
            } else {
                0 // Behind the line's pixels.
            };
        }
    }
}

/// Returns the value of a pixel, as `sgdma_camera_pixel()` does. No two places look alike.
fn pixel(picture: u32, line: u32, column: u32) -> u16 {
    let mix = picture.wrapping_mul(0x9e37_79b1)
        ^ line.wrapping_mul(0x85eb_ca6b)
        ^ column.wrapping_mul(0xc2b2_ae35);
    ((mix ^ (mix >> 15)).wrapping_mul(0x2c1b_3c6d) >> 16) as u16
}

/// The place of a byte of the frame: the byte's page and offset, and the number of bytes from there
/// to the end of the page.
struct Place {
    page: usize,
    offset: usize,
    left: usize,
}

/// The device's way through the lists of a frame.
struct Walk<'a, 'bound> {
    engine: &'a Engine<'bound>,
    entry: Entry,
    part: Part,
}

impl Walk<'_, '_> {
    /// Returns the place of byte `at` of the frame.
    fn place(&self, at: usize) -> Place {
        let room = self.entry.room();
        if at < room {
            let start = self.entry.offset() + at;
            let offset = start % DEVICE_PAGE;
            Place {
                page: start / DEVICE_PAGE,
                offset,
                left: (DEVICE_PAGE - offset).min(room - at),
            }
        } else {
            // The device closes the last page behind the frame, and goes on with the next entry.
            let start = at - room;
            let offset = start % DEVICE_PAGE;
            Place {
                page: self.entry.pages() + start / DEVICE_PAGE,
                offset,
                left: DEVICE_PAGE - offset,
            }
        }
    }

    /// Returns the bus address of the frame's page `n`. The lists have an entry for that page.
    fn page(&mut self, n: usize) -> Result<DmaAddress> {
        let list = self.entry.list(n / LIST_ENTRIES).ok_or(EIO)?;
        let at = n % LIST_ENTRIES * size_of::<u32>();
        let entry = list + at as DmaAddress;
        let number = self.part.fetch(self.engine, entry, size_of::<u32>())?;
        let number = number.try_into().map_err(|_| EIO)?;
        Ok(page_address(u32::from_le_bytes(number)))
    }
}

impl CameraData<'_> {
    /// Makes the device take a picture, and write the picture to the frame's buffer.
    pub(crate) fn capture(&self, shot: &Shot) -> Result {
        let mut entry = [0; Entry::SIZE];
        self.engine.fetch(shot.entry, &mut entry)?;
        let entry = Entry::from_bytes(&entry);
        if !entry.is_valid() {
            return Err(EIO);
        }
        let mut walk = Walk {
            engine: &self.engine,
            entry,
            part: Part::default(),
        };
        let mut bytes = KVec::from_elem(0u8, DEVICE_PAGE, GFP_KERNEL)?;
        let mut at = 0;
        while at < shot.size() {
            let place = walk.place(at);
            if place.page >= MAX_LISTS * LIST_ENTRIES {
                break;
            }
            // The device reads the entries of all pages, also of those that it does not write.
            let addr = walk.page(place.page)? + place.offset as DmaAddress;
            let len = place.left.min(shot.size() - at);
            if shot.sends(at, len) {
                shot.show(at, &mut bytes[..len]);
                self.engine.store(addr, &bytes[..len])?;
            }
            at += len;
        }
        walk.entry.fill(shot.sequence, at);
        self.engine
            .store(shot.entry, &walk.entry.to_bytes()[..Entry::ANSWER])
    }
}
