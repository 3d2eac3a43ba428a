// SPDX-License-Identifier: GPL-2.0

//! The contract between a driver and this library, for any bus.
//!
//! A driver implements two traits: [`Driver`], which does not depend on the bus, and the trait of
//! its bus: [`crate::pci::Driver`] or [`crate::platform::Driver`].
//!
//! The driver's data, [`Driver::Data`], exists while the device is bound, and may borrow the
//! binding. The state of an open file, [`Driver::Files`], may exist longer, so it is `'static`.
//! Each operation on an open file borrows the data through a [`DriverContext`], for as long as the
//! operation runs. A gate makes sure that the device is still bound then. [`Driver::Handlers`]
//! borrow the data likewise; the binding ends them before the data.

mod binding;
mod bus;
mod file;
mod handlers;
mod node;
mod nodes;
pub mod pci;
pub mod platform;
mod poll;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod revocation;
mod tasks;

pub use bus::Quiet;
pub use nodes::Nodes;
pub use poll::PollEvents;
pub use tasks::Tasks;

use crate::{
    device::dma_device::DmaDevice,
    domain::device::BoundDevice,
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
    device::{
        Bound,
        Device, //
    },
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

/// A driver's kernel module. [`module_pci_driver!`](crate::module_pci_driver) and
/// [`module_platform_driver!`](crate::module_platform_driver) implement this.
///
/// # Safety
///
/// [`MODULE`](Self::MODULE) is the module that has the code of the implementing type.
pub unsafe trait DriverModule {
    /// The driver's `THIS_MODULE`.
    const MODULE: &'static ThisModule;
}

/// Declares a module that is one driver of the bus `sgdma::$of`. Only for
/// [`module_pci_driver!`](crate::module_pci_driver) and its like.
#[doc(hidden)]
#[macro_export]
macro_rules! module_driver_of_bus {
    ($of:ident, type: $type:ty, $($f:tt)*) => {
        // SAFETY: `this_module!` gives the module that expands this macro, which has the code of
        // `$type`.
        unsafe impl $crate::DriverModule for $type {
            const MODULE: &'static ::kernel::ThisModule = $crate::this_module!();
        }

        #[::kernel::prelude::pin_data]
        struct DriverModuleOfBus {
            #[pin]
            _driver: $crate::$of::Registration<$type>,
        }

        impl ::kernel::InPlaceModule for DriverModuleOfBus {
            fn init(
                _module: &'static ::kernel::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, ::kernel::error::Error> {
                ::kernel::try_pin_init!(Self {
                    // SAFETY: This code is in the module `MODULE` of `$type`, which expands the
                    // macro. The module's exit drops the registration.
                    _driver <- unsafe {
                        $crate::$of::Registration::new(
                            <Self as ::kernel::ModuleMetadata>::NAME
                        )
                    },
                })
            }
        }

        ::kernel::prelude::module! {
            type: DriverModuleOfBus,
            $($f)*
        }
    };
}

/// A driver for any bus. The trait of the driver's bus, [`pci::Driver`](crate::pci::Driver) or
/// [`platform::Driver`](crate::platform::Driver), builds on this.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Driver, DriverContext};
/// /// A function for the files of any driver, on whatever bus.
/// fn show<D: Driver>(ctx: &DriverContext<'_, D>) {
///     dev_info!(ctx.device(), "bound: {}\n", !ctx.unbinding().has_begun());
/// }
/// ```
pub trait Driver: DriverModule + Sized + 'static {
    /// The driver's data for one bound device. It may borrow the binding.
    type Data<'bound>: Send + Sync + 'bound;

    /// The state of a file that user space opens, or [`NoFiles`].
    type Files: FileOps<Self>;

    /// The interrupts, work items and timers, or [`NoHandlers`].
    type Handlers: Handlers<Self>;

    /// The device that the driver is given: [`DmaDevice`], for which the DMA API maps memory, or
    /// [`DomainDevice`](crate::DomainDevice), which is attached to a domain.
    type Dma<'bound>: BoundDevice<'bound>;

    /// Returns the number of the domain that the device is attached to. Called only if `Dma` is a
    /// [`DomainDevice`]. May sleep.
    ///
    /// Devices share a domain if their drivers are of one module, and have the same number and the
    /// same type of [`DomainData`](crate::DomainData). With `None`, which is the default, a device
    /// has a domain of its own.
    ///
    /// [`DomainDevice`]: crate::DomainDevice
    fn domain(dev: &Device<Bound>) -> Option<u32> {
        let _ = dev;
        None
    }
}

