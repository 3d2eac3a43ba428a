// SPDX-License-Identifier: GPL-2.0

//! The contract between a driver and this library, on whatever bus.
//!
//! A driver implements [`Driver`], and the trait of its bus, as [`crate::pci::Driver`]. An open file
//! outlives the binding, so its own state is `'static`; each operation is lent the driver's data,
//! which may borrow the binding, for as long as it runs.

mod binding;
mod file;
mod node;
pub mod pci;

pub use binding::Quiet;

use crate::{
    device::dma_device::DmaDevice,
    lifecycle::{
        gate::Gate,
        unbinding::Unbinding, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::Arc,
    ThisModule, //
};

/// The module a driver is in; implemented by [`module_pci_driver!`](crate::module_pci_driver).
///
/// # Safety
///
/// [`MODULE`](Self::MODULE) is the module that the implementing code is in.
pub unsafe trait DriverModule {
    /// `THIS_MODULE` of the driver.
    const MODULE: &'static ThisModule;
}

/// A driver, on whatever bus: the part that the trait of its bus, as
/// [`pci::Driver`](crate::pci::Driver), builds on.
///
/// ```
/// # use sgdma::{Mapped, NoFiles, ToDevice};
/// struct Gpu;
///
/// impl sgdma::Driver for Gpu {
///     type Data<'bound> = Mapped<'bound, ToDevice>;
///     type Files = NoFiles;
/// }
/// # // SAFETY: As `module_pci_driver!` does it.
/// # unsafe impl sgdma::DriverModule for Gpu {
/// #     const MODULE: &'static kernel::ThisModule = &THIS_MODULE;
/// # }
/// # kernel::prelude::module! { type: M, name: "gpu", authors: [""], description: "", license: "GPL" }
/// # struct M;
/// # impl kernel::Module for M {
/// #     fn init(_: &'static kernel::ThisModule) -> kernel::prelude::Result<Self> { Ok(Self) }
/// # }
/// # fn main() {}
/// ```
pub trait Driver: DriverModule + Sized + 'static {
    /// The driver's objects for one bound device. They may borrow the binding.
    type Data<'bound>: Send + Sync + 'bound;

    /// What user space can open: a type of the driver, or [`NoFiles`].
    type Files: FileOps<Self>;
}

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
/// # use sgdma::{pci::Driver, FileOps, DriverContext, SgTable};
/// /// A file that shows a buffer.
/// struct BufferFile(SgTable);
///
/// #[vtable]
/// impl<D: Driver> FileOps<D> for BufferFile {
///     const NODE: Option<&'static CStr> = Some(c"mygpu");
///
///     fn open(ctx: &DriverContext<'_, D>) -> impl PinInit<Self, Error> {
///         Ok::<_, Error>(Self(SgTable::alloc(4096, ctx.dma(), GFP_KERNEL)?))
///     }
///
///     fn read(&self, _: &DriverContext<'_, D>, pos: &mut i64, dst: &mut IovIterDest<'_>) -> Result<usize> {
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
    fn open(ctx: &DriverContext<'_, D>) -> impl PinInit<Self, Error>;

    /// Reads from position `pos` on into `dst`, moves `pos`, and returns the number of bytes.
    fn read(
        &self,
        _ctx: &DriverContext<'_, D>,
        _pos: &mut i64,
        _dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes `src` from position `pos` on, moves `pos`, and returns the number of bytes.
    fn write(
        &self,
        _ctx: &DriverContext<'_, D>,
        _pos: &mut i64,
        _src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles `mmap(2)` of what lies at byte `offset`, a multiple of the page size.
    ///
    /// See [`Shared::map_to_user`](crate::Shared::map_to_user). Runs under `mmap_lock`: take no lock
    /// in here that is held elsewhere while user space is accessed.
    fn mmap(&self, _ctx: &DriverContext<'_, D>, _offset: u64, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The file is closed, for good, and the device is still bound.
    ///
    /// What the driver's data holds for this file can go. After unbind it is gone already, and this
    /// is not called.
    fn release(&self, _ctx: &DriverContext<'_, D>) {
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

/// [`Driver::Files`] of a driver that has no device node.
pub enum NoFiles {}

#[vtable]
impl<D: Driver> FileOps<D> for NoFiles {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, D>) -> impl PinInit<Self, Error> {
        Err::<Self, Error>(ENODEV)
    }
}

/// What a file operation is lent for as long as it runs: the bound device and the driver's data.
///
/// The two lifetimes of `&'a DriverContext<'bound, D>` are kept apart on purpose: data that has room for
/// what lives as long as the binding cannot be made to hold what lives as long as an operation.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{pci::Driver, DriverContext, SgTable};
/// /// It derefs to the driver's data, `D::Data`.
/// fn alloc<D: Driver>(ctx: &DriverContext<'_, D>, len: usize) -> Result<SgTable> {
///     SgTable::alloc(len, ctx.dma(), GFP_KERNEL)
/// }
/// ```
#[repr(transparent)]
pub struct DriverContext<'bound, D: Driver>(Kept<'bound, D>);

/// Apart from it, so that what the macro makes is nobody else's.
#[pin_data]
struct Kept<'bound, D: Driver> {
    dma: DmaDevice<'bound>,
    #[pin]
    data: D::Data<'bound>,
}

impl<'bound, D: Driver> DriverContext<'bound, D> {
    pub(crate) fn new(
        dma: DmaDevice<'bound>,
        data: impl PinInit<D::Data<'bound>, Error>,
    ) -> impl PinInit<Self, Error> {
        let kept = try_pin_init!(Kept::<'bound, D> {
            dma,
            data <- data,
        });
        let init = |ctx: *mut Self| {
            // SAFETY: It is transparent over that; the caller promises a place that is valid, and
            // stays, and leaves it alone on an error.
            unsafe { kept.__pinned_init(ctx.cast()) }
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

impl<'bound, D: Driver> Deref for DriverContext<'bound, D> {
    type Target = D::Data<'bound>;

    fn deref(&self) -> &Self::Target {
        &self.0.data
    }
}

/// The gate in front of what file operations of driver `D` are lent.
///
/// # Invariants
///
/// The target of `gate` is a [`DriverContext<'_, D>`].
pub(crate) struct DriverGate<D: Driver> {
    gate: Arc<Gate>,
    _driver: PhantomData<fn() -> D>,
}

impl<D: Driver> Clone for DriverGate<D> {
    fn clone(&self) -> Self {
        // INVARIANT: It is the same gate.
        Self {
            gate: self.gate.clone(),
            _driver: PhantomData,
        }
    }
}

impl<D: Driver> DriverGate<D> {
    /// Makes a gate that lets in to `lent` until `unbinding` has begun.
    ///
    /// # Safety
    ///
    /// `lent` stays valid, and nobody has it exclusively, until [`close`](Self::revoke) has
    /// returned.
    pub(crate) unsafe fn new(
        unbinding: Arc<Unbinding>,
        ctx: *const DriverContext<'_, D>,
    ) -> Result<Self> {
        // SAFETY: The caller promises a target that stays valid, and shared, for so long.
        let gate = unsafe { Gate::new(unbinding, ctx.cast()) };
        // INVARIANT: `lent` has this type.
        Ok(Self {
            gate: Arc::pin_init(gate, GFP_KERNEL)?,
            _driver: PhantomData,
        })
    }

    /// Runs `op` inside with what the gate lends; `ENODEV` if it is shut.
    pub(crate) fn enter<R>(
        &self,
        op: impl FnOnce(&DriverContext<'_, D>) -> Result<R>,
    ) -> Result<R> {
        let inside = self.gate.enter().ok_or(ENODEV)?;
        // SAFETY:
        // - The target has this type, by the type invariants. It is valid, and nobody has it
        //   exclusively, as long as `inside`, which outlives the call of `op`.
        // - `op` takes any two lifetimes, so it can keep nothing that borrows either.
        op(unsafe { &*inside.target().cast() })
    }

    /// Returns whether nobody is let in any more.
    pub(crate) fn is_revoked(&self) -> bool {
        self.gate.is_revoked()
    }

    /// Lets nobody in any more, and waits until nobody is inside. May sleep.
    pub(crate) fn revoke(&self) {
        self.gate.revoke();
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
///     door.enter(|ctx| {
///         let mut table = SgTable::alloc(len, ctx.dma(), GFP_KERNEL)?;
///         table.copy_from_slice(0, &bytes)?;
///         Ok(table)
///     })
/// }
/// ```
pub struct Door<'a, D: Driver>(pub(crate) &'a DriverGate<D>);

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
    pub fn enter<R>(&self, work: impl FnOnce(&DriverContext<'_, D>) -> Result<R>) -> Result<R> {
        self.0.enter(work)
    }
}
