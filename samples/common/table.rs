// SPDX-License-Identifier: GPL-2.0

//! Tables of bus addresses, by which a device finds the blocks of a buffer.
//!
//! A table is a page of entries, each with the address of a block, or of another table's page. With
//! one level an entry leads to a block; with two levels an entry of the upper level leads to a page
//! of the lower one. The tables are buffers of their own, which the device reads.
//!
//! [`Tables`] is the driver's side, which fills the tables. [`Walk`] is the device's side: `edu`
//! cannot follow tables, so the driver does, by what the device reads.

use super::{
    edu::CHUNK,
    engine::Engine, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};
use sgdma::{
    DmaBlocks,
    DmaDevice,
    InFlight,
    Mapped,
    SgTable,
    ToDevice, //
};
use zerocopy::Immutable;

/// The size of a table's page in bytes, whatever the size of the CPU's pages.
pub(crate) const TABLE_PAGE: usize = 4096;

/// The highest number of levels.
pub(crate) const MAX_LEVELS: usize = 2;

/// The form in which a device's tables hold an address.
pub(crate) trait Entry: Copy + FromBytes + IntoBytes + Immutable {
    /// The highest address that an entry can hold.
    const MAX: DmaAddress;

    /// The number of entries in a table's page.
    const PER_PAGE: usize = TABLE_PAGE / size_of::<Self>();

    fn from_address(addr: DmaAddress) -> Self;

    /// Returns the address, or an error if the entry holds none.
    fn address(self) -> Result<DmaAddress>;
}

/// The addresses of a buffer's blocks, which are equally large, in the order of the buffer's bytes.
pub(crate) trait Blocks {
    /// Returns the next address.
    fn first(&self) -> Option<DmaAddress>;

    /// Writes `encode(addr)` to each of `slots`, until there are no more slots or addresses.
    /// Returns the number of slots written.
    fn fill<T>(&mut self, slots: &mut [T], encode: impl FnMut(DmaAddress) -> T) -> usize;
}

impl Blocks for DmaBlocks<'_> {
    fn first(&self) -> Option<DmaAddress> {
        self.clone().next()
    }

    fn fill<T>(&mut self, slots: &mut [T], encode: impl FnMut(DmaAddress) -> T) -> usize {
        DmaBlocks::fill(self, slots, encode)
    }
}

/// The tables of one buffer, mapped for the device.
pub(crate) struct Tables<'bound> {
    /// The lowest level comes first.
    levels: KVec<InFlight<Mapped<'bound, ToDevice>>>,
    /// The address of the topmost level's page. Without any level: of the buffer's only block.
    root: DmaAddress,
    entry_size: usize,
    decode: fn(&[u8]) -> Result<DmaAddress>,
}

impl<'bound> Tables<'bound> {
    /// Builds `levels` levels of tables for `count` blocks. The topmost level is one page.
    pub(crate) fn build<E: Entry>(
        dma: DmaDevice<'bound>,
        mut blocks: impl Blocks,
        count: usize,
        levels: usize,
    ) -> Result<Self> {
        let mut tables = Self {
            levels: KVec::with_capacity(MAX_LEVELS, GFP_KERNEL_ACCOUNT)?,
            root: blocks.first().ok_or(EINVAL)?,
            entry_size: size_of::<E>(),
            decode: |bytes| E::read_from_bytes(bytes).map_err(|_| EINVAL)?.address(),
        };
        match tables.add_levels::<E>(dma, &mut blocks, count, levels) {
            Ok(()) => Ok(tables),
            Err(error) => {
                tables.complete();
                Err(error)
            }
        }
    }