/// The state of one open file of driver `D`, and the operations on the file.
///
/// Operations run in process context and may sleep. Unbinding waits until a running operation
/// returns, so an operation must end soon once unbinding has begun:
///
/// - An operation that waits for the device sleeps in [`Unbinding::wait`] or
///   [`Completion::wait`](crate::Completion::wait), which unbinding ends.
/// - An operation of many steps calls [`Unbinding::has_begun`] before each step.
/// - No operation waits for the unbinding of its own device in another way: that is a deadlock.
///
/// An access to memory of user space may take long. A process may serve such memory late or never
/// (`userfaultfd(2)`, FUSE). An `ioctl` accesses the memory outside of the gate. In `read`, `write`
/// and `mmap` the access delays unbinding until the memory is served. If the process of the
/// operation is killed, the access fails with `EFAULT`.
///
/// ```
/// # use kernel::{iov::IovIterDest, prelude::*};
/// # use sgdma::{pci::Driver, FileOps, DriverContext, SegmentLimits, SgTable};
/// /// A file whose bytes are those of a buffer.
/// struct BufferFile(SgTable);
///
/// #[vtable]
/// impl<D: Driver> FileOps<D> for BufferFile {
///     const NODE: Option<&'static CStr> = Some(c"mygpu");
///
///     fn open(_ctx: &DriverContext<'_, D>, _node: u32) -> impl PinInit<Self, Error> {
///         Ok::<_, Error>(Self(SgTable::alloc(4096, SegmentLimits::NONE, GFP_KERNEL)?))
///     }
///
///     fn read(
///         &self,
///         _: &DriverContext<'_, D>,
///         pos: &mut i64,
///         dst: &mut IovIterDest<'_>,
///     ) -> Result<usize> {
///         let start = usize::try_from(*pos)?.min(self.0.len());
///         let n = self.0.copy_to_iter(start, self.0.len() - start, dst)?;
///         *pos += n as i64;
///         Ok(n)
///     }
/// }
/// ```
#[vtable]
pub trait FileOps<D: Driver>: Sized + Send + Sync + 'static {
    /// The prefix of the node `/dev/<NODE>-<device name>`; `None` for a driver without a node, or
    /// with its own [`nodes`](Self::nodes).
    const NODE: Option<&'static CStr>;

    /// Names the nodes of the device: by default the one of [`NODE`](Self::NODE), which root may
    /// read and write. May sleep.
    ///
    /// The nodes appear after this, which is called after the driver's `start`. When the device is
    /// unbound, all of them go together.
    ///
    /// # Errors
    ///
    /// An error fails the binding.
    fn nodes(ctx: &DriverContext<'_, D>, nodes: &mut Nodes) -> Result {
        match Self::NODE {
            Some(prefix) => nodes.add(fmt!("{}-{}", prefix, ctx.device().name()), 0o600),
            None => Ok(()),
        }
    }

    /// Creates the state of a file that is being opened. May sleep.
    ///
    /// `node` is the index of the node: 0 for the first of [`nodes`](Self::nodes).
    ///
    /// Runs with the mutex of all misc devices held, so it must neither open nor register another
    /// misc device.
    fn open(ctx: &DriverContext<'_, D>, node: u32) -> impl PinInit<Self, Error>;

    /// Reads from position `pos` on to `dst`, advances `pos`, and returns the number of bytes.
    /// May sleep.
    fn read(
        &self,
        _ctx: &DriverContext<'_, D>,
        _pos: &mut i64,
        _dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes `src` from position `pos` on, advances `pos`, and returns the number of bytes. May
    /// sleep.
    fn write(
        &self,
        _ctx: &DriverContext<'_, D>,
        _pos: &mut i64,
        _src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns what the file is ready for: `poll(2)`, `select(2)` and `epoll(7)`. Must not sleep
    /// for long.
    ///
    /// [`Unbinding::wake_all`] makes those who poll call this again. So code that makes the file
    /// ready calls that afterwards. Once unbinding has begun, the library answers for the driver:
    /// [`PollEvents::ERR`] and [`PollEvents::HUP`].
    ///
    /// ```
    /// # use kernel::sync::atomic::{Acquire, Atomic};
    /// # use sgdma::{Driver, DriverContext, PollEvents};
    /// # struct Queue { completed: Atomic<u32> }
    /// # impl Queue {
    /// fn poll<D: Driver>(&self, _ctx: &DriverContext<'_, D>) -> PollEvents {
    ///     match self.completed.load(Acquire) {
    ///         0 => PollEvents::OUT,
    ///         _ => PollEvents::IN | PollEvents::OUT,
    ///     }
    /// }
    /// # }
    /// ```
    fn poll(&self, _ctx: &DriverContext<'_, D>) -> PollEvents {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles `mmap(2)` of the file from byte `offset` on, a multiple of the page size. May sleep.
    ///
    /// [`Shared::map_to_user`](crate::Shared::map_to_user) does the mapping. Runs with `mmap_lock`
    /// held, so it must not take a lock that other code holds while it accesses memory of user
    /// space.
    fn mmap(&self, _ctx: &DriverContext<'_, D>, _offset: u64, _vma: &VmaNew) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Releases the objects that the driver's data holds for this file, which was closed. May
    /// sleep.
    ///
    /// Runs only while the device is bound: after unbinding, the driver's data is gone.
    fn release(&self, _ctx: &DriverContext<'_, D>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles `ioctl(2)`; see [`kernel::ioctl`] for `cmd`. May sleep.
    ///
    /// Runs in front of the gate, where unbinding does not wait: here the operation accesses memory
    /// of user space. For all that needs the device, the operation enters by [`Door::enter`].
    ///
    /// # Errors
    ///
    /// `ENOTTY` for an unknown `cmd`.
    fn ioctl(&self, _door: &Door<'_, D>, _cmd: u32, _arg: usize) -> Result<isize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The [`Driver::Files`] of a driver without a device node.
pub enum NoFiles {}

#[vtable]
impl<D: Driver> FileOps<D> for NoFiles {
    const NODE: Option<&'static CStr> = None;

    fn open(_ctx: &DriverContext<'_, D>, _node: u32) -> impl PinInit<Self, Error> {
        Err::<Self, Error>(ENODEV)
    }
}

/// A driver's answer to an interrupt.
// The values are those of C, which `handlers.c` compares. The kernel crate has them by different
// names in different kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum IrqReturn {
    /// The interrupt is not the device's, or the device does not answer: `IRQ_NONE`.
    None = 0,
    /// The interrupt was handled: `IRQ_HANDLED`.
    Handled = 1,
    /// [`Handlers::irq_thread`] handles the rest: `IRQ_WAKE_THREAD`.
    WakeThread = 2,
}

/// The interrupts, work items and timers of driver `D`, or [`NoHandlers`].
///
/// A driver has the handlers that it implements. Vectors, work items and timers are numbered from
/// zero. A handler begins after the driver's `probe` has succeeded, at the earliest. When the
/// driver is unbound, the last handlers end after the driver's `stop`.
///
/// ```
/// # use kernel::{prelude::*, sync::atomic::{Atomic, Relaxed}};
/// # use sgdma::{pci::Driver, DriverContext, Handlers, IrqContext, IrqReturn};
/// # trait Counts { fn count(&self) -> &Atomic<u32>; }
/// /// Counts interrupts, and logs the number a second later.
/// struct Count;
///
/// #[vtable]
/// impl<D: Driver> Handlers<D> for Count
/// where
///     for<'bound> D::Data<'bound>: Counts,
/// {
///     const TIMERS: u32 = 1;
///
///     fn irq(ctx: &IrqContext<'_, D>, _vector: u32) -> IrqReturn {
///         ctx.count().fetch_add(1, Relaxed);
///         ctx.tasks().start_timer(0, kernel::time::msecs_to_jiffies(1000));
///         IrqReturn::Handled
///     }
///
///     fn timer(ctx: &IrqContext<'_, D>, _timer: u32) {
///         pr_info!("{} interrupts\n", ctx.count().load(Relaxed));
///     }
/// }
/// ```
#[vtable]
pub trait Handlers<D: Driver>: 'static {
    /// The number of work items. Not zero for a driver that implements [`work`](Self::work), and
    /// zero for others.
    const WORK_ITEMS: u32 = 0;

    /// The number of timers. Not zero for a driver that implements [`timer`](Self::timer), and zero
    /// for others.
    const TIMERS: u32 = 0;

    /// Handles an interrupt of `vector`. Must not sleep.
    ///
    /// Runs in hard interrupt context, or in a thread if the kernel makes threads of all handlers
    /// (`threadirqs`). It may run as soon as the interrupt is requested: before the driver's
    /// `start`, and before the device was told to raise interrupts. Others may share the line of a
    /// legacy interrupt. After the device was pulled out, its registers read as ones. So this
    /// returns [`IrqReturn::None`] unless the device says that the interrupt is its own. Before it
    /// returns [`IrqReturn::WakeThread`] it silences the device, because the line of a legacy
    /// interrupt stays raised until then.
    fn irq(_ctx: &IrqContext<'_, D>, _vector: u32) -> IrqReturn {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Handles the rest of an interrupt of `vector`. May sleep.
    ///
    /// Runs in a thread of the vector after [`irq`](Self::irq) has returned
    /// [`IrqReturn::WakeThread`].
    fn irq_thread(_ctx: &DriverContext<'_, D>, _vector: u32) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs work item `item`, which [`Tasks::queue`] has queued. May sleep.
    ///
    /// A work item that is queued while it runs, runs once more afterwards. Unbinding waits for it,
    /// as for a file operation.
    fn work(_ctx: &DriverContext<'_, D>, _item: u32) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Runs when `timer` has expired, which [`Tasks::start_timer`] has started. Must not sleep.
    ///
    /// Runs in soft interrupt context.
    fn timer(_ctx: &IrqContext<'_, D>, _timer: u32) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The [`Driver::Handlers`] of a driver without handlers.
pub enum NoHandlers {}

#[vtable]
impl<D: Driver> Handlers<D> for NoHandlers {}

/// The bound device and the driver's data, which a file operation or a handler borrows for as long
/// as it runs.
///
/// It derefs to the driver's data, `D::Data`.
///
/// The lifetimes of `&'a DriverContext<'bound, D>` are different on purpose: data that can hold
/// values of lifetime `'bound` must not be able to hold values that live only as long as one
/// operation, `'a`.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, Driver, DriverContext, SgTable};
/// fn alloc<'bound, D>(ctx: &DriverContext<'bound, D>, len: usize) -> Result<SgTable>
/// where
///     D: Driver<Dma<'bound> = DmaDevice<'bound>>,
/// {
///     SgTable::alloc(len, ctx.dma(), GFP_KERNEL)
/// }
/// ```
#[repr(transparent)]
pub struct DriverContext<'bound, D: Driver>(ContextFields<'bound, D>);

/// The fields of a [`DriverContext`].
// The fields have a private type, so that the items that `#[pin_data]` generates are private too.
#[pin_data]
struct ContextFields<'bound, D: Driver> {
    /// The device, also if it is attached to a domain. Not for mapping then.
    bound: DmaDevice<'bound>,
    dma: D::Dma<'bound>,
    tasks: Tasks,
    #[pin]
    data: D::Data<'bound>,
}

impl<'bound, D: Driver> DriverContext<'bound, D> {
    /// Creates the context of a binding from the driver's data.
    pub(crate) fn new(
        bound: DmaDevice<'bound>,
        dma: D::Dma<'bound>,
        tasks: Tasks,
        data: impl PinInit<D::Data<'bound>, Error>,
    ) -> impl PinInit<Self, Error> {
        let fields = try_pin_init!(ContextFields::<'bound, D> {
            bound,
            dma,
            tasks,
            data <- data,
        });
        // SAFETY: `DriverContext` is `repr(transparent)` over its only field. So a pointer to one
        // can be cast to a pointer to the field, and an initialised field makes a valid context.
        unsafe { pin_init::cast_pin_init(fields) }
    }

    /// Returns the bound device that the driver maps memory for. For any context.
    pub fn dma(&self) -> D::Dma<'bound> {
        self.0.dma
    }

    /// Returns the bound device, for the log for example. For any context.
    pub fn device(&self) -> &'bound Device<Bound> {
        self.0.bound.device()
    }

    /// Returns the driver's work items and timers. For any context.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Returns the flag that unbinding has begun, which also ends sleeps. For any context.
    pub fn unbinding(&self) -> &'bound Arc<Unbinding> {
        self.0.bound.unbinding()
    }

    /// Returns the driver's data, pinned.
    pub(crate) fn data(self: Pin<&Self>) -> Pin<&D::Data<'bound>> {
        // SAFETY: `data` is a structurally pinned field of `ContextFields`, and that is a field of
        // `DriverContext`, which never moves it either.
        unsafe { self.map_unchecked(|this| &this.0.data) }
    }
}

impl<'bound, D: Driver> Deref for DriverContext<'bound, D> {
    type Target = D::Data<'bound>;

    fn deref(&self) -> &Self::Target {
        &self.0.data
    }
}

/// The driver's data, which a handler in interrupt context borrows for as long as it runs.
///
/// It derefs to the driver's data, `D::Data`. It is a [`DriverContext`] without the bound device:
/// most of what a device is needed for may sleep.
#[repr(transparent)]
pub struct IrqContext<'bound, D: Driver>(DriverContext<'bound, D>);

impl<'bound, D: Driver> IrqContext<'bound, D> {
    /// Takes the bound device away from `ctx`.
    pub(crate) fn of<'a>(ctx: &'a DriverContext<'bound, D>) -> &'a Self {
        // SAFETY: `IrqContext` is `repr(transparent)` over `DriverContext`.
        unsafe { &*core::ptr::from_ref(ctx).cast() }
    }

    /// Returns the driver's work items and timers. For any context.
    pub fn tasks(&self) -> &Tasks {
        self.0.tasks()
    }

    /// Returns the flag that unbinding has begun, which also wakes tasks. For any context.
    pub fn unbinding(&self) -> &'bound Arc<Unbinding> {
        self.0.unbinding()
    }
}

impl<'bound, D: Driver> Deref for IrqContext<'bound, D> {
    type Target = D::Data<'bound>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The gate in front of the [`DriverContext`] of driver `D`.
///
/// # Invariants
///
/// The target of `gate` is a [`DriverContext<'_, D>`]. Nobody has it exclusively as long as it is
/// valid.
pub(crate) struct DriverGate<D: Driver> {
    gate: Arc<Gate>,
    /// Makes the type invariant in `D`. A driver and a subtype of it, such as `S<fn(&'static ())>`
    /// and `S<for<'a> fn(&'a ())>`, may have data of different types.
    _driver: PhantomData<fn(D) -> D>,
}

impl<D: Driver> Clone for DriverGate<D> {
    fn clone(&self) -> Self {
        // INVARIANT: The clone has the same gate, and with it the same target.
        Self {
            gate: self.gate.clone(),
            _driver: PhantomData,
        }
    }
}

impl<D: Driver> DriverGate<D> {
    /// Creates a gate in front of `ctx` that is open until `unbinding` has begun. May sleep.
    ///
    /// # Safety
    ///
    /// - `ctx` is valid until [`revoke`](Self::revoke) has returned.
    /// - Nobody has `ctx` exclusively until then.
    pub(crate) unsafe fn new(
        unbinding: Arc<Unbinding>,
        ctx: *const DriverContext<'_, D>,
    ) -> Result<Self> {
        // SAFETY: `ctx` is valid, and nobody has it exclusively, until `revoke()` of this type has
        // returned, as the caller promises. That is `revoke()` of `Gate`.
        let gate = unsafe { Gate::new(unbinding, ctx.cast()) };
        // INVARIANT: `ctx`, the target, has this type. Nobody has it exclusively, as the caller
        // promises.
        Ok(Self {
            gate: Arc::pin_init(gate, GFP_KERNEL)?,
            _driver: PhantomData,
        })
    }

    /// Runs `op` inside of the gate. Returns `ENODEV` if the gate is revoked.
    pub(crate) fn enter<R>(
        &self,
        op: impl FnOnce(&DriverContext<'_, D>) -> Result<R>,
    ) -> Result<R> {
        let inside = self.gate.enter().ok_or(ENODEV)?;
        // SAFETY:
        // - By the type invariants the target is a `DriverContext` of `D`, and nobody has it
        //   exclusively.
        // - By the invariants of `Inside` the target is valid as long as `inside`, which outlives
        //   the call of `op`.
        // - The lifetimes of the reference are made up here. `op` must accept any two lifetimes, so
        //   it can keep nothing that borrows the target or the binding.
        op(unsafe { &*inside.target().cast() })
    }

    /// Returns true if the gate lets nobody in any more. For any context.
    pub(crate) fn is_revoked(&self) -> bool {
        self.unbinding().has_begun()
    }

    /// Returns the state that revokes the gate. It lives as long as the gate.
    pub(crate) fn unbinding(&self) -> &Unbinding {
        self.gate.unbinding()
    }

    /// Begins unbinding, and waits until nobody is inside. May sleep.
    pub(crate) fn revoke(&self) {
        self.gate.revoke();
    }
}

/// The way through the gate for one call of [`FileOps::ioctl`].
///
/// The operation accesses memory of user space outside, and the device inside.
///
/// ```
/// # use kernel::{prelude::*, uaccess::{UserPtr, UserSlice}};
/// # use sgdma::{pci::Driver, Door, SegmentLimits, SgTable};
/// /// Copies bytes of user space to a new buffer for the device.
/// fn upload<D: Driver>(door: &Door<'_, D>, addr: usize, len: usize) -> Result<SgTable> {
///     let mut bytes = KVVec::new();
///     UserSlice::new(UserPtr::from_addr(addr), len).read_all(&mut bytes, GFP_KERNEL)?;
///     door.enter(|ctx| {
///         dev_dbg!(ctx.device(), "{} bytes\n", len);
///         let mut table = SgTable::alloc(len, SegmentLimits::NONE, GFP_KERNEL)?;
///         table.copy_from_slice(0, &bytes)?;
///         Ok(table)
///     })
/// }
/// ```
pub struct Door<'a, D: Driver>(pub(crate) &'a DriverGate<D>);

impl<D: Driver> Door<'_, D> {
    /// Runs `work` inside of the gate, where the device stays bound until `work` returns.
    ///
    /// `work` cannot keep anything that it borrows from the [`DriverContext`]. It should not access
    /// memory of user space, because that may delay unbinding: see [`FileOps`]. An operation may
    /// call this several times; the device may be unbound between two calls.
    ///
    /// # Errors
    ///
    /// - `ENODEV` if unbinding has begun. `work` is not called then.
    /// - Those of `work`.
    pub fn enter<R>(&self, work: impl FnOnce(&DriverContext<'_, D>) -> Result<R>) -> Result<R> {
        self.0.enter(work)
    }
}
