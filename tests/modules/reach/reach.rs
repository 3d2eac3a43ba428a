// SPDX-License-Identifier: GPL-2.0

//! Makes tables for a device that does not reach all memory, and prints where their pages are and
//! whether the device finds their bytes: one line for each mask and kind of table. The device has
//! DMA masks of several widths, or a bus with ranges, and is mapped directly.

#[path = "../../../samples/common/mod.rs"]
mod common;

use common::edu;
use kernel::{
    bindings,
    device::{
        Bound,
        Core,
        Device, //
    },
    ffi::c_int,
    fmt,
    pci,
    prelude::*,
    sync::Arc, //
};
use sgdma::{
    Bidirectional,
    DmaDevice,
    DmaFacts,
    MapAttrs,
    Mapped,
    SegmentLimits,
    SgTable,
    Unbinding, //
};

// Of bus.c. Only pointers to these structures are passed.
#[allow(improper_ctypes)]
extern "C" {
    fn sgdma_reach_byte_at(dev: *mut bindings::device, addr: bindings::dma_addr_t) -> c_int;
    fn sgdma_reach_in_place(
        dev: *mut bindings::device,
        addr: bindings::dma_addr_t,
        page: *mut bindings::page,
        offset: usize,
    ) -> bool;
}

sgdma::pci_device_table!(PCI_TABLE, (), [(edu::MATCH, ())]);

/// Of a table, in bytes.
const LEN: usize = 1 << 20;

fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent.
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// No piece begins or ends inside of one.
const SECTOR: usize = 4096;

/// Returns the byte at `at` of a table.
fn pattern(table: usize, at: usize) -> u8 {
    (table * 89 + at / SECTOR * 7 + at % SECTOR + 1) as u8
}

#[derive(Default)]
struct Seen {
    tables: usize,
    refused: usize,
    segments: usize,
    pieces: usize,
    in_place: usize,
    wrong: usize,
}

impl Seen {
    /// Maps a table, and looks at both ends of each piece as the device would.
    fn look<'bound>(
        &mut self,
        dma: DmaDevice<'bound>,
        mut table: SgTable,
    ) -> Result<Option<Mapped<'bound, Bidirectional>>> {
        let number = self.tables;
        // Where pieces begin and end.
        for at in (0..LEN).step_by(SECTOR) {
            let ends = [at, at + SECTOR - 1];
            for at in ends {
                table.copy_from_slice(at, &[pattern(number, at)])?;
            }
        }
        self.tables += 1;
        let Ok(mapped) = table.map_attrs(dma, Bidirectional, MapAttrs::NO_WARN) else {
            self.refused += 1;
            return Ok(None);
        };
        self.segments += mapped.nents();
        let dev = as_raw(dma.device());
        let mut at = 0;
        for piece in mapped.lockstep() {
            let mut in_place = true;
            for i in [0, piece.len - 1] {
                let (addr, offset) = (piece.dma_address + i as u64, piece.offset + i);
                // SAFETY: The device is valid; of the page only the address is asked.
                let (seen, own) = unsafe {
                    (
                        sgdma_reach_byte_at(dev, addr),
                        sgdma_reach_in_place(dev, addr, piece.page.as_ptr(), offset),
                    )
                };
                self.wrong += usize::from(seen != c_int::from(pattern(number, at + i)));
                in_place &= own;
            }
            self.pieces += 1;
            self.in_place += usize::from(in_place);
            at += piece.len;
        }
        Ok(Some(mapped))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tables, {} segments, {} of {} pieces in place, {} wrong, {} refused",
            self.tables, self.segments, self.in_place, self.pieces, self.wrong, self.refused
        )
    }
}

/// Makes `count` tables that are there at the same time.
fn look_at(dma: DmaDevice<'_>, count: usize, make: impl Fn() -> Result<SgTable>) -> Result<Seen> {
    let mut seen = Seen::default();
    let (mut mapped, mut refused) = (KVec::new(), KVec::new());
    for _ in 0..count {
        let table = match make() {
            Ok(table) => table,
            // There is none that it reaches, and it cannot bounce.
            Err(ENOMEM) => {
                seen.refused += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        match seen.look(dma, table)? {
            Some(table) => mapped.push(table, GFP_KERNEL)?,
            None => refused.push((), GFP_KERNEL)?,
        }
    }
    Ok(seen)
}

struct Reach;

impl pci::Driver for Reach {
    type IdInfo = ();
    type Data<'bound> = ();

    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: sgdma::pci::ProbeInfo<'bound, ()>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        let dev: &Device<Bound> = pdev.as_ref();
        let tables = usize::from(sgdma::parameter(&module_parameters::tables));
        let unbinding = KBox::new(Arc::pin_init(Unbinding::new(), GFP_KERNEL)?, GFP_KERNEL)?;
        for bits in [30, 32, 64] {
            // SAFETY: The device is bound to us, and nothing is mapped for it any more.
            if unsafe { bindings::dma_set_mask_and_coherent(as_raw(dev), u64::MAX >> (64 - bits)) }
                != 0
            {
                dev_info!(dev, "mask of {} bits: not on this machine\n", bits);
                continue;
            }
            // SAFETY: Set just now; it is not used when the next mask is set.
            let facts = unsafe { DmaFacts::from_bound(dev, &unbinding) };
            let dma = facts.dma();
            // There is little memory for so few bits.
            let count = if bits < 32 { 4 } else { tables };
            let seen = look_at(dma, count, || SgTable::alloc(LEN, dma, GFP_KERNEL))?;
            dev_info!(dev, "mask of {} bits: {}\n", bits, seen);
            let seen = look_at(dma, count, || {
                SgTable::alloc_blocks(LEN, 6, dma, GFP_KERNEL)
            })?;
            dev_info!(dev, "mask of {} bits, blocks: {}\n", bits, seen);
            // With limits, so that they fit, but made from any memory and across all borders.
            let any = SegmentLimits {
                max_size: dma.max_seg_size(),
                boundary: dma.seg_boundary(),
                ..SegmentLimits::NONE
            };
            let seen = look_at(dma, count, || {
                SgTable::alloc_blocks(LEN, 6, any, GFP_KERNEL)
            })?;
            dev_info!(dev, "mask of {} bits, made for none: {}\n", bits, seen);
        }
        // It has nothing to do here any more.
        Err::<(), _>(ENODEV)
    }
}

kernel::module_pci_driver! {
    type: Reach,
    name: "sgdma_reach",
    authors: ["sgdma developers"],
    description: "Shows where tables come from that are made for a device of little reach",
    license: "GPL",
    params: {
        tables: u16 {
            default: 8,
            description: "How many tables of a mebibyte there are at once",
        },
    },
}
