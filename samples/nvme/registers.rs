// SPDX-License-Identifier: GPL-2.0

//! The controller's registers.
//!
//! The NVMe base specification, chapter 3, is the manual. A register of 64 bits may be accessed as
//! two of 32 bits.

use kernel::{
    device::Bound,
    io::{
        register,
        Io, //
    },
    pci,
    prelude::*, //
};

register! {
    /// Capabilities, the lower half.
    pub(crate) CAP(u32) @ 0x00 {
        /// The longest time that the controller takes to become ready, in units of 500 ms.
        31:24 timeout;
        /// The number of entries of a queue, less one.
        15:0 max_entries;
    }

    /// Capabilities, the upper half.
    pub(crate) CAP_HIGH(u32) @ 0x04 {
        /// The registers of the memory buffer tell of it once they are enabled.
        25:25 memory_buffer => bool;
        /// The smallest page: `4096 << min_page`.
        19:16 min_page;
        /// The controller has the NVM command set.
        5:5 nvm => bool;
        /// The distance between two doorbells: `4 << stride`.
        3:0 stride;
    }

    /// The version of the specification; never zero.
    pub(crate) VS(u32) @ 0x08 {
        31:0 version;
    }

    /// Configuration.
    pub(crate) CC(u32) @ 0x14 {
        /// The size of a completion entry, as a power of two.
        23:20 completion_size;
        /// The size of a submission entry, as a power of two.
        19:16 submission_size;
        /// Not zero: the controller is about to lose its power.
        15:14 shutdown;
        /// The size of a page: `4096 << page`.
        10:7 page;
        0:0 enable => bool;
    }

    /// Status.
    pub(crate) CSTS(u32) @ 0x1c {
        3:2 shutdown;
        /// The controller has failed, and needs a reset.
        1:1 fatal => bool;
        0:0 ready => bool;
    }

    /// The sizes of the admin queue, less one.
    pub(crate) AQA(u32) @ 0x24 {
        27:16 completions;
        11:0 submissions;
    }

    /// The bus addresses of the admin queue.
    pub(crate) ASQ(u32) @ 0x28 {
        31:0 address;
    }
    pub(crate) ASQ_HIGH(u32) @ 0x2c {
        31:0 address;
    }
    pub(crate) ACQ(u32) @ 0x30 {
        31:0 address;
    }
    pub(crate) ACQ_HIGH(u32) @ 0x34 {
        31:0 address;
    }

    /// The place of the memory buffer.
    pub(crate) CMBLOC(u32) @ 0x38 {
        /// In units of `CMBSZ`.
        31:12 offset;
        2:0 bar;
    }

    /// The size of the memory buffer, and what it is for.
    pub(crate) CMBSZ(u32) @ 0x3c {
        31:12 size;
        /// The unit: `4096 << 4 * unit` bytes.
        11:8 unit;
        /// Data may lie there that goes to the disk.
        4:4 writes => bool;
        /// Data may lie there that comes from the disk.
        3:3 reads => bool;
    }

    /// Control of the memory buffer, the lower half.
    pub(crate) CMBMSC(u32) @ 0x50 {
        /// Shows what the memory buffer can do in the two registers above.
        0:0 show => bool;
    }
}

/// The value of [`CSTS`]'s field `shutdown` when the controller may lose its power.
pub(crate) const SHUTDOWN_COMPLETE: u32 = 2;

/// The place of the first doorbell.
const DOORBELLS: usize = 0x1000;

/// The registers that each controller has: those above, and the doorbells of the admin queue.
const REGISTERS: usize = DOORBELLS + 8;

/// The mapped registers.
pub(crate) type Bar<'bound> = pci::Bar<'bound, REGISTERS>;

/// Maps the registers.
pub(crate) fn map<'bound>(pdev: &'bound pci::Device<Bound>) -> Result<Bar<'bound>> {
    pdev.iomap_region_sized::<REGISTERS>(0, c"nvme")
}

/// Returns whether the controller is in its slot. An empty slot reads as ones, or as zeroes.
pub(crate) fn is_present(bar: &Bar<'_>) -> bool {
    let version = bar.read(VS).version().get();
    version != 0 && version != u32::MAX
}

/// The doorbells of a queue: writing one tells the controller how far the driver has come.
#[derive(Clone, Copy)]
pub(crate) struct Doorbells {
    submission: usize,
    completion: usize,
}

impl Doorbells {
    /// Returns those of queue `id` of a controller with this stride.
    pub(crate) fn new(id: u16, stride: u32) -> Self {
        let at = |n: usize| DOORBELLS + (n << (2 + stride));
        let id = usize::from(id);
        Self {
            submission: at(2 * id),
            completion: at(2 * id + 1),
        }
    }

    /// Tells the controller that the entries before `tail` are commands.
    ///
    /// What was written to memory before is visible to the controller first.
    pub(crate) fn submitted(self, bar: &Bar<'_>, tail: u16) -> Result {
        bar.try_write32(tail.into(), self.submission)
    }

    /// Tells the controller that the completions before `head` were read.
    pub(crate) fn completed(self, bar: &Bar<'_>, head: u16) -> Result {
        bar.try_write32(head.into(), self.completion)
    }
}
