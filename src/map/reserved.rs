// SPDX-License-Identifier: GPL-2.0

//! A reserved range with what is linked in it, as its [`Iova`](crate::Iova) and the quarantine have
//! it.

use crate::{
    base::gfp::Gfp,
    device::{
        dma_device::DmaDevice,
        route::DmaRoute, //
    },
    ffi,
    lifecycle::quarantine::{
        Hold,
        Place, //
    },
    map::space::Space,
    table::{
        owned_pages::OwnedPages,
        sg_table::SgTable, //
    },
    walk::{
        dma::DmaTable,
        extents::{
            index_of,
            joined,
            place_of,
            Extent,
            Linked,
            Misfit, //
        },
        run::{
            Coalesce,
            Run, //
        }, //
    }, //
};
use kernel::{
    alloc::Flags,
    bindings,
    dma::DmaAddress,
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The attribute of addresses that are no memory.
const MMIO: c_ulong = bindings::DMA_ATTR_MMIO as c_ulong;

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Unaligned => EINVAL,
            Misfit::Beyond => ERANGE,
            Misfit::Overlap => EEXIST,
        }
    }
}

/// A link: a part of a range, and what is there.
///
/// # Invariants
///
/// It is linked in the space of the [`Reserved`] that has it. Without one, `what` is mapped.
struct Link<P> {
    extent: Extent,
    what: What<P>,
}

/// A table, or registers.
enum What<P> {
    /// A table. Its list has the bus addresses. Without a space, its parts say how it is unmapped.
    Table(SgTable<P>),
    /// Addresses that are no memory: the first one, and its bus address.
    Mmio { phys: u64, addr: DmaAddress },
}

impl<P> Linked for Link<P> {
    fn extent(&self) -> Extent {
        self.extent
    }
}

/// Returns the device's view of a table that is linked.
pub(super) fn dma_table<P>(table: &SgTable<P>) -> &DmaTable {
    // SAFETY:
    // - Linking has set the bus addresses of the list.
    // - Unlinking the table takes it by value or exclusively, and the reference borrows it.
    unsafe { DmaTable::from_raw(table.sgt()) }
}

impl<P> Link<P> {
    /// Returns the attributes that it is linked with.
    fn attrs(&self) -> c_ulong {
        match self.what {
            What::Table(_) => 0,
            What::Mmio { .. } => MMIO,
        }
    }

    /// Unmaps what is linked in a range without a space.
    ///
    /// # Safety
    ///
    /// - It is mapped for `dev` in `direction`, and is unmapped nowhere else.
    /// - `dev` is bound, and does not access the bytes. It has stayed bound since they were mapped,
    ///   or they are mapped as they were.
    unsafe fn unmap(&mut self, dev: *mut bindings::device, direction: ffi::dma_data_direction) {
        match &mut self.what {
            // SAFETY: The caller promises all of it.
            What::Table(table) => unsafe { table.parts_mut().unmap_once() },
            // SAFETY: `link_mmio()` has mapped the bytes. The caller promises the rest.
            What::Mmio { addr, .. } => unsafe {
                ffi::sgdma_unmap_mmio(dev, *addr, self.extent.len(), direction)
            },
        }
    }

    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let (table, mmio) = match &self.what {
            What::Table(table) => (Some(dma_table(table).dma_segments()), None),
            What::Mmio { addr, .. } => {
                let len = self.extent.len() as u64;
                (None, Some(Run { addr: *addr, len }))
            }
        };
        Iterator::chain(table.into_iter().flatten(), mmio)
    }
}

/// A range with what is linked in it: all of an [`Iova`](crate::Iova) that outlives the binding.
///
/// # Invariants
///
/// - `route` and `domain` were those of `dev` when the range was reserved.
/// - `space`, if there is one, is reserved for `dev` in direction `direction`.
/// - `links` are in order of their extents, which do not overlap and lie in the range.
/// - All that was linked and not synchronised lies in `unsynced`.
/// - The range counts, and so do the bytes that are linked (`sgdma_count_ranges()`).
pub(super) struct Reserved<P> {
    dev: *mut bindings::device,
    route: DmaRoute,
    domain: *mut bindings::iommu_domain,
    direction: ffi::dma_data_direction,
    len: usize,
    space: Option<Space>,
    links: KVec<Link<P>>,
    unsynced: Extent,
}

/// A place in a quarantine, for a range in which tables of an owner `P` are linked.
pub struct RangePlace<P>(pub(super) Place<Reserved<P>>);

impl<P> RangePlace<P> {
    pub(super) fn new(gfp: Flags) -> Result<Self> {
        Ok(Self(Place::new(gfp.into())?))
    }
}

impl RangePlace<OwnedPages> {
    pub(super) fn new_ours(gfp: Flags) -> Result<Self> {
        Ok(Self(Place::new_ours(gfp.into())?))
    }
}

