// SPDX-License-Identifier: GPL-2.0

//! Domains, and the devices that are attached to each.
//!
//! C header: [`include/linux/iommu.h`](srctree/include/linux/iommu.h)
//!
//! The binding attaches a device before its driver's probe, and detaches it after the last
//! interrupt vector was freed. Locks are taken in this order: [`DOMAINS`], then the addresses of
//! one domain. The IOMMU API is called under the first for attaching, and under none for mapping.

use crate::{
    base::{
        gfp::Gfp,
        lock_class::lock_class, //
    },
    device::dma_device::DmaDevice,
    domain::{
        data::{
            Data,
            MakeData, //
        },
        ranges::{
            conflict,
            find,
            place,
            Aperture,
            Refusal,
            Span, //
        }, //
    },
    ffi,
    lifecycle::quarantine::{
        Hold,
        Place,
        Placed,
        Quarantine, //
    }, //
};
use core::{
    any::{
        Any,
        TypeId, //
    },
    mem::ManuallyDrop,
    ops::RangeInclusive,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    ThisModule, //
};

/// An address space of an IOMMU that a driver maps memory in: `iommu_paging_domain_alloc()`.
///
/// Devices whose driver has [`DomainDevice`](crate::DomainDevice) as its `Dma` are attached to a
/// domain. See there for how memory is mapped. A domain lives as long as a device is attached, and
/// as long as a mapping in the domain exists.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::DomainDevice;
/// fn log(dev: DomainDevice<'_>) {
///     let domain = dev.domain();
///     let to = *domain.aperture().end();
///     dev_info!(dev.device(), "addresses up to {:#x}, in pages of {}\n", to, domain.granule());
/// }
/// ```
#[doc(alias = "iommu_domain")]
pub struct Domain(Arc<Inner>);

/// # Invariants
///
/// - `raw` is a domain of `sgdma_domain_alloc()`, which this value owns.
/// - In `raw` just those ranges are mapped that `space` has, but for those that are about to be
///   mapped or unmapped by who has reserved the range.
#[pin_data(PinnedDrop)]
struct Inner {
    raw: NonNull<bindings::iommu_domain>,
    /// True if caches are coherent with the devices. It is the same for all of them.
    coherent: bool,
    granule: u64,
    #[pin]
    space: Mutex<Space>,
}

// SAFETY: A domain belongs to no task, and the IOMMU API may be called by any.
unsafe impl Send for Inner {}
// SAFETY: Several tasks may map and unmap different ranges of a domain at the same time, and each
// range has one owner.
unsafe impl Sync for Inner {}

/// The addresses of a domain.
struct Space {
    aperture: Aperture,
    /// The windows that the platform keeps from devices that are, or were, attached.
    windows: KVec<Span>,
    /// The ranges that are mapped, sorted.
    mapped: KVVec<Span>,
}

lock_class!(space_class, c"sgdma domain");

impl Domain {
    /// Allocates a domain for the IOMMU of `dev`. May sleep.
    fn new(dev: DmaDevice<'_>) -> Result<Self> {
        let mut aperture = ffi::sgdma_aperture {
            first: 0,
            last: 0,
            granule: 0,
        };
        // SAFETY: The device is valid and bound: `dev` borrows it. `aperture` is valid for writing.
        let raw = unsafe { ffi::sgdma_domain_alloc(dev.as_raw(), &mut aperture) };
        let raw = from_err_ptr(raw).inspect_err(|error| {
            dev_err!(
                dev.device(),
                "no domain ({:?}): the driver needs an IOMMU that translates for this device; \
                 switch the IOMMU on\n",
                error
            )
        })?;
        let raw = NonNull::new(raw).ok_or(ENODEV)?;
        let class = space_class();
        // INVARIANT: `raw` was just allocated, and nothing is mapped.
        let inner = try_pin_init!(Inner {
            raw,
            // SAFETY: The device is valid.
            coherent: unsafe { ffi::sgdma_has_coherent_caches(dev.as_raw()) },
            granule: aperture.granule,
            space <- Mutex::new(
                Space {
                    aperture: Aperture {
                        span: Span {
                            first: aperture.first,
                            last: aperture.last,
                        },
                        granule: aperture.granule,
                    },
                    windows: KVec::new(),
                    mapped: KVVec::new(),
                },
                class.name,
                class.key,
            ),
        });
        Ok(Self(Arc::pin_init(inner, GFP_KERNEL).inspect_err(
            // SAFETY: The domain was just allocated, and nobody else has it.
            |_| unsafe { ffi::sgdma_domain_free(raw.as_ptr()) },
        )?))
    }

