// SPDX-License-Identifier: GPL-2.0

//! Devices that use what is in their domain, and what is in another one.

use crate::{
    table::{
        expect,
        leads_to,
        scattered,
        word, //
    },
    Data, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full, //
    }, //
};
use sgdma::{
    Bidirectional,
    DomainMapping,
    DomainUse,
    FromDevice,
    InFlight, //
};

/// The address of the mapping that all devices know. Host bridges have no window there.
const AT: u64 = 0x0600_0000;
const SCATTERED_AT: u64 = 0x0400_0000;
const PAGES: usize = 8;

/// The longest transfer of `edu`.
const CHUNK: usize = 2048;

/// A mapping that any device may be given: a box, or null.
static PUBLISHED: Atomic<*mut DomainMapping<Bidirectional>> = Atomic::new(core::ptr::null_mut());

fn exchange(
    new: Option<KBox<DomainMapping<Bidirectional>>>,
) -> Option<KBox<DomainMapping<Bidirectional>>> {
    let new = new.map_or(core::ptr::null_mut(), KBox::into_raw);
    let old = PUBLISHED.xchg(new, Full);
    // SAFETY: What is not null there is a box that was given up, and the exchange took it.
    (!old.is_null()).then(|| unsafe { KBox::from_raw(old) })
}

/// Drops the mapping.
pub(crate) fn retire() -> Result {
    exchange(None).map(drop).ok_or(ENOENT)
}

fn check(
    mapping: &DomainMapping<impl sgdma::Direction>,
    seed: u64,
    range: core::ops::Range<usize>,
) -> Result {
    let cpu = mapping.for_cpu()?;
    for at in range.step_by(8) {
        let mut is = [0; 8];
        cpu.copy_to_slice(at, &mut is)?;
        expect(is == word(seed, at))?;
    }
    Ok(())
}

impl<'bound> Data<'bound> {
    /// Makes the device copy scattered pages from one range to another, by transfers across pages.
    pub(crate) fn copy_scattered(&self) -> Result {
        let table = scattered(self.dma, PAGES, 3)?;
        let segments = table.cpu().orig_nents();
        expect(segments > 2)?;
        let from = table.map_at(self.dma, SCATTERED_AT, sgdma::ToDevice)?;
        let to = scattered(self.dma, PAGES, 4)?.map_anywhere(self.dma, FromDevice)?;
        let source = from.for_device(self.dma)?.submit();
        let dest = to.for_device(self.dma)?.submit();
        expect(source.dma_address() == SCATTERED_AT && source.dma_runs().count() == 1)?;
        expect(source.dma_pages().count() == PAGES)?;

        let (mut at, len) = (0, source.len());
        while at < len {
            // The first transfer is short, so that of the others some cross the end of a page.
            let part = if at == 0 {
                CHUNK / 2
            } else {
                CHUNK.min(len - at)
            };
            let result = self.engine.copy(
                source.dma_address() + at as u64,
                dest.dma_address() + at as u64,
                part,
            );
            result?; // On an error both go into quarantine.
            at += part;
        }
        drop((source.complete(), dest.complete()));
        check(&to, 3, 0..len)?;
        pr_info!(
            "copied {} bytes of {} segments at one range\n",
            len,
            segments
        );
        expect(from.unmap()?.cpu().orig_nents() == segments)
    }

    /// Checks who may use a mapping at the same time.
    pub(crate) fn take_turns(&self) -> Result {
        let mapping = scattered(self.dma, 1, 5)?.map_anywhere(self.dma, Bidirectional)?;
        let given = mapping.for_device(self.dma)?;
        let second = mapping.for_device(self.dma).err();
        let cpu = mapping.for_cpu().err();
        let expected = (!self.dma.domain().is_coherent()).then_some(EBUSY);
        pr_info!("a second use: {:?}, the CPU: {:?}\n", second, cpu);
        expect(second == expected && cpu == expected)?;
        let mapping = match mapping.unmap() {
            Ok(_) => return expect(false),
            Err(failed) => {
                expect(failed.error == EBUSY)?;
                failed.buffer
            }
        };
        drop(given);
        let cpu = mapping.for_cpu()?;
        let given = mapping.for_device(self.dma);
        expect(given.as_ref().err() == expected.as_ref())?;
        drop((cpu, given));
        check(&mapping, 5, 0..PAGE_SIZE)?;
        mapping.unmap().map(drop).map_err(Error::from)
    }

