// SPDX-License-Identifier: GPL-2.0

//! Device nodes of a bound device: what user space opens, and the gate behind it.
//!
//! C headers: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h)
//!
//! An open file outlives the binding, so its own state is `'static`; each operation is lent the
//! driver's data, which may borrow the binding, for as long as it runs. After unbind operations
//! answer `ENODEV`. The file operations carry the driver's module as their owner, so `rmmod` is
//! refused while a file is open.

use crate::{
    device::DmaDevice,
    gate::Gate,
    pci::Driver,
    unbinding::Unbinding, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    bindings,
    error::{
        from_result,
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::{
        c_int,
        c_long,
        c_uint,
        c_ulong, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    page::PAGE_SHIFT,
    prelude::*,
    str::CString,
    sync::Arc,
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// The state of one open file of driver `D`, and what user space can do with it.
///
/// Operations run in process context and may sleep. The device stays bound until the operation
/// returns, so unbinding waits for it: an operation sleeps by [`Unbinding::wait`], which unbinding
/// ends, and one of many steps asks [`Unbinding::has_begun`] before each. It must not wait for the
/// unbinding of its own device in another way.
///
/// Accesses to user space count: a process may serve the memory behind an address late, or never
/// (`userfaultfd(2)`, FUSE). An `ioctl` accesses it outside the gate. An access of `read`, `write`
/// or `mmap` holds up unbinding until it is served, or the operation's process is killed: it ends
/// with `EFAULT` then.
///
/// ```
/// # use kernel::{iov::IovIterDest, prelude::*};
/// # use sgdma::{pci::Driver, FileOps, Lent, SgTable};
/// /// A file that shows a buffer.
/// struct BufferFile(SgTable);
///
/// #[vtable]
/// impl<D: Driver> FileOps<D> for BufferFile {
///     const NODE: Option<&'static CStr> = Some(c"mygpu");
///
///     fn open(lent: &Lent<'_, D>) -> impl PinInit<Self, Error> {
///         Ok::<_, Error>(Self(SgTable::alloc(4096, lent.dma(), GFP_KERNEL)?))
///     }
///
///     fn read(&self, _: &Lent<'_, D>, pos: &mut i64, dst: &mut IovIterDest<'_>) -> Result<usize> {
///         let mut bytes = [0; 256];
///         let start = usize::try_from(*pos)?;
///         let n = self.0.len().saturating_sub(start).min(bytes.len());
///         self.0.copy_to_slice(start, &mut bytes[..n])?;
///         let n = dst.copy_to_iter(&bytes[..n]);
///         *pos += n as i64;
///         Ok(n)
///     }
/// }
/// ```
#[vtable]
pub trait FileOps<D: Driver>: Sized + Send + Sync + 'static {
    /// The node is `/dev/<NODE>-<device name>`; `None` for a driver without one.
    const NODE: Option<&'static CStr>;

    /// Makes the state of a file that is being opened.
    ///
    /// Runs under the lock of all misc devices: nothing in here may open or register another one.
    fn open(lent: &Lent<'_, D>) -> impl PinInit<Self, Error>;

    /// Reads from position `pos` on into `dst`, moves `pos`, and returns the number of bytes.
    fn read(
        &self,
        _lent: &Lent<'_, D>,
        _pos: &mut i64,
        _dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes `src` from position `pos` on, moves `pos`, and returns the number of bytes.
    fn write(
        &self,
        _lent: &Lent<'_, D>,
        _pos: &mut i64,
        _src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles `mmap(2)` of what lies at byte `offset`, a multiple of the page size.
    ///
    /// See [`Shared::map_to_user`](crate::Shared::map_to_user). Runs under `mmap_lock`: take no lock
    /// in here that is held elsewhere while user space is accessed.
    fn mmap(&self, _lent: &Lent<'_, D>, _offset: u64, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The file is closed, for good, and the device is still bound.
    ///
    /// What the driver's data holds for this file can go. After unbind it is gone already, and this
    /// is not called.
    fn release(&self, _lent: &Lent<'_, D>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles `ioctl(2)`; see [`kernel::ioctl`] for `cmd`. `ENOTTY` for an unknown one.
    ///
    /// Runs in front of the gate, where unbinding does not wait for it: user space's memory is read
    /// and written here. What takes the device is done inside, by [`Door::enter`].
    fn ioctl(&self, _door: &Door<'_, D>, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What a file operation is lent for as long as it runs: the bound device and the driver's data.
///
/// The two lifetimes of `&'a Lent<'bound, D>` are kept apart on purpose: data that has room for
/// what lives as long as the binding cannot be made to hold what lives as long as an operation.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{pci::Driver, Lent, SgTable};
/// /// It derefs to the driver's data, `D::Data`.
/// fn alloc<D: Driver>(lent: &Lent<'_, D>, len: usize) -> Result<SgTable> {
///     SgTable::alloc(len, lent.dma(), GFP_KERNEL)
/// }
/// ```
#[repr(transparent)]
pub struct Lent<'bound, D: Driver>(Kept<'bound, D>);

/// Apart from it, so that what the macro makes is nobody else's.
#[pin_data]
struct Kept<'bound, D: Driver> {
    dma: DmaDevice<'bound>,
    #[pin]
    data: D::Data<'bound>,
}

impl<'bound, D: Driver> Lent<'bound, D> {
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        data: impl PinInit<D::Data<'bound>, Error>,
    ) -> impl PinInit<Self, Error> {
        let kept = try_pin_init!(Kept::<'bound, D> {
            dma,
            data <- data,
        });
        let init = |lent: *mut Self| {
            // SAFETY: It is transparent over that; the caller promises a place that is valid, and
            // stays, and leaves it alone on an error.
            unsafe { kept.__pinned_init(lent.cast()) }
        };
        // SAFETY: All of it is initialised then, or nothing is; it does not move.
        unsafe { pin_init::pin_init_from_closure(init) }
    }

    /// The bound device, to map memory for.
    pub fn dma(&self) -> DmaDevice<'bound> {
        self.0.dma
    }

    /// Returns what says whether the device is being unbound, and by which to sleep until then.
    pub fn unbinding(&self) -> &'bound Arc<Unbinding> {
        self.dma().unbinding()
    }

    pub(crate) fn data(self: Pin<&Self>) -> Pin<&D::Data<'bound>> {
        // SAFETY: `data`, and what it is in, are structurally pinned.
        unsafe { self.map_unchecked(|this| &this.0.data) }
    }
}

impl<'bound, D: Driver> Deref for Lent<'bound, D> {
    type Target = D::Data<'bound>;

    fn deref(&self) -> &Self::Target {
        &self.0.data
    }
}

/// [`Driver::Files`](crate::pci::Driver::Files) of a driver that has no device node.
pub enum NoFiles {}

#[vtable]
impl<D: Driver> FileOps<D> for NoFiles {
    const NODE: Option<&'static CStr> = None;

    fn open(_lent: &Lent<'_, D>) -> impl PinInit<Self, Error> {
        Err::<Self, Error>(ENODEV)
    }
}

/// The gate in front of a bound device, for one call of [`FileOps::ioctl`].
///
/// ```
/// # use kernel::{prelude::*, uaccess::{UserPtr, UserSlice}};
/// # use sgdma::{pci::Driver, Door, SgTable};
/// /// Copies user space's bytes into a buffer that is allocated for the device.
/// fn upload<D: Driver>(door: &Door<'_, D>, addr: usize, len: usize) -> Result<SgTable> {
///     let mut bytes = KVVec::new();
///     UserSlice::new(UserPtr::from_addr(addr), len).read_all(&mut bytes, GFP_KERNEL)?;
///     door.enter(|lent| {
///         let mut table = SgTable::alloc(len, lent.dma(), GFP_KERNEL)?;
///         table.copy_from_slice(0, &bytes)?;
///         Ok(table)
///     })
/// }
/// ```
pub struct Door<'a, D: Driver>(&'a OpenFile<D>);

impl<D: Driver> Door<'_, D> {
    /// Runs `work` inside, where the device stays bound until it returns.
    ///
    /// May be called again and again; the device may be unbound between two calls. What `work` is
    /// lent stays inside. `work` should access no memory of user space's, which may hold up
    /// unbinding: see [`FileOps`].
    ///
    /// # Errors
    ///
    /// `ENODEV` if unbinding has begun: `work` is not called then. Otherwise those of `work`.
    pub fn enter<R>(&self, work: impl FnOnce(&Lent<'_, D>) -> Result<R>) -> Result<R> {
        self.0.inside(|_, lent| work(lent))
    }
}

/// The `private_data` of an open file.
#[pin_data]
struct OpenFile<D: Driver> {
    gate: Arc<Gate>,
    #[pin]
    state: D::Files,
}

impl<D: Driver> OpenFile<D> {
    /// Runs `op` with what the gate lends, if the device is still bound.
    fn inside<R>(&self, op: impl FnOnce(&D::Files, &Lent<'_, D>) -> Result<R>) -> Result<R> {
        let inside = self.gate.enter().ok_or(ENODEV)?;
        // SAFETY: `Node::register()` gave the gate this type; it is valid, and nobody has it
        // exclusively, as long as `inside`. `op` takes any two lifetimes, so it can keep nothing
        // that borrows either.
        op(&self.state, unsafe { &*inside.target().cast() })
    }
}

/// A registered device node.
///
/// # Invariants
///
/// - `misc` is registered, and its `name` points into `name`.
/// - The target of `gate` is a `Lent<'_, D>`.
#[pin_data(PinnedDrop)]
pub(crate) struct Node<D: Driver> {
    gate: Arc<Gate>,
    name: CString,
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    _driver: PhantomData<D>,
}

// SAFETY: Nodes are registered and deregistered from any task. What is behind the gate is used by
// any task that opens the node; it is `Send` and `Sync`, as `D::Data` and `DmaDevice` are.
unsafe impl<D: Driver> Send for Node<D> {}
// SAFETY: As for `Send`; all shared access is to `gate`, which is `Sync`.
unsafe impl<D: Driver> Sync for Node<D> {}

impl<D: Driver> Node<D> {
    /// Registers the node `prefix`, whose operations are lent what `lent` points to.
    ///
    /// # Safety
    ///
    /// `lent` stays valid, and nobody has it exclusively, until the node was dropped; that happens
    /// before the binding ends.
    pub(crate) unsafe fn register<'bound>(
        prefix: &'static CStr,
        dma: DmaDevice<'bound>,
        lent: *const Lent<'bound, D>,
    ) -> impl PinInit<Self, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // SAFETY: By the requirements of this function `lent` outlives the node, whose drop
            // closes the gate.
            let gate = unsafe { Gate::new(dma.unbinding().clone(), lent.cast()) };
            let gate = Arc::pin_init(gate, GFP_KERNEL)?;
            let name = CString::try_from_fmt(fmt!("{}-{}", prefix, dma.device().name()))?;
            // Stays where it is when the `CString` is moved.
            let name_ptr = name.as_char_ptr();
            // The type makes sure that it is a constant in memory, not a temporary.
            let fops: &'static bindings::file_operations = &Vtable::<D>::FOPS;

            // INVARIANT: Registered, with its own name, and behind a gate with `lent`.
            Ok(try_pin_init!(Self {
                gate,
                name,
                _driver: PhantomData,
                // Last: from then on the node is opened, and all of it used.
                misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                    let misc = bindings::miscdevice {
                        minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                        name: name_ptr,
                        fops,
                        parent: dma.as_raw(),
                        ..pin_init::zeroed()
                    };
                    // SAFETY: `slot` is valid for writing.
                    unsafe { slot.write(misc) };
                    // SAFETY:
                    // - `slot` was just filled, and is pinned until it is deregistered on drop.
                    // - `name_ptr` and the parent live as long as the node; `fops` is static.
                    // - All that `open()` reaches, the other fields, is initialised.
                    to_result(unsafe { bindings::misc_register(slot) })
                }),
            }))
        })
    }
}