    fn add_levels<E: Entry>(
        &mut self,
        dma: DmaDevice<'bound>,
        blocks: &mut impl Blocks,
        mut count: usize,
        levels: usize,
    ) -> Result {
        for _ in 0..levels {
            count = count.div_ceil(E::PER_PAGE);
            let mut table = SgTable::alloc(count * TABLE_PAGE, dma, GFP_KERNEL_ACCOUNT)?;
            match self.levels.last() {
                None => fill::<E>(&mut table, blocks)?,
                Some(lower) => fill::<E>(&mut table, &mut lower.dma_blocks(TABLE_PAGE as u64)?)?,
            }
            let table = table.map(dma, ToDevice)?;
            self.root = table.dma_blocks(TABLE_PAGE as u64)?.next().ok_or(EINVAL)?;
            // The vector has room for all levels, so this does not fail and leak the table.
            self.levels.push(table.submit(), GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    pub(crate) fn root(&self) -> DmaAddress {
        self.root
    }

    pub(crate) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Returns the number of pages of all tables, each of `TABLE_PAGE` bytes.
    pub(crate) fn pages(&self) -> usize {
        self.levels
            .iter()
            .map(|table| table.len() / TABLE_PAGE)
            .sum()
    }

    /// Unmaps and frees the tables. The device does not read the tables any more.
    ///
    /// Dropped without this, the tables go into quarantine.
    pub(crate) fn complete(self) {
        for table in self.levels {
            drop(table.complete());
        }
    }
}

/// Fills the pages of `table`, one after the other, with an entry for each of `blocks`.
fn fill<E: Entry>(table: &mut SgTable, blocks: &mut impl Blocks) -> Result {
    let mut page = KVec::from_elem(E::new_zeroed(), E::PER_PAGE, GFP_KERNEL)?;
    // `fill()` takes a function that cannot fail, so the range is checked after the walk.
    let mut highest = 0;
    for at in (0..table.len()).step_by(TABLE_PAGE) {
        let used = blocks.fill(&mut page, |addr| {
            highest = highest.max(addr);
            E::from_address(addr)
        });
        page[used..].fill(E::new_zeroed());
        table.copy_from_slice(at, page.as_bytes())?;
    }
    if highest > E::MAX {
        return Err(ERANGE);
    }
    Ok(())
}

/// A part of a table, as the device has read the part.
#[derive(Default)]
pub(crate) struct Part {
    read: Option<(DmaAddress, KVec<u8>)>,
}

impl Part {
    /// Returns the `len` bytes at `addr`, an entry for example. Has the device read the part that
    /// holds these bytes, unless the device has read that part last time.
    pub(crate) fn fetch(
        &mut self,
        engine: &Engine<'_>,
        addr: DmaAddress,
        len: usize,
    ) -> Result<&[u8]> {
        let at = (addr % CHUNK as DmaAddress) as usize;
        let start = addr - at as DmaAddress;
        if self.read.as_ref().is_none_or(|(of, _)| *of != start) {
            let mut bytes = KVec::from_elem(0u8, CHUNK, GFP_KERNEL)?;
            engine.fetch(start, &mut bytes)?;
            self.read = Some((start, bytes));
        }
        let (_, bytes) = self.read.as_ref().ok_or(EINVAL)?;
        bytes.get(at..at + len).ok_or(EINVAL)
    }
}

/// The device's way through tables: the entry that the device reads decides where the way goes on.
pub(crate) struct Walk<'a, 'bound> {
    engine: &'a Engine<'bound>,
    tables: &'a Tables<'bound>,
    parts: [Part; MAX_LEVELS],
}

impl<'a, 'bound> Walk<'a, 'bound> {
    pub(crate) fn new(engine: &'a Engine<'bound>, tables: &'a Tables<'bound>) -> Self {
        Self {
            engine,
            tables,
            parts: Default::default(),
        }
    }

    /// Returns the address of block `n`, as the device finds that block.
    pub(crate) fn block(&mut self, n: usize) -> Result<DmaAddress> {
        let Tables {
            levels,
            root,
            entry_size,
            decode,
        } = self.tables;
        let per_page = TABLE_PAGE.checked_div(*entry_size).ok_or(EINVAL)?;
        let mut addr = *root;
        for (level, part) in self.parts.iter_mut().enumerate().take(levels.len()).rev() {
            let index = match level {
                0 => n.checked_rem(per_page),
                _ => n.checked_div(per_page),
            }
            .ok_or(EINVAL)?;
            let entry = addr + (index * entry_size) as DmaAddress;
            addr = decode(part.fetch(self.engine, entry, *entry_size)?)?;
        }
        Ok(addr)
    }
}