    /// Makes a mapping that the other devices are given, too.
    pub(crate) fn publish(&self) -> Result {
        let mapping = scattered(self.dma, 2, 6)?.map_at(self.dma, AT, Bidirectional)?;
        drop(exchange(Some(KBox::new(mapping, GFP_KERNEL)?)));
        Ok(())
    }

    /// Makes this device copy the first page of that mapping to its second one.
    ///
    /// Fails with `EXDEV` if the mapping is in another domain.
    pub(crate) fn use_published(&self) -> Result {
        let published = exchange(None).ok_or(ENOENT)?;
        let result = self.copy_page(&published);
        drop(exchange(Some(published)));
        result
    }

    fn copy_page(&self, mapping: &DomainMapping<Bidirectional>) -> Result {
        let mut first = [0];
        mapping.for_cpu()?.copy_to_slice(0, &mut first)?;
        // Other bytes than those that the second page has from the last time.
        let seed = 100 + u64::from(first[0]);
        {
            let cpu = mapping.for_cpu()?;
            for at in (0..PAGE_SIZE).step_by(8) {
                cpu.copy_from_slice(at, &word(seed, at))?;
            }
        }
        let given: InFlight<DomainUse<'_, _>> = mapping.for_device(self.dma)?.submit();
        let addr = given.dma_address();
        self.engine
            .copy_all(addr, addr + PAGE_SIZE as u64, PAGE_SIZE)?;
        drop(given.complete());
        let cpu = mapping.for_cpu()?;
        for at in (0..PAGE_SIZE).step_by(8) {
            let mut is = [0; 8];
            cpu.copy_to_slice(PAGE_SIZE + at, &mut is)?;
            expect(is == word(seed, at))?;
        }
        Ok(())
    }

    /// Makes this device read where another domain has the mapping. The IOMMU stops the read.
    pub(crate) fn trespass(&self) -> Result {
        expect(leads_to(self.dma, AT) == 0)?;
        let mine = scattered(self.dma, 1, 9)?.map_anywhere(self.dma, Bidirectional)?;
        let given = mine.for_device(self.dma)?.submit();
        self.engine.copy(AT, given.dma_address(), CHUNK)?;
        drop(given.complete());
        let published = exchange(None).ok_or(ENOENT)?;
        let (mut is, mut other) = ([0; 8], [0; 8]);
        let read = mine
            .for_cpu()?
            .copy_to_slice(0, &mut is)
            .and_then(|()| published.for_cpu()?.copy_to_slice(0, &mut other));
        drop(exchange(Some(published)));
        read?;
        expect(is != other)
    }

    /// Drops a mapping that is in flight, and keeps the mapping.
    pub(crate) fn drop_in_flight(&self) -> Result {
        let mapping = scattered(self.dma, 2, 8)?.map_at(self.dma, AT + 0x10_0000, Bidirectional)?;
        drop(mapping.for_device(self.dma)?.submit());
        let mapping = match mapping.unmap() {
            Ok(_) => return expect(false),
            Err(failed) => failed.buffer,
        };
        *self.held.lock() = Some(mapping);
        Ok(())
    }

    /// States that the device was reset, after which the mapping is free.
    pub(crate) fn reset(&self) -> Result {
        self.dma.begin_reset().done();
        let mapping = self.held.lock().take().ok_or(ENOENT)?;
        mapping.unmap().map(drop).map_err(Error::from)
    }
}
