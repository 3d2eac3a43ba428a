// SPDX-License-Identifier: GPL-2.0

//! What the device does: takes a picture and writes it where the frame table says.
//!
//! `edu` knows neither, so this is the hardware's part, done in its place: every entry, of the table
//! and of lists, is what the device reads there by DMA, and what it writes goes to the page that it
//! has found so.

use crate::{
    list::{
        page_address,
        Entry,
        DEVICE_PAGE,
        LIST_ENTRIES,
        MAX_LISTS, //
    },
    stream::{
        Format,
        PIXEL, //
    },
    CameraData, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// What there is to see.
pub(crate) struct Sensor {
    pub(crate) picture: u32,
    /// Lines whose number is a multiple of this one are sent, and the last.
    pub(crate) line_step: usize,
    /// A line too many is sent.
    pub(crate) long: bool,
}

/// One frame.
pub(crate) struct Shot {
    /// The address of the frame table's entry for it.
    pub(crate) entry: DmaAddress,
    pub(crate) format: Format,
    pub(crate) sequence: u16,
    pub(crate) sensor: Sensor,
}

impl Shot {
    fn size(&self) -> usize {
        self.format.layout.size + usize::from(self.sensor.long) * self.format.bytes_per_line
    }

    /// Whether some of these bytes are sent.
    fn sends(&self, at: usize, len: usize) -> bool {
        let line_len = self.format.bytes_per_line;
        let (first, last) = (at / line_len, (at + len - 1) / line_len);
        first.next_multiple_of(self.sensor.line_step) <= last || last + 1 >= self.format.height
    }

    /// The picture, from byte `at` on.
    fn show(&self, at: usize, bytes: &mut [u8]) {
        let line_len = self.format.bytes_per_line;
        for (at, byte) in (at..).zip(bytes) {
            let (line, within) = (at / line_len, at % line_len);
            let (column, half) = (within / PIXEL, within % PIXEL);
            *byte = match column < self.format.width {
                true => pixel(self.sensor.picture, line as u32, column as u32).to_le_bytes()[half],
                // Behind the pixels.
                false => 0,
            };
        }
    }
}

/// What the sensor sees at a pixel: `sgdma_camera_pixel()`. No two places look alike.
fn pixel(picture: u32, line: u32, column: u32) -> u16 {
    let mix = picture.wrapping_mul(0x9e37_79b1)
        ^ line.wrapping_mul(0x85eb_ca6b)
        ^ column.wrapping_mul(0xc2b2_ae35);
    ((mix ^ (mix >> 15)).wrapping_mul(0x2c1b_3c6d) >> 16) as u16
}

/// How many entries of a list the device reads at once: half of them.
const BURST: usize = LIST_ENTRIES / 2;
const BURST_SIZE: usize = BURST * size_of::<u32>();

/// The device's way through the lists of a frame.
struct Walk<'a, 'bound> {
    camera: &'a CameraData<'bound>,
    entry: Entry,
    /// The part of a list that was read last, and which.
    read: Option<(usize, KVec<u8>)>,
}

impl Walk<'_, '_> {
    /// Which page a byte of the frame goes to, where in it, and how many more fit there.
    fn place(&self, at: usize) -> (usize, usize, usize) {
        let room = self.entry.room();
        if at < room {
            let start = self.entry.offset() + at;
            let within = start % DEVICE_PAGE;
            let left = (DEVICE_PAGE - within).min(room - at);
            (start / DEVICE_PAGE, within, left)
        } else {
            // The last page is closed behind the frame. It goes on to the next entry.
            let start = at - room;
            let within = start % DEVICE_PAGE;
            let page = self.entry.pages() + start / DEVICE_PAGE;
            (page, within, DEVICE_PAGE - within)
        }
    }

    /// The bus address of the frame's page `n`, of which there is an entry.
    fn page(&mut self, n: usize) -> Result<DmaAddress> {
        let burst = n / BURST;
        if self.read.as_ref().is_none_or(|(which, _)| *which != burst) {
            let list = self.entry.list(n / LIST_ENTRIES).ok_or(EIO)?;
            let at = n % LIST_ENTRIES / BURST * BURST_SIZE;
            let mut entries = KVec::from_elem(0u8, BURST_SIZE, GFP_KERNEL)?;
            self.camera.fetch(list + at as DmaAddress, &mut entries)?;
            self.read = Some((burst, entries));
        }
        let (_, entries) = self.read.as_ref().ok_or(EIO)?;
        let at = n % BURST * size_of::<u32>();
        let number = entries[at..at + size_of::<u32>()]
            .try_into()
            .map_err(|_| EIO)?;
        Ok(page_address(u32::from_le_bytes(number)))
    }
}

impl<'bound> CameraData<'bound> {
    /// Has the device take a picture and write it.
    pub(crate) fn capture(&self, shot: &Shot) -> Result {
        let mut entry = [0; Entry::SIZE];
        self.fetch(shot.entry, &mut entry)?;
        let entry = Entry::from_bytes(&entry);
        if !entry.is_valid() {
            return Err(EIO);
        }
        let mut walk = Walk {
            camera: self,
            entry,
            read: None,
        };
        let mut bytes = KVec::from_elem(0u8, DEVICE_PAGE, GFP_KERNEL)?;
        let mut at = 0;
        while at < shot.size() {
            let (page, within, left) = walk.place(at);
            if page >= MAX_LISTS * LIST_ENTRIES {
                break;
            }
            // It reads the entries of all pages, whatever it has to write there.
            let addr = walk.page(page)? + within as DmaAddress;
            let part = left.min(shot.size() - at);
            if shot.sends(at, part) {
                shot.show(at, &mut bytes[..part]);
                self.store(addr, &bytes[..part])?;
            }
            at += part;
        }
        walk.entry.fill(shot.sequence, at);
        self.store(shot.entry, &walk.entry.to_bytes()[..Entry::ANSWER])
    }

    fn fetch(&self, addr: DmaAddress, bytes: &mut [u8]) -> Result {
        let dma = self.sharing.dma();
        self.engine.fetch(dma, addr, bytes)
    }

    fn store(&self, addr: DmaAddress, bytes: &[u8]) -> Result {
        let dma = self.sharing.dma();
        self.engine.store(dma, addr, bytes)
    }
}