    /// Returns the addresses at which memory can be mapped, but for windows that the platform
    /// keeps. May sleep.
    ///
    /// They are those that the IOMMU translates, and that each device can send which is attached,
    /// or was.
    pub fn aperture(&self) -> RangeInclusive<u64> {
        let span = self.0.space.lock().aperture.span;
        span.first..=span.last
    }

    /// Returns the size in bytes of the IOMMU's smallest page, a power of two.
    pub fn granule(&self) -> u64 {
        self.0.granule
    }

    /// Returns true if the caches of the attached devices are coherent.
    ///
    /// Then each of them and the CPU use a mapping at the same time. Otherwise they take turns.
    pub fn is_coherent(&self) -> bool {
        self.0.coherent
    }

    /// Returns another reference to the domain.
    pub(super) fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// Returns true if both are the same domain.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn as_raw(&self) -> *mut bindings::iommu_domain {
        self.0.raw.as_ptr()
    }

    /// Reserves `len` bytes at address `at`, or anywhere, and returns the address. The caller owns
    /// that range until [`release`](Self::release). May sleep.
    ///
    /// # Errors
    ///
    /// An error, and the reason in words.
    pub(super) fn reserve(&self, at: Option<u64>, len: u64) -> Result<u64, (Error, &'static CStr)> {
        let mut space = self.0.space.lock();
        let space = &mut *space;
        let (aperture, windows) = (space.aperture, &space.windows);
        let (addr, index) = match at {
            Some(addr) => (
                addr,
                place(aperture, windows, &space.mapped, addr, len).map_err(explain)?,
            ),
            None if len % aperture.granule != 0 => return Err(explain(Refusal::Unaligned)),
            None => find(aperture, windows, &space.mapped, len)
                .ok_or((ENOSPC, c"the domain has no room"))?,
        };
        let no_memory = (ENOMEM, c"there is no memory");
        space
            .mapped
            .reserve(1, GFP_KERNEL_ACCOUNT)
            .map_err(|_| no_memory)?;
        let span = Span {
            first: addr,
            last: addr + (len - 1),
        };
        space
            .mapped
            .insert_within_capacity(index, span)
            .map_err(|_| no_memory)?;
        Ok(addr)
    }

    /// Gives the range back that begins at `addr`, where nothing is mapped any more. May sleep.
    pub(super) fn release(&self, addr: u64) {
        let mut space = self.0.space.lock();
        if let Ok(index) = space.mapped.binary_search_by_key(&addr, |span| span.first) {
            let _ = space.mapped.remove(index);
        }
    }

    /// Restricts the domain to what `dev`, which is to be attached, can use. Returns what
    /// [`readmit`](Self::readmit) takes if attaching fails. The caller has the lock of [`DOMAINS`].
    /// May sleep.
    ///
    /// # Errors
    ///
    /// - `EBUSY`, with a line in the log, if something is mapped where `dev` cannot use it, or the
    ///   caches of `dev` are not as those of the devices that are attached.
    /// - `EPERM`, with a line in the log, if firmware wants memory mapped for `dev` at all times.
    fn admit(&self, dev: DmaDevice<'_>) -> Result<(Span, usize)> {
        // SAFETY: The device is valid and bound: `dev` borrows it.
        if self.0.coherent != unsafe { ffi::sgdma_has_coherent_caches(dev.as_raw()) } {
            dev_err!(
                dev.device(),
                "not attached to a domain: caches are coherent with this device or with the \
                 others, not with both; give it another number in Driver::domain()\n"
            );
            return Err(EBUSY);
        }
        let mut windows: KVec<Span> = KVec::new();
        // SAFETY: The device is valid and bound. `add_window()` is given what it asks for.
        to_result(unsafe {
            ffi::sgdma_domain_windows(dev.as_raw(), (&raw mut windows).cast(), Some(add_window))
        })?;
        let mut space = self.0.space.lock();
        let mut span = space.aperture.span;
        // SAFETY: The device is valid, with a mask by the invariants of `DmaFacts`.
        let last = unsafe { ffi::sgdma_domain_last(dev.as_raw()) };
        span.last = span.last.min(last);
        if span.first > span.last {
            dev_err!(
                dev.device(),
                "not attached to a domain: its DMA mask reaches no address of the domain\n"
            );
            return Err(EBUSY);
        }
        if let Some(range) = conflict(span, &windows, &space.mapped) {
            dev_err!(
                dev.device(),
                "not attached to a domain: {:#x} to {:#x} is mapped there, which this device \
                 cannot use\n",
                range.first,
                range.last
            );
            return Err(EBUSY);
        }
        let before = (space.aperture.span, space.windows.len());
        // What needs memory comes first.
        space.windows.reserve(windows.len(), GFP_KERNEL)?;
        for window in windows {
            if !space.windows.contains(&window) {
                let _ = space.windows.push_within_capacity(window);
            }
        }
        space.aperture.span = span;
        Ok(before)
    }

    /// Takes [`admit`](Self::admit) back. The caller has had the lock of [`DOMAINS`] since. May
    /// sleep.
    fn readmit(&self, (span, windows): (Span, usize)) {
        let mut space = self.0.space.lock();
        space.aperture.span = span;
        space.windows.truncate(windows);
    }
}

