// SPDX-License-Identifier: GPL-2.0

//! Sharing: a buffer that the CPU and a coherent device use at the same time.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

use crate::{
    attrs::Attrs,
    coherency::CoherentDevice,
    device::{
        DmaDevice,
        Path, //
    },
    direction::{
        DeviceReads,
        Direction, //
    },
    ffi,
    mapping::{
        private,
        InFlight,
        Mapped,
        Mapping, //
    },
    owner::PageOwner,
    pages::OwnedPages,
    refused::Refused,
    table::SgTable, //
};
use core::ops::Deref;
use kernel::{
    prelude::*,
    str::CStrExt, //
};

/// Pages that are used through their table alone: the table's own, and those of a [`PageOwner`].
///
/// Those of a [`UserTable`](crate::UserTable) are not, for user space uses them too, and may be
/// allowed only to read.
///
/// ```
/// # use sgdma::{ByteBuffer, Exclusive, OwnedPages};
/// fn is<P: Exclusive>() {}
/// is::<OwnedPages>();
/// is::<ByteBuffer>();
/// ```
pub trait Exclusive: sealed::Exclusive + Send + 'static {}

mod sealed {
    use crate::attrs::Attrs;

    pub trait Exclusive {
        /// How pages of this kind are mapped: whole, if nobody has a use for their other bytes.
        const PAGES: Attrs;
    }
}

impl Exclusive for OwnedPages {}
impl sealed::Exclusive for OwnedPages {
    const PAGES: Attrs = Attrs::WHOLE_PAGES;
}

impl<P: PageOwner> Exclusive for P {}
impl<P: PageOwner> sealed::Exclusive for P {
    const PAGES: Attrs = Attrs::NONE;
}

/// A table mapped for a device that is coherent, in place: what either writes, the other reads.
///
/// No synchronisation, no bounce buffer, no guard. That the two do not tread on each other's toes is
/// between the driver and its device. Dropping it unmaps and frees; before the device is told any
/// address, [`submit`](Self::submit) it. The CPU has access then, too.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Bidirectional, CoherentDevice, InFlight, SgTable, Shared};
/// /// A ring that the device reads and writes for as long as it is bound.
/// fn ring<'bound>(
///     dev: CoherentDevice<'bound>,
/// ) -> Result<InFlight<Shared<'bound, Bidirectional>>> {
///     let ring = SgTable::alloc(1 << 16, dev.dma(), GFP_KERNEL)?.map_shared(dev, Bidirectional)?;
///     ring.copy_from_slice(0, b"first entry")?;
///     let ring = ring.submit();
///     let mut head = [0; 4];
///     ring.copy_to_slice(16, &mut head)?; // While the device is at it.
///     Ok(ring)
/// }
/// ```
///
/// # Invariants
///
/// The mapping needs no synchronisation: the device is coherent for it, and all of it is in place.
pub struct Shared<'bound, D: Direction, P = OwnedPages>(pub(crate) Mapped<'bound, D, P>);

impl<P: Exclusive> SgTable<P> {
    /// Maps the buffer for simultaneous access. Does not sleep.
    ///
    /// # Errors
    ///
    /// The buffer comes back with each of them.
    ///
    /// - `EIO` if a page would have to bounce all the same, with a line in the log: memory was
    ///   added beyond the device's reach since it was probed; or the device is untrusted, and a
    ///   [`PageOwner`]'s buffer shares a page with other bytes. Without a line: the device is
    ///   untrusted, and the table's segments are shorter than a page.
    /// - Those of [`map`](Self::map).
    pub fn map_shared<'bound, D: Direction>(
        self,
        dev: CoherentDevice<'bound>,
        _direction: D,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        self.share_exclusive(dev.dma())
    }

    /// `dev` is coherent for this buffer, as a witness says.
    pub(crate) fn share_exclusive<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        self.share(dev, P::PAGES)
    }
}

impl<P> SgTable<P> {
    /// Maps the buffer with `attrs` for `dev`, which is coherent for it, as a witness says.
    pub(crate) fn share<'bound, D: Direction>(
        self,
        dev: DmaDevice<'bound>,
        attrs: Attrs,
    ) -> Result<Shared<'bound, D, P>, Refused<Self>> {
        let refused = match self.map_as(dev, attrs) {
            // INVARIANT: The witness says that the device is coherent; the rest was checked.
            Ok(mapped) if mapped.is_in_place() => return Ok(Shared(mapped)),
            Ok(mapped) => Refused {
                error: EIO,
                buffer: mapped.unmap(),
            },
            Err(refused) => refused,
        };
        if refused.error == EIO {
            refused.buffer.say_why_not_shared(dev, attrs);
        }
        Err(refused)
    }

    fn say_why_not_shared(&self, dev: DmaDevice<'_>, attrs: Attrs) {
        let partial = !attrs.contains(Attrs::WHOLE_PAGES) && !self.is_whole_pages();
        let why = match dev.path() {
            Path::Direct if !self.is_reached_by(dev) => {
                c"some of it lies beyond the device's reach and would bounce: memory was added; \
                  use map() and guards"
            }
            Path::Iommu if partial => {
                c"the device is untrusted, so it is given whole pages, and one has other bytes, too: \
                  share whole pages, or use map() and guards"
            }
            _ => return,
        };
        // SAFETY: The device is valid, and the string is static.
        unsafe { ffi::sgdma_say_why_not_shared(dev.as_raw(), why.as_char_ptr()) };
    }
}

impl<'bound, D: Direction, P> Shared<'bound, D, P> {
    /// Copies from byte `offset` of the buffer on into all of `dst`. Does not sleep.
    ///
    /// What the device or another CPU writes meanwhile may be seen in part.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + dst.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_to_slice(&self, offset: usize, dst: &mut [u8]) -> Result {
        self.0.table().copy_to_slice(offset, dst)
    }

    /// Says that the device is about to be told addresses of this buffer.
    ///
    /// From here on until [`InFlight::complete`] nothing unmaps or frees it.
    pub fn submit(self) -> InFlight<Self>
    where
        P: Send + 'static,
    {
        InFlight::new(self)
    }
}

impl<'bound, D: Direction, P: Exclusive> Shared<'bound, D, P> {
    /// Copies `src` into the buffer, from byte `offset` on. Does not sleep.
    ///
    /// The device or another CPU may see it in part meanwhile.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `offset + src.len()` lies beyond the buffer's end; nothing was copied then.
    pub fn copy_from_slice(&self, offset: usize, src: &[u8]) -> Result
    where
        D: DeviceReads,
    {
        self.0.table().copy_from_slice_shared(offset, src)
    }

    /// Unmaps the buffer: `dma_unmap_sgtable()`. Does not sleep.
    pub fn unmap(self) -> SgTable<P> {
        self.0.unmap()
    }
}

/// What can be known of any mapping, and the walks over it.
impl<'bound, D: Direction, P> Deref for Shared<'bound, D, P> {
    type Target = Mapped<'bound, D, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<D: Direction, P: Send + 'static> Mapping for Shared<'_, D, P> {}

impl<D: Direction, P: Send + 'static> private::Mapping for Shared<'_, D, P> {
    fn device(&self) -> DmaDevice<'_> {
        self.0.device()
    }

    fn hold(self, epoch: u64) {
        self.0.hold(epoch);
    }
}