// SAFETY: Any task may use the device and the domain. The rest is `Send` if the owners are.
unsafe impl<P: Send> Send for Reserved<P> {}
// SAFETY: A shared reference only permits reading.
unsafe impl<P: Sync> Sync for Reserved<P> {}

impl<P> Reserved<P> {
    /// Reserves `len` bytes for `dev`, and counts the range.
    pub(super) fn new(
        dev: DmaDevice<'_>,
        len: usize,
        direction: ffi::dma_data_direction,
    ) -> Result<Self> {
        let space = Space::reserve(dev, len, direction)?;
        if let Some(quarantine) = dev.quarantine() {
            quarantine.count_ranges(1);
        }
        // INVARIANT: `space` was just reserved. Nothing is linked. The range counts from here on.
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(1, 0) };
        Ok(Self {
            dev: dev.as_raw(),
            route: dev.route(),
            // SAFETY: The device is valid and bound: `dev` borrows it.
            domain: unsafe { ffi::sgdma_iommu_get_domain_for_dev(dev.as_raw()) },
            direction,
            len,
            space,
            links: KVec::new(),
            unsynced: Extent::default(),
        })
    }

    /// Returns the length of the range in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the space of which the range consists, if it is one run.
    pub(super) fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    /// Returns the space, to link in it.
    pub(super) fn space_mut(&mut self) -> Option<&mut Space> {
        self.space.as_mut()
    }

    /// Returns the runs of all that is linked, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        Coalesce::new(self.links.iter().flat_map(Link::runs))
    }

    /// Returns the table that is linked from `offset` on.
    pub(super) fn table(&self, offset: usize) -> Option<&SgTable<P>> {
        match &self.links[index_of(&self.links, offset)?].what {
            What::Table(table) => Some(table),
            What::Mmio { .. } => None,
        }
    }

    /// Finds the place of `len` bytes at `offset`, and makes room for a link.
    ///
    /// Returns the link's index and its extent.
    pub(super) fn make_room(
        &mut self,
        offset: usize,
        len: usize,
        gfp: Gfp,
    ) -> Result<(usize, Extent)> {
        let place = place_of(&self.links, self.len, PAGE_SIZE, offset, len)?;
        self.links.reserve(1, gfp.for_rust())?;
        Ok(place)
    }

    /// Adds a link for a table, which was linked or mapped at the place that
    /// [`make_room`](Self::make_room) has found.
    pub(super) fn add_table(&mut self, place: (usize, Extent), table: SgTable<P>) {
        self.add(place, What::Table(table));
    }

    fn add(&mut self, (at, extent): (usize, Extent), what: What<P>) {
        // INVARIANT: `make_room()` has found the index that keeps the order. The bytes count.
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(0, extent.len() as isize) };
        self.unsynced.stretch_over(extent);
        let added = self.links.insert_within_capacity(at, Link { extent, what });
        debug_assert!(added.is_ok());
        // There is room. Otherwise the link would have to stay, as nobody would unlink it.
        core::mem::forget(added);
    }

    /// Unlinks the table at `offset`, and returns it.
    ///
    /// # Safety
    ///
    /// The device is bound, and does not access the table.
    pub(super) unsafe fn unlink_table(&mut self, offset: usize) -> Option<SgTable<P>> {
        let at = index_of(&self.links, offset)?;
        // SAFETY: The caller promises the device.
        match unsafe { self.unlink(at, 0) }? {
            What::Table(table) => Some(table),
            What::Mmio { .. } => None,
        }
    }

    /// Unlinks the registers at `offset`.
    ///
    /// # Safety
    ///
    /// The device is bound, and does not access them.
    pub(super) unsafe fn unlink_mmio(&mut self, offset: usize) -> Option<()> {
        let at = index_of(&self.links, offset)?;
        // SAFETY: The caller promises the device.
        unsafe { self.unlink(at, MMIO) }.map(drop)
    }

    /// Unlinks or unmaps link `at`, if it was linked with `attrs`.
    ///
    /// # Safety
    ///
    /// The device is bound, and does not access what is linked.
    unsafe fn unlink(&mut self, at: usize, attrs: c_ulong) -> Option<What<P>> {
        if self.links[at].attrs() != attrs {
            return None;
        }
        let mut link = self.links.remove(at).ok()?;
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(0, -(link.extent.len() as isize)) };
        match &mut self.space {
            // SAFETY: By the invariants of `Link` all of the extent is linked, with these
            // attributes. It was taken out of the range. The caller promises the rest.
            Some(space) => unsafe { space.unlink(link.extent, attrs) },
            // SAFETY: Without a space, the link is mapped for this device. It was taken out of the
            // range, so it is unmapped once. The caller promises the rest.
            None => unsafe { link.unmap(self.dev, self.direction) },
        }
        Some(link.what)
    }

    /// Links what is no memory: see [`Iova::link_mmio`](crate::Iova::link_mmio).
    ///
    /// # Safety
    ///
    /// Those of [`Iova::link_mmio`](crate::Iova::link_mmio). The device is bound.
    pub(super) unsafe fn link_mmio(
        &mut self,
        offset: usize,
        phys: u64,
        len: usize,
        gfp: Gfp,
    ) -> Result {
        if (phys as usize | len) % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        let place = self.make_room(offset, len, gfp)?;
        let addr = match &mut self.space {
            Some(space) => {
                // SAFETY: All three are multiples of a page. `make_room()` has found that the pages
                // are free and lie in the range. The caller promises the rest.
                unsafe { space.link(offset, phys, len, MMIO) }?;
                space.addr() + offset as u64
            }
            None => {
                // SAFETY: The device is valid, with a mask by the invariants of `DmaFacts`. The
                // first call rules out that the second one warns. The caller promises the rest.
                let addr = unsafe {
                    if !ffi::sgdma_can_send(self.dev, phys, len) {
                        return Err(EIO);
                    }
                    ffi::sgdma_map_mmio(self.dev, phys, len, self.direction)
                };
                if addr == DmaAddress::MAX {
                    return Err(EIO);
                }
                addr
            }
        };
        self.add(place, What::Mmio { phys, addr });
        Ok(())
    }

    /// Lets the device see all that was linked since the last call.
    ///
    /// # Safety
    ///
    /// The device is bound.
    pub(super) unsafe fn sync(&mut self) -> Result {
        if let Some(space) = &mut self.space {
            if !self.unsynced.is_empty() {
                // SAFETY: By the type invariants the extent lies in the range.
                unsafe { space.sync(self.unsynced) }?;
            }
        }
        // INVARIANT: All is synchronised.
        self.unsynced = Extent::default();
        Ok(())
    }

    /// Returns the number of bytes that are linked.
    pub(super) fn linked_bytes(&self) -> usize {
        self.links.iter().map(|link| link.extent.len()).sum()
    }

    /// Unlinks all, and frees the range and what was linked in it.
    ///
    /// # Safety
    ///
    /// The device is bound, and does not access the range. It has stayed bound since the range was
    /// reserved, or all is linked as it was.
    pub(super) unsafe fn end(mut self) {
        // SAFETY: The function changes counters.
        unsafe { ffi::sgdma_count_ranges(-1, -(self.linked_bytes() as isize)) };
        match self.space.take() {
            // SAFETY: The caller promises the device. The links are those of this space.
            Some(space) => unsafe { self.end_space(space) },
            None => {
                for link in &mut self.links {
                    // SAFETY: Without a space, the link is mapped for this device. This is the end
                    // of it, so it is unmapped once. The caller promises the rest.
                    unsafe { link.unmap(self.dev, self.direction) };
                }
            }
        }
    }

    /// Unlinks all that is linked in `space`, which this range had, and frees the space.
    ///
    /// # Safety
    ///
    /// Those of [`end`](Self::end).
    unsafe fn end_space(&self, mut space: Space) {
        let kind = |attrs| {
            let links = self.links.iter().filter(move |link| link.attrs() == attrs);
            joined(links.map(|link| link.extent))
        };
        if kind(0).next().is_some_and(|run| space.is_all(run)) {
            // SAFETY: All of the range is linked, and all is memory. The caller promises the rest.
            return unsafe { space.destroy() };
        }
        for attrs in [0, MMIO] {
            for run in kind(attrs) {
                // SAFETY: By the invariants of `Link` all of the run is linked, with these
                // attributes. Each link is in one run. The caller promises the rest.
                unsafe { space.unlink(run, attrs) };
            }
        }
        // SAFETY: Nothing is linked any more. The caller promises the rest.
        unsafe { space.free() };
    }
}