/// Returns the error for a refusal, and its reason.
fn explain(refusal: Refusal) -> (Error, &'static CStr) {
    match refusal {
        Refusal::NoRange => (EINVAL, c"this is no range of addresses"),
        Refusal::Zero => (EINVAL, c"address 0 is not used"),
        Refusal::Unaligned => (
            EINVAL,
            c"address or length is not aligned to the IOMMU's pages",
        ),
        Refusal::Beyond => (ERANGE, c"this is beyond what IOMMU and devices can address"),
        Refusal::Reserved => (EPERM, c"the platform keeps these addresses"),
        Refusal::Mapped => (EEXIST, c"something is mapped there"),
    }
}

/// Adds a window to a list.
///
/// # Safety
///
/// `windows` is a `KVec<Span>` that the caller has exclusively.
unsafe extern "C" fn add_window(windows: *mut c_void, first: u64, last: u64) -> c_int {
    // SAFETY: The caller promises such a vector.
    let windows = unsafe { &mut *windows.cast::<KVec<Span>>() };
    match windows.push(Span { first, last }, GFP_KERNEL) {
        Ok(()) => 0,
        Err(_) => ENOMEM.to_errno(),
    }
}

#[pinned_drop]
impl PinnedDrop for Inner {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants the domain is this value's. An attached device and a
        // mapping each have a reference, so nothing is attached, and nothing is mapped.
        unsafe { ffi::sgdma_domain_free(self.raw.as_ptr()) };
    }
}

/// The devices that share a domain: those of one module with the same type of data and number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    module: *mut bindings::module,
    data: TypeId,
    number: u32,
}

/// A domain that further devices may be attached to.
struct Known {
    key: Key,
    /// The number of devices that are attached.
    attached: usize,
    domain: Domain,
    data: Data,
}

// SAFETY: The pointer to the module is only compared.
unsafe impl Send for Known {}

kernel::sync::global_lock! {
    // SAFETY: `init()` initialises the mutex when this module is loaded. Nothing locks it before:
    // no driver is bound through this module by then.
    unsafe(uninit) static DOMAINS: Mutex<KVec<Known>> = KVec::new();
}

/// Initialises the list of domains.
///
/// # Safety
///
/// Called once, before any driver is bound through this module.
pub(crate) unsafe fn init() {
    // SAFETY: `DOMAINS` is initialised once and not used before, as the caller promises: only the
    // binding of a device uses it.
    unsafe { DOMAINS.init() };
}

/// Frees the memory of an empty list. Nobody drops a static when the module is unloaded.
fn trim(known: &mut KVec<Known>) {
    if known.is_empty() {
        *known = KVec::new();
    }
}

/// The attachment of one device. A drop detaches the device, and then drops the driver's data if it
/// is the last one.
pub struct Attachment {
    attached: ManuallyDrop<Placed<Attached>>,
    data: ManuallyDrop<Data>,
}

/// A device that is attached. A drop detaches the device.
///
/// # Invariants
///
/// `sgdma_domain_attach()` has attached `group`, that of `dev`, to `domain`.
struct Attached {
    dev: *mut bindings::device,
    domain: Domain,
    group: NonNull<bindings::iommu_group>,
}

// SAFETY: Any task may detach a group.
unsafe impl Send for Attached {}
// SAFETY: A shared reference only permits reading.
unsafe impl Sync for Attached {}

impl Hold for Attached {
    fn is_where_it_was(&self) -> bool {
        // A device that was removed is in no group any more.
        // SAFETY: The device is valid: the quarantine holds a reference to it.
        let domain = unsafe { ffi::sgdma_iommu_get_domain_for_dev(self.dev) };
        domain == self.domain.as_raw()
    }

    unsafe fn release(self) {}
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the group is attached to the domain. It is detached once,
        // as the value is dropped once.
        unsafe { ffi::sgdma_domain_detach(self.domain.as_raw(), self.group.as_ptr()) };
    }
}

