// SPDX-License-Identifier: GPL-2.0

//! Quarantine: what was dropped while a device may be working on it.
//!
//! It stays as it was, mapped, so that nobody else gets its memory or its bus addresses, until it
//! is known that the device will not go on with it: the driver says so of a reset, or the binding
//! ends. Its place is reserved when it is made: dropping it neither allocates nor sleeps, and takes
//! nothing but an atomic exchange, so it may happen in any context.

use crate::{
    base::gfp::Gfp,
    ffi, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Mutex, //
    },
    ThisModule, //
};

/// What a quarantine can hold.
pub(crate) trait Hold: Send + 'static {
    /// Returns whether it is mapped as it was, after other drivers may have had the device.
    fn is_where_it_was(&self) -> bool;

    /// Unmaps and frees it. May sleep.
    ///
    /// # Safety
    ///
    /// The device does not go on with it. It is bound, and has been since this was mapped, or else
    /// [`is_where_it_was`](Self::is_where_it_was) says so.
    unsafe fn release(self);
}

/// What is known of something that is held, whatever it is.
///
/// # Invariants
///
/// It is the first field of a [`Held<T>`] that was allocated as a `KBox`, is filled, and of which
/// `release` is [`release::<T>`].
struct Entry {
    next: *mut Entry,
    release: Option<unsafe fn(NonNull<Entry>, bool) -> bool>,
    /// Whether `release`, and all that it calls, is code of this library.
    ours: bool,
    /// Of an orphan: the module with that code, of which we have a reference, if that could be had.
    module: Option<*mut bindings::module>,
    /// When the device was told of it.
    epoch: u64,
    dev: *mut bindings::device,
    len: usize,
}

/// Room for a `T`, and for what is known of it.
#[repr(C)]
struct Held<T> {
    entry: Entry,
    what: MaybeUninit<T>,
}

/// A place in a quarantine, for a `T`.
pub(crate) struct Place<T>(KBox<Held<T>>);

// SAFETY: It is memory with nothing in it.
unsafe impl<T> Send for Place<T> {}
// SAFETY: As for `Send`.
unsafe impl<T> Sync for Place<T> {}

impl<T> Place<T> {
    fn alloc(gfp: Gfp, release: Option<unsafe fn(NonNull<Entry>, bool) -> bool>) -> Result<Self> {
        Ok(Self(KBox::new(
            Held {
                entry: Entry {
                    next: core::ptr::null_mut(),
                    release,
                    ours: release.is_some(),
                    module: None,
                    epoch: 0,
                    dev: core::ptr::null_mut(),
                    len: 0,
                },
                what: MaybeUninit::uninit(),
            },
            gfp.for_rust(),
        )?))
    }

    pub(crate) fn new(gfp: Gfp) -> Result<Self> {
        Self::alloc(gfp, None)
    }

    /// As `new()`, for code of this library's that is not generic, so that the driver's module may
    /// go while this is held.
    pub(crate) fn new_ours(gfp: Gfp) -> Result<Self>
    where
        T: Hold,
    {
        Self::alloc(gfp, Some(release::<T>))
    }

    /// Has `what`, of `len` bytes, held for `dev`, which was told of it at `epoch`: in the
    /// `quarantine` of its binding, or for ever. For any context.
    ///
    /// # Safety
    ///
    /// `dev` is valid and bound, and `what` is mapped for it.
    pub(crate) unsafe fn hold(
        self,
        dev: *mut bindings::device,
        quarantine: Option<&Quarantine>,
        epoch: u64,
        len: usize,
        what: T,
    ) where
        T: Hold,
    {
        let mut held = self.0;
        held.what.write(what);
        held.entry.release.get_or_insert(release::<T>);
        held.entry.epoch = epoch;
        held.entry.dev = dev;
        held.entry.len = len;
        // CAST: The entry is its first field.
        if let Some(entry) = NonNull::new(KBox::into_raw(held).cast::<Entry>()) {
            hold(entry, quarantine);
        }
    }
}

/// Releases what `entry` is of; false if it cannot be: `orphan`, and not mapped as it was.
///
/// # Safety
///
/// - `entry` is that of a `Held<T>`, filled, and nobody else's; used no more if this gives true.
/// - As for [`Hold::release`], but for its being mapped as it was if it is an `orphan`.
unsafe fn release<T: Hold>(entry: NonNull<Entry>, orphan: bool) -> bool {
    let held = entry.as_ptr().cast::<Held<T>>();
    // SAFETY: By the requirements it is valid and filled.
    if orphan && !unsafe { (*held).what.assume_init_ref() }.is_where_it_was() {
        return false;
    }
    // SAFETY: It came from a `KBox`, and is nobody else's; the value is moved out once.
    let what = unsafe {
        let held = KBox::from_raw(held);
        held.what.assume_init_read()
    };
    // SAFETY: By the requirements, and as was found above.
    unsafe { what.release() };
    true
}