#[pinned_drop]
impl<D: Driver> PinnedDrop for Node<D> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered, by the type invariants. No `open` runs when this returns.
        unsafe { bindings::misc_deregister(self.misc.get()) };
        self.gate.close();
    }
}

struct Vtable<D: Driver>(PhantomData<D>);

impl<D: Driver> Vtable<D> {
    const FOPS: bindings::file_operations = bindings::file_operations {
        owner: D::MODULE.as_ptr(),
        open: Some(Self::open),
        release: Some(Self::release),
        // Positions are byte offsets; there is no end to seek from.
        llseek: Some(bindings::no_seek_end_llseek),
        read_iter: if D::Files::HAS_READ {
            Some(Self::read_iter)
        } else {
            None
        },
        write_iter: if D::Files::HAS_WRITE {
            Some(Self::write_iter)
        } else {
            None
        },
        unlocked_ioctl: if D::Files::HAS_IOCTL {
            Some(Self::ioctl)
        } else {
            None
        },
        mmap: if D::Files::HAS_MMAP {
            Some(Self::mmap)
        } else {
            None
        },
        compat_ioctl: if D::Files::HAS_IOCTL {
            bindings::compat_ptr_ioctl
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `file` is being opened on a [`Node<D>`], as `misc_open()` calls it.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `misc_open()` left a pointer to the `miscdevice` here.
        let misc: *mut bindings::miscdevice = unsafe { (*file).private_data }.cast();
        // SAFETY: It is the one in a `Node<D>`, as only that has these file operations. The rest
        // of the node was initialised before; `misc_open()` holds off deregistering, and so the
        // node's end, until we return.
        let node = unsafe { &*kernel::container_of!(Opaque::cast_from(misc), Node<D>, misc) };

        from_result(|| {
            let inside = node.gate.enter().ok_or(ENODEV)?;
            // SAFETY: As in `OpenFile::inside()`; `D::Files::open()` takes any two lifetimes, too.
            let lent: &Lent<'_, D> = unsafe { &*inside.target().cast() };
            let open = KBox::pin_init(
                try_pin_init!(OpenFile::<D> {
                    gate: node.gate.clone(),
                    state <- D::Files::open(lent),
                }),
                GFP_KERNEL,
            )?;
            // SAFETY: A file's `open` may set its private data.
            unsafe { (*file).private_data = open.into_foreign() };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `file` was opened by [`open`](Self::open) and is being released.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open()` put it there, and nobody uses the file any more.
        let open = unsafe { Pin::<KBox<OpenFile<D>>>::from_foreign((*file).private_data) };
        if D::Files::HAS_RELEASE {
            // It fails after unbind.
            let _ = open.inside(|file, lent| {
                file.release(lent);
                Ok(())
            });
        }
        0
    }

    /// # Safety
    ///
    /// As the VFS calls `mmap`: `file` was opened by [`open`](Self::open), and `vma` is being set up.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: The caller hands us both, and they stay during the call.
        let (open, offset, vma) = unsafe {
            (
                Self::opened(file),
                ((*vma).vm_pgoff as u64) << PAGE_SHIFT,
                VmaNew::from_raw(vma),
            )
        };
        from_result(|| {
            open.inside(|file, lent| file.mmap(lent, offset, vma))?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `file` was opened by [`open`](Self::open) and is not released during `'a`.
    unsafe fn opened<'a>(file: *mut bindings::file) -> &'a OpenFile<D> {
        // SAFETY: `open()` put it there; until `release()` it is only borrowed.
        let open: Pin<&'a OpenFile<D>> =
            unsafe { Pin::<KBox<OpenFile<D>>>::borrow((*file).private_data) };
        open.get_ref()
    }

    /// # Safety
    ///
    /// As the VFS calls `read_iter`: `kiocb` belongs to a file opened by [`open`](Self::open), and
    /// `iter` is a destination that nobody else uses, of memory that is there during the call.
    unsafe extern "C" fn read_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: The caller hands us a valid `kiocb`; nobody else uses its position meanwhile.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: The caller hands us a valid destination, ours alone.
        let dst = unsafe { IovIterDest::from_raw(iter) };
        let room = dst.len();
        transferred(open.inside(|file, lent| file.read(lent, pos, dst)), room)
    }

    /// # Safety
    ///
    /// As the VFS calls `write_iter`: `kiocb` belongs to a file opened by [`open`](Self::open), and
    /// `iter` is a source that nobody else uses, of memory that is there during the call.
    unsafe extern "C" fn write_iter(
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> isize {
        // SAFETY: The caller hands us a valid `kiocb`; nobody else uses its position meanwhile.
        let (open, pos) = unsafe { (Self::opened((*kiocb).ki_filp), &mut (*kiocb).ki_pos) };
        // SAFETY: The caller hands us a valid source, ours alone.
        let src = unsafe { IovIterSource::from_raw(iter) };
        let given = src.len();
        transferred(open.inside(|file, lent| file.write(lent, pos, src)), given)
    }

    /// # Safety
    ///
    /// `file` was opened by [`open`](Self::open).
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: The caller guarantees it.
        let open = unsafe { Self::opened(file) };
        from_result(|| {
            // Or else a bad request to a device that is gone would be told that it is bad.
            if open.gate.is_shut() {
                return Err(ENODEV);
            }
            Ok(open.state.ioctl(&Door(open), cmd, arg)? as c_long)
        })
    }
}

/// What the VFS takes for the number of bytes of a read or a write of at most `most`.
///
/// It has a `BUG_ON` for `EIOCBQUEUED`, which promises a completion that nobody will give, and
/// trusts the number.
fn transferred(result: Result<usize>, most: usize) -> isize {
    from_result(|| match result {
        Ok(n) => Ok(isize::try_from(n.min(most))?),
        Err(e) if e == EIOCBQUEUED => Err(EIO),
        Err(e) => Err(e),
    })
}
