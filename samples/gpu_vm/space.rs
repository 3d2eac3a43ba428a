// SPDX-License-Identifier: GPL-2.0

//! The objects of the address space that all devices share.
//!
//! An object is a mapping in the domain. The mapping belongs to no device: the device that has made
//! it may be unbound, and the others go on.

use kernel::{
    dma::DmaAddress,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use sgdma::{
    Bidirectional,
    DomainData,
    DomainDevice,
    DomainMapping,
    DomainUse,
    SgTable, //
};

/// A device of the address space.
pub(crate) type SpaceDevice<'bound> = DomainDevice<'bound, Space>;

/// An object that is given to a device.
pub(crate) type Given<'bound> = DomainUse<'bound, Bidirectional>;

struct Object {
    addr: DmaAddress,
    mapping: DomainMapping<Bidirectional>,
}

impl Object {
    /// Returns the offset of `addr`, if the object has `len` bytes from there on.
    fn offset(&self, addr: DmaAddress, len: usize) -> Option<usize> {
        let offset = usize::try_from(addr.checked_sub(self.addr)?).ok()?;
        (len <= self.mapping.len().checked_sub(offset)?).then_some(offset)
    }
}

/// The objects. The library makes the value for the first device, and drops it after the last one.
#[pin_data]
pub(crate) struct Space {
    #[pin]
    objects: Mutex<KVec<Object>>,
}

impl DomainData for Space {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            objects <- new_mutex!(KVec::new()),
        })
    }
}

impl Space {
    /// Makes an object of `size` zeroed bytes at `addr`, or anywhere if that is zero. Returns the
    /// address.
    ///
    /// # Errors
    ///
    /// Those of [`SgTable::map_at`], which checks the address.
    pub(crate) fn create(
        &self,
        dev: SpaceDevice<'_>,
        size: usize,
        addr: DmaAddress,
    ) -> Result<DmaAddress> {
        let table = SgTable::alloc(size, dev, GFP_KERNEL_ACCOUNT)?;
        let (mapping, addr) = if addr == 0 {
            let mapping = table.map_anywhere(dev, Bidirectional)?;
            let addr = mapping.for_device(dev)?.dma_address();
            (mapping, addr)
        } else {
            (table.map_at(dev, addr, Bidirectional)?, addr)
        };
        let mut objects = self.objects.lock();
        objects.push(Object { addr, mapping }, GFP_KERNEL_ACCOUNT)?;
        Ok(addr)
    }

    /// Destroys the object at `addr`. A device that uses the object keeps the memory until it is
    /// done.
    pub(crate) fn destroy(&self, addr: DmaAddress) -> Result {
        let mut objects = self.objects.lock();
        let index = objects.iter().position(|object| object.addr == addr);
        let object = objects.remove(index.ok_or(ENOENT)?);
        drop(objects); // The object is dropped without the lock.
        object.map(drop).map_err(|_| ENOENT)
    }

    /// Calls `work` with the object that has `len` bytes from `addr` on, and with their offset.
    fn find<R>(
        &self,
        addr: DmaAddress,
        len: usize,
        work: impl FnOnce(&DomainMapping<Bidirectional>, usize) -> Result<R>,
    ) -> Result<R> {
        let objects = self.objects.lock();
        let mut found = objects
            .iter()
            .filter_map(|object| Some((object, object.offset(addr, len)?)));
        let (object, offset) = found.next().ok_or(ENOENT)?;
        work(&object.mapping, offset)
    }

    /// Writes by the CPU.
    pub(crate) fn write(&self, addr: DmaAddress, bytes: &[u8]) -> Result {
        self.find(addr, bytes.len(), |mapping, offset| {
            mapping.for_cpu()?.copy_from_slice(offset, bytes)
        })
    }

    /// Reads by the CPU.
    pub(crate) fn read(&self, addr: DmaAddress, bytes: &mut [u8]) -> Result {
        self.find(addr, bytes.len(), |mapping, offset| {
            mapping.for_cpu()?.copy_to_slice(offset, bytes)
        })
    }

    /// Gives `dev` the object that has `len` bytes from `addr` on.
    pub(crate) fn give<'bound>(
        &self,
        dev: SpaceDevice<'bound>,
        addr: DmaAddress,
        len: usize,
    ) -> Result<Given<'bound>> {
        self.find(addr, len, |mapping, _| mapping.for_device(dev))
    }
}