/// What is counted, in the order of quarantine.c.
#[derive(Clone, Copy)]
enum Count {
    Held,
    Released,
    ForEver,
}

fn count(what: Count, number: isize, len: usize) {
    // SAFETY: It adds to counters, of which there are as many.
    unsafe { ffi::sgdma_count_held(what as u32, number, number * len as isize) };
}

// Out of line, for it is rare, and its callers are generic.
#[inline(never)]
fn hold(entry: NonNull<Entry>, quarantine: Option<&Quarantine>) {
    // SAFETY: It is filled, and nobody else's yet.
    let (dev, len) = unsafe { ((*entry.as_ptr()).dev, (*entry.as_ptr()).len) };
    // SAFETY: The device is bound, as the driver that drops this has something that borrows it.
    unsafe { ffi::sgdma_say_held(dev, len) };
    match quarantine {
        Some(quarantine) => {
            count(Count::Held, 1, len);
            quarantine.list.push(entry);
        }
        None => {
            count(Count::ForEver, 1, len);
            // SAFETY: As above.
            unsafe { ffi::sgdma_get_device(dev) };
        }
    }
}

/// Entries, the last one first.
///
/// # Invariants
///
/// All are valid, and this list's.
struct List(Atomic<*mut Entry>);

// SAFETY: What is held is `Send`.
unsafe impl Send for List {}
// SAFETY: All access is atomic.
unsafe impl Sync for List {}

impl List {
    const fn new() -> Self {
        Self(Atomic::new(core::ptr::null_mut()))
    }

    /// Puts `entry` in. For any context.
    fn push(&self, entry: NonNull<Entry>) {
        let mut first = self.0.load(Relaxed);
        loop {
            // SAFETY: It is the caller's, who gives it up.
            unsafe { (*entry.as_ptr()).next = first };
            // Release: who takes it sees all of it.
            match self.0.cmpxchg(first, entry.as_ptr(), Release) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Takes all of them out; they are then the caller's.
    fn take(&self) -> impl Iterator<Item = NonNull<Entry>> {
        let mut next = NonNull::new(self.0.xchg(core::ptr::null_mut(), Acquire));
        core::iter::from_fn(move || {
            let entry = next?;
            // SAFETY: By the type invariants it is valid. It is still ours, before it is given
            // away.
            next = NonNull::new(unsafe { (*entry.as_ptr()).next });
            Some(entry)
        })
    }
}

/// What a binding holds.
#[pin_data]
pub(crate) struct Quarantine {
    list: List,
    /// Counts resets.
    epoch: Atomic<u64>,
    /// What the device was told of before this one is over.
    over: Atomic<u64>,
    /// Has the device do DMA, which waits for the driver's word: what an earlier driver has left.
    start_dma: Atomic<*mut bindings::device>,
    start: unsafe fn(*mut bindings::device),
    /// Held while entries are looked through, so that all that look see all.
    #[pin]
    looking: Mutex<()>,
}

impl Quarantine {
    /// One in which nothing is. `start` lets a device do DMA that is bound.
    pub(crate) fn new(start: unsafe fn(*mut bindings::device)) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            list: List::new(),
            epoch: Atomic::new(0),
            over: Atomic::new(0),
            start_dma: Atomic::new(core::ptr::null_mut()),
            start,
            looking <- new_mutex!(()),
        })
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// Takes out the entries whose epoch `is_due`.
    fn take(&self, is_due: impl Fn(u64) -> bool) -> List {
        let due = List::new();
        let _looking = self.looking.lock();
        for entry in self.list.take() {
            // SAFETY: It is ours.
            let list = match is_due(unsafe { (*entry.as_ptr()).epoch }) {
                true => &due,
                false => &self.list,
            };
            list.push(entry);
        }
        due
    }

    /// Begins another epoch, that of what is submitted from here on, and returns it.
    pub(crate) fn begin_reset(&self) -> u64 {
        self.epoch.fetch_add(1, Full) + 1
    }

    /// Releases what the device was told of before `until`, as it was reset and goes on with none
    /// of that.
    pub(crate) fn reset(&self, until: u64) {
        {
            let _looking = self.looking.lock();
            self.over.store(until.max(self.over.load(Relaxed)), Relaxed);
        }
        self.release(self.take(|epoch| epoch < until));
        if let Some(dev) = NonNull::new(self.start_dma.load(Relaxed)) {
            release_orphans(dev.as_ptr());
        }
        let _looking = self.looking.lock();
        if let Some(dev) = NonNull::new(self.start_dma.xchg(core::ptr::null_mut(), Relaxed)) {
            // SAFETY: The device is bound, as the caller has something that borrows the binding.
            unsafe { (self.start)(dev.as_ptr()) };
        }
    }