impl Attachment {
    /// Attaches `dev` to the domain that devices of the driver `module` with this `number` share,
    /// or to one of its own. May sleep.
    ///
    /// # Errors
    ///
    /// Each has a line in the log, but for `ENOMEM`. Those of
    /// [`DomainDevice`](crate::DomainDevice).
    pub(crate) fn new(
        dev: DmaDevice<'_>,
        module: &'static ThisModule,
        number: Option<u32>,
        data: MakeData,
    ) -> Result<Self> {
        let key = number.map(|number| Key {
            module: module.as_ptr(),
            data: data.of,
            number,
        });
        // SAFETY: The device is valid and bound: `dev` borrows it.
        to_result(unsafe { ffi::sgdma_domain_check_group(dev.as_raw()) })?;
        let mut known = DOMAINS.lock();
        let result = Self::attach(&mut known, dev, key, data);
        trim(&mut known);
        drop(known);
        // What was made in vain is dropped without the lock: the data's drop is the driver's code.
        result.map_err(|(error, _made)| error)
    }

    /// Attaches `dev`, with the lock of [`DOMAINS`]. An error comes with what was made.
    fn attach(
        known: &mut KVec<Known>,
        dev: DmaDevice<'_>,
        key: Option<Key>,
        data: MakeData,
    ) -> Result<Self, (Error, Option<(Domain, Data)>)> {
        let index = known.iter().position(|known| Some(known.key) == key);
        let made = match index {
            Some(index) => Ok((known[index].domain.share(), known[index].data.clone())),
            None => Domain::new(dev).and_then(|domain| Ok((domain, (data.make)()?))),
        };
        let (domain, data) = made.map_err(|error| (error, None))?;
        let attached = known
            .reserve(1, GFP_KERNEL)
            .map_err(Error::from)
            .and_then(|()| Attached::new(dev, &domain));
        let attached = match attached {
            Ok(attached) => attached,
            Err(error) => return Err((error, Some((domain, data)))),
        };
        match (index, key) {
            (Some(index), _) => known[index].attached += 1,
            (None, Some(key)) => {
                let _ = known.push_within_capacity(Known {
                    key,
                    attached: 1,
                    domain,
                    data: data.clone(),
                });
            }
            (None, None) => {}
        }
        Ok(Self {
            attached: ManuallyDrop::new(attached),
            data: ManuallyDrop::new(data),
        })
    }

    /// Returns the domain.
    pub(crate) fn domain(&self) -> &Domain {
        &self.attached.domain
    }

    /// Leaves the device attached, until the driver of a later binding says that it was reset. No
    /// other device is attached to the domain from now on: the code of the driver's data, which is
    /// leaked, may be unloaded.
    ///
    /// # Safety
    ///
    /// - The device is bound.
    /// - The quarantine is that of its binding.
    pub(crate) unsafe fn leave_attached(self, quarantine: &Quarantine) {
        let mut known = DOMAINS.lock();
        known.retain(|known| !known.domain.is(self.domain()));
        trim(&mut known);
        drop(known);
        let mut this = ManuallyDrop::new(self);
        let dev = this.attached.dev;
        // SAFETY:
        // - `this` is neither used again nor dropped, so the value is moved out once.
        // - By the invariants of `Attached` the device is attached. It is valid and bound, and the
        //   quarantine is that of its binding, as the caller promises.
        unsafe {
            ManuallyDrop::take(&mut this.attached).hold(
                dev,
                Some(quarantine),
                quarantine.epoch(),
                0,
            )
        };
    }

    /// Returns the driver's data of the domain.
    pub(super) fn data(&self) -> &(dyn Any + Send + Sync) {
        &**self.data
    }
}

impl Attached {
    /// Attaches `dev` to `domain`, with the lock of [`DOMAINS`].
    // Neither generic nor inlined, as `Place::new_ours()` demands.
    #[inline(never)]
    fn new(dev: DmaDevice<'_>, domain: &Domain) -> Result<Placed<Self>> {
        let place = Place::new_ours(Gfp::from(GFP_KERNEL))?;
        let before = domain.admit(dev)?;
        let mut group = core::ptr::null_mut();
        // SAFETY: The device is valid and bound: `dev` borrows it. `group` is valid for writing.
        to_result(unsafe { ffi::sgdma_domain_attach(domain.as_raw(), dev.as_raw(), &mut group) })
            .inspect_err(|_| domain.readmit(before))?;
        // INVARIANT: The call above has attached the group.
        Ok(place.put(Self {
            dev: dev.as_raw(),
            domain: domain.share(),
            group: NonNull::new(group).ok_or(ENODEV)?,
        }))
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut known = DOMAINS.lock();
        known.retain(|known| {
            known.attached -= usize::from(known.domain.is(self.domain()));
            known.attached > 0
        });
        trim(&mut known);
        // SAFETY: Both are dropped once, as the value is dropped once.
        unsafe { ManuallyDrop::drop(&mut self.attached) };
        drop(known);
        // The drop is the driver's code, and needs no lock.
        // SAFETY: As above.
        unsafe { ManuallyDrop::drop(&mut self.data) };
    }
}
