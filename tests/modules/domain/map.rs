// SPDX-License-Identifier: GPL-2.0

//! Mapping in a domain: what is refused, and random programs.

use crate::{
    random::Random,
    table::{
        expect,
        leads_to,
        pages,
        scattered, //
    },
    Member, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use sgdma::{
    Bidirectional,
    BufferError,
    DomainMapping,
    FromDevice,
    SegmentLimits,
    SgTable,
    ToDevice, //
};

/// The first address at which the random programs map, and the number of pages there.
const AT: u64 = 0x0500_0000;
const PAGES: usize = 64;

const STEP: u64 = PAGE_SIZE as u64;

/// A window that the platform keeps for MSI.
const WINDOW: u64 = if cfg!(CONFIG_X86) {
    0xfee0_0000
} else {
    0x0800_0000
};

/// A window that the host bridge has for devices.
const BRIDGE: u64 = if cfg!(CONFIG_X86) {
    0xe000_0000
} else {
    0x3000_0000
};

/// Checks that two pages are refused at `addr`, come back, and are not mapped in part.
fn is_refused(dev: Member<'_>, addr: u64, error: Error) -> Result {
    let before = leads_to(dev, addr);
    let table = scattered(dev, 2, addr)?;
    let frames = pages(&table)?;
    match table.map_at(dev, addr, Bidirectional) {
        Ok(_) => expect(false),
        Err(BufferError { error: is, buffer }) => {
            pr_info!("{:#x} is refused: {:?}\n", addr, is);
            expect(is == error)?;
            expect(pages(&buffer)?[..] == frames[..])
        }
    }?;
    expect(leads_to(dev, addr) == before)
}

pub(crate) fn refuse(dev: Member<'_>) -> Result {
    let last = *dev.domain().aperture().end();
    is_refused(dev, 0, EINVAL)?;
    is_refused(dev, AT + 1, EINVAL)?;
    is_refused(dev, AT + dev.domain().granule() / 2, EINVAL)?;
    is_refused(dev, u64::MAX - (STEP - 1), EINVAL)?;
    is_refused(dev, last - (STEP - 1), ERANGE)?;
    is_refused(dev, WINDOW, EPERM)?;
    is_refused(dev, WINDOW - STEP, EPERM)?;
    is_refused(dev, BRIDGE, EPERM)?;

    let there = scattered(dev, 2, 1)?.map_at(dev, AT, ToDevice)?;
    is_refused(dev, AT, EEXIST)?;
    is_refused(dev, AT + STEP, EEXIST)?;
    is_refused(dev, AT - STEP, EEXIST)?;
    let next = scattered(dev, 2, 1)?.map_at(dev, AT + 2 * STEP, ToDevice)?;
    is_refused(dev, AT + STEP, EEXIST)?;
    expect(leads_to(dev, AT - STEP) == 0 && leads_to(dev, AT + 4 * STEP) == 0)?;
    drop(there);
    is_refused(dev, AT + STEP, EEXIST)?;
    drop(next);
    expect(leads_to(dev, AT) == 0 && leads_to(dev, AT + 2 * STEP) == 0)?;

    // The last pages of all.
    let table = scattered(dev, 2, 1)?;
    let frames = pages(&table)?;
    let end = table.map_at(dev, last - (2 * STEP - 1), Bidirectional)?;
    expect(leads_to(dev, last - (STEP - 1)) == frames[1])?;
    expect(pages(&end.unmap()?)?[..] == frames[..])?;

    let odd = SgTable::alloc(PAGE_SIZE - 100, dev, GFP_KERNEL)?;
    expect(odd.map_at(dev, AT, Bidirectional).err().map(Error::from) == Some(EINVAL))?;
    let odd = SgTable::alloc(PAGE_SIZE - 100, dev, GFP_KERNEL)?;
    expect(odd.map_anywhere(dev, Bidirectional).err().map(Error::from) == Some(EINVAL))?;
    let short = SegmentLimits {
        max_size: 512,
        ..SegmentLimits::from(dev)
    };
    let short = SgTable::alloc(PAGE_SIZE, short, GFP_KERNEL)?;
    expect(short.map_at(dev, AT, Bidirectional).err().map(Error::from) == Some(EINVAL))
}

/// The page that the device finds at each place.
struct Model {
    frames: KVec<u64>,
}

impl Model {
    fn set(&mut self, addr: u64, frames: &[u64]) {
        for (i, frame) in frames.iter().enumerate() {
            let page = (addr.wrapping_sub(AT) / STEP) as usize + i;
            if let Some(of_model) = self.frames.get_mut(page) {
                *of_model = *frame;
            }
        }
    }

    fn is_free(&self, page: usize, number: usize) -> bool {
        self.frames[page..page + number]
            .iter()
            .all(|frame| *frame == 0)
    }

    fn check(&self, dev: Member<'_>) -> Result {
        for (i, frame) in self.frames.iter().enumerate() {
            expect(leads_to(dev, AT + i as u64 * STEP) == *frame)?;
        }
        Ok(())
    }
}

/// Maps and unmaps at random, and compares where the IOMMU leads with a model, after each step.
pub(crate) fn random(dev: Member<'_>) -> Result {
    const ROUNDS: usize = 400;
    const SEED: u64 = 7;
    let mut random = Random::new(SEED);
    let mut below = |n: usize| random.below(n as u64) as usize;
    let mut model = Model {
        frames: KVec::from_elem(0, PAGES, GFP_KERNEL)?,
    };
    let mut mapped: KVec<(u64, KVec<u64>, DomainMapping<FromDevice>)> = KVec::new();
    let (mut maps, mut refusals, mut unmaps) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let page = below(PAGES);
        let number = 1 + below((PAGES - page).min(7));
        match below(3) {
            0 if !mapped.is_empty() => {
                let (addr, frames, mapping) = mapped.remove(below(mapped.len()))?;
                let table = mapping.unmap()?;
                expect(pages(&table)?[..] == frames[..])?;
                model.set(addr, &KVec::from_elem(0, frames.len(), GFP_KERNEL)?);
                unmaps += 1;
            }
            _ => {
                let addr = AT + page as u64 * STEP;
                let table = scattered(dev, number, 1)?;
                let frames = pages(&table)?;
                match table.map_at(dev, addr, FromDevice) {
                    Ok(mapping) => {
                        expect(model.is_free(page, number))?;
                        model.set(addr, &frames);
                        mapped.push((addr, frames, mapping), GFP_KERNEL)?;
                        maps += 1;
                    }
                    Err(BufferError { error, buffer }) => {
                        expect(error == EEXIST && !model.is_free(page, number))?;
                        expect(pages(&buffer)?[..] == frames[..])?;
                        refusals += 1;
                    }
                }
            }
        }
        model.check(dev)?;
    }
    pr_info!(
        "seed {}: {} mapped, {} refused, {} unmapped\n",
        SEED,
        maps,
        refusals,
        unmaps
    );
    drop(mapped);
    model.frames = KVec::from_elem(0, PAGES, GFP_KERNEL)?;
    model.check(dev)
}

/// Makes each kind of mapping once, for a program that has each allocation fail.
pub(crate) fn allocate(dev: Member<'_>) -> Result {
    let table = SgTable::alloc(4 * PAGE_SIZE, dev, GFP_KERNEL)?;
    let frames = pages(&table)?;
    let table = match table.map_at(dev, AT, Bidirectional) {
        Ok(mapping) => {
            let given = mapping.for_device(dev)?.submit();
            drop(given.complete());
            mapping.unmap()?
        }
        Err(BufferError { error, buffer }) => {
            expect(pages(&buffer)?[..] == frames[..])?;
            expect(leads_to(dev, AT) == 0 && leads_to(dev, AT + 3 * STEP) == 0)?;
            return Err(error);
        }
    };
    expect(pages(&table)?[..] == frames[..])?;
    drop(table.map_anywhere(dev, Bidirectional)?);
    expect(leads_to(dev, AT) == 0)
}