    fn release(&self, due: List) {
        for entry in due.take() {
            // SAFETY: It was taken out, so it is ours, and filled, by the invariants. The device is
            // bound still, and done with it, as the callers know.
            unsafe {
                let len = (*entry.as_ptr()).len;
                if let Some(release) = (*entry.as_ptr()).release {
                    release(entry, false);
                }
                count(Count::Held, -1, len);
                count(Count::Released, 1, len);
            }
        }
    }

    /// The device does no DMA until the driver says that it was reset.
    pub(crate) fn start_dma_later(&self, dev: *mut bindings::device) {
        self.start_dma.store(dev, Relaxed);
    }

    /// From here on no word of the driver's has the device do DMA. May sleep.
    pub(crate) fn never_start_dma(&self) {
        let _looking = self.looking.lock();
        self.start_dma.store(core::ptr::null_mut(), Relaxed);
    }

    /// Whether something is held that the device may go on with.
    pub(crate) fn is_open(&self) -> bool {
        let over = self.over.load(Relaxed);
        let open = self.take(|epoch| epoch >= over);
        let mut is_open = false;
        for entry in open.take() {
            is_open = true;
            self.list.push(entry);
        }
        is_open
    }

    /// Ends with the binding, whose driver is in `module`: no more is held by this. All of it is
    /// over if `is_over`, else what the driver has said it of. May sleep.
    pub(crate) fn end(&self, is_over: bool, module: &'static ThisModule) {
        let over = match is_over {
            true => u64::MAX,
            false => self.over.load(Relaxed),
        };
        self.release(self.take(|epoch| epoch < over));
        for entry in self.list.take() {
            orphan(entry, module);
        }
    }
}

kernel::sync::global_lock! {
    // SAFETY: Initialised when the library is loaded, before anything is bound by it.
    unsafe(uninit) static ORPHANS: Mutex<List> = List::new();
}

/// Makes ready for [`Quarantine`]s to end.
///
/// # Safety
///
/// Called once, before anything is bound.
pub(crate) unsafe fn init() {
    // SAFETY: The caller promises it.
    unsafe { ORPHANS.init() };
}

fn this_module() -> *mut bindings::module {
    crate::THIS_MODULE.as_ptr()
}

/// Has `entry` outlive its binding, with all that it takes to release it later.
fn orphan(entry: NonNull<Entry>, module: &'static ThisModule) {
    let orphans = ORPHANS.lock();
    // SAFETY: The entry is ours. The device is still bound. The modules are there: this one, and
    // the driver's, which may be on its way out.
    unsafe {
        let entry = entry.as_ptr();
        ffi::sgdma_get_device((*entry).dev);
        // It knows which devices are not to do DMA.
        ffi::sgdma_try_module_get(this_module());
        let code = match (*entry).ours {
            true => this_module(),
            false => module.as_ptr(),
        };
        (*entry).module = ffi::sgdma_try_module_get(code).then_some(code);
    }
    orphans.push(entry);
}

/// Counts the orphans of the device, or of one that was in its place.
pub(crate) fn orphans(dev: *mut bindings::device) -> usize {
    let all = ORPHANS.lock();
    let mine = take_orphans(&all, dev);
    let mut number = 0;
    for entry in mine.take() {
        number += 1;
        all.push(entry);
    }
    number
}

fn take_orphans(all: &List, dev: *mut bindings::device) -> List {
    let mine = List::new();
    let others = List::new();
    for entry in all.take() {
        // SAFETY: The entry is ours now, and has a reference to its device; the other is bound.
        match unsafe { ffi::sgdma_same_place((*entry.as_ptr()).dev, dev) } {
            true => mine.push(entry),
            false => others.push(entry),
        }
    }
    for entry in others.take() {
        all.push(entry);
    }
    mine
}

/// Releases what earlier bindings have left of the device, which was reset. May sleep.
pub(crate) fn release_orphans(dev: *mut bindings::device) {
    let mine = take_orphans(&ORPHANS.lock(), dev);
    for entry in mine.take() {
        // SAFETY: The entry is ours, with references to its device and to the modules that it has
        // code in. What `release` is told apart, it needs: the device is bound, and the same one.
        unsafe {
            let Entry {
                release,
                module,
                dev: its,
                len,
                ..
            } = *entry.as_ptr();
            let done = match (release, module) {
                (Some(release), Some(_)) if its == dev => release(entry, true),
                _ => false,
            };
            count(Count::Held, -1, len);
            match done {
                true => {
                    count(Count::Released, 1, len);
                    ffi::sgdma_put_device(its);
                }
                false => {
                    count(Count::ForEver, 1, len);
                    say_for_ever(its, len);
                }
            }
            if let Some(module) = module {
                ffi::sgdma_module_put(module);
            }
            ffi::sgdma_module_put(this_module());
        }
    }
}

/// # Safety
///
/// `dev` is valid.
unsafe fn say_for_ever(dev: *mut bindings::device, len: usize) {
    // SAFETY: The caller promises it.
    unsafe { ffi::sgdma_say_for_ever(dev, len) };
}