impl<P: Send + 'static> Hold for Reserved<P> {
    fn is_where_it_was(&self) -> bool {
        // SAFETY: The device is valid: the quarantine, or the binding, holds a reference to the
        // device as long as it holds this value.
        let (route, domain) = unsafe {
            (
                DmaRoute::of(self.dev),
                ffi::sgdma_iommu_get_domain_for_dev(self.dev),
            )
        };
        match (self.route, route) {
            (DmaRoute::Direct, DmaRoute::Direct) => true,
            // The device may have got another domain, even at the same address in memory. So what
            // is linked must still be there. If nothing is, nobody can tell.
            (DmaRoute::Iommu, DmaRoute::Iommu) if domain == self.domain => {
                !self.links.is_empty()
                    && self.links.iter().all(|link| match &link.what {
                        // SAFETY: `domain` is valid, as it is now the domain of a device that is
                        // bound. Linking has set the DMA fields.
                        What::Table(table) => unsafe { table.parts().is_mapped_in(domain) },
                        // SAFETY: As above.
                        What::Mmio { phys, addr } => unsafe {
                            ffi::sgdma_iommu_iova_to_phys(domain, *addr) == *phys
                        },
                    })
            }
            _ => false,
        }
    }

    unsafe fn release(self) {
        // SAFETY: The requirements are the same.
        unsafe { self.end() };
    }
}
