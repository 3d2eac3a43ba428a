// SPDX-License-Identifier: GPL-2.0

//! Scatter-gather DMA for drivers, in safe Rust.
//!
//! C headers: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h),
//! [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)
//!
//! A buffer is an [`SgTable`]. Mapping it for a [`DmaDevice`] makes it a [`Mapped`] table: its bus
//! addresses can be walked, and the CPU has no access to its bytes. While the device works on the
//! buffer, it is [`InFlight`]. A [`CoherentDevice`] and the CPU can use a buffer at the same time:
//! then it is [`Shared`]. [`InPlace`] proves the same for one buffer. Memory that processes use,
//! too, is a [`UserTable`], which can only be shared. Rings and descriptors are in a
//! [`CoherentBuffer`] or in blocks of a [`DmaPool`]. Tables that come one by one are linked in an
//! [`Iova`], a range of addresses that is reserved first. A driver whose device is a
//! [`DomainDevice`] maps at addresses of its choice: a [`DomainMapping`]. Devices pass buffers on
//! as a [`DmaBuf`], also memory of their own: [`PeerMemory`]. A driver implements
//! [`Driver`] and the trait of its bus, [`pci::Driver`] or [`platform::Driver`]. Its open files
//! implement [`FileOps`]; its interrupts, work items and timers are [`Handlers`].
//!
//! ```
//! # use kernel::prelude::*;
//! # use sgdma::{DmaDevice, FromDevice, SgTable};
//! /// Makes the device write a buffer, and copies the bytes.
//! fn receive(dev: DmaDevice<'_>, engine: &mut Engine, bytes: &mut [u8]) -> Result {
//!     let table = SgTable::alloc(bytes.len(), dev, GFP_KERNEL)?;
//!     let in_flight = table.map(dev, FromDevice)?.submit();
//!     for run in in_flight.dma_runs() {
//!         engine.enqueue(run.addr, run.len);
//!     }
//!     // On an error the buffer goes into quarantine: the device may still be writing to it.
//!     engine.run()?;
//!     in_flight.complete().unmap().copy_to_slice(0, bytes)
//! }
//! # struct Engine(u64);
//! # impl Engine {
//! #     fn enqueue(&mut self, _addr: u64, len: u64) { self.0 += len; }
//! #     fn run(&mut self) -> Result { Ok(()) }
//! # }
//! # fn example(dev: DmaDevice<'_>) -> Result {
//! #     let mut engine = Engine(0);
//! #     receive(dev, &mut engine, &mut [0; 500])?;
//! #     assert_eq!(engine.0, 500);
//! #     Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! The sources are folders, each of which uses only those before it. Read in this order:
//!
//! - `ffi/`: the C functions of this module, and their declarations, which bindgen makes
//! - `base/`: errors, allocation flags, directions, a lock, and what differs between kernels
//! - `walk/`: scatterlists, and the walks over their pages and their bus addresses
//! - `lifecycle/`: the end of a binding, buffers that outlive it, and buffers that a worker frees
//! - `device/`: devices, what each reaches, and whether each is coherent
//! - `table/`: pages, and the segments that describe them
//! - `map/`: tables that are mapped, turns of the CPU and the device, and coherent memory
//! - `domain/`: address spaces that a driver fills itself, in the place of the DMA API's
//! - `dmabuf/`: buffers that several devices share, whose exporter may be another module
//! - `driver/`: what a driver implements, its files and handlers, and the stages of a binding
//! - `tests/`: self-tests, layer by layer
//!
//! # Trust boundary
//!
//! Bus addresses are plain integers. Safe code can write a stale one into a device, and no type
//! can prevent that. The library guarantees that a submitted buffer is neither unmapped nor freed
//! before the driver states that the device is done with it. Until then the CPU has no access to
//! the bytes, unless the buffer is shared. A buffer that is dropped earlier is kept until the
//! device was reset or is gone.

// Some of what C offers is only for the self-tests.
#![cfg_attr(not(sgdma_selftests), allow(dead_code))]

#[cfg(not(CONFIG_64BIT))]
compile_error!("sgdma is for 64-bit kernels");

#[cfg(not(any(CONFIG_SPARSEMEM_VMEMMAP, CONFIG_FLATMEM)))]
compile_error!("sgdma is for kernels whose struct pages are one array");

mod base;
mod device;
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
mod dmabuf;
mod domain;
mod driver;
mod ffi;
mod lifecycle;
mod map;
mod table;
#[cfg(sgdma_selftests)]
mod tests;
mod walk;

pub use base::{
    buffer_error::BufferError,
    direction::{
        Bidirectional,
        DeviceReads,
        DeviceWrites,
        Direction,
        FromDevice,
        ToDevice, //
    },
    error::{
        EOPNOTSUPP,
        EREMOTEIO, //
    },
    gfp::{
        __GFP_NORETRY,
        __GFP_RETRY_MAYFAIL, //
    },
    irq_lock::{
        IrqLock,
        IrqLockBackend, //
    },
    portable::{
        dma_address,
        dma_read,
        dma_write,
        parameter, //
    },
};
pub use device::{
    coherency::{
        Bounce,
        Coherency, //
    },
    coherent::{
        dma_streaming_is_coherent,
        CoherentDevice, //
    },
    dma_device::{
        DmaDevice,
        DmaFacts, //
    },
    limits::DmaLimits,
    peer_route::PeerRoute,
    reach::Reach,
    reset::Reset, //
};
#[cfg(CONFIG_DMA_SHARED_BUFFER)]
pub use dmabuf::{
    attached::Attached,
    buffer::{
        DmaBuf,
        DmaBufForCpu, //
    },
    export::DmaBufUse,
    peer_memory::PeerMemory,
    revocable::Revocable, //
};
pub use domain::{
    data::DomainData,
    device::{
        BoundDevice,
        DomainDevice, //
    },
    mapping::DomainMapping,
    paging::Domain,
    turns::{
        DomainForCpu,
        DomainUse, //
    },
};
pub use driver::{
    pci,
    platform,
    Door,
    Driver,
    DriverContext,
    DriverModule,
    FileOps,
    Handlers,
    IrqContext,
    IrqReturn,
    NoFiles,
    NoHandlers,
    Nodes,
    PollEvents,
    Quiet,
    Tasks, //
};
pub use lifecycle::{
    completion::Completion,
    unbinding::Unbinding, //
};
pub use map::{
    attrs::MapAttrs,
    coherent::CoherentBuffer,
    exclusive::Exclusive,
    for_cpu::ForCpu,
    in_flight::{
        InFlight,
        Mapping, //
    },
    in_place::InPlace,
    iova::{
        Iova,
        IovaError, //
    },
    mapped::Mapped,
    pool::{
        DmaPool,
        PoolBlock, //
    },
    shared::Shared,
    shared_link::SharedLink,
    user::{
        MmapPages,
        UserIter,
        UserTable, //
    },
    words::{
        Flag,
        Word,
        Words, //
    }, //
};
pub use table::{
    byte_buffer::ByteBuffer,
    iov::{
        UserDest,
        UserSource, //
    },
    limits::SegmentLimits,
    owned_pages::OwnedPages,
    page_owner::PageOwner,
    pinned::PinnedPages,
    sg_table::SgTable, //
};
pub use walk::{
    cpu::{
        CpuPage,
        CpuPages,
        CpuTable, //
    },
    dma::{
        DmaBlocks,
        DmaFrames,
        DmaPages,
        DmaRuns,
        DmaSegments,
        DmaTable, //
    },
    frames::{
        ZipRun,
        ZipRuns, //
    },
    lockstep::{
        Lockstep,
        Piece, //
    },
    run::Run, //
};

use kernel::{
    error::to_result,
    prelude::*, //
};

module! {
    type: Sgdma,
    name: "sgdma",
    authors: ["sgdma developers"],
    description: "Scatter-gather DMA for Rust drivers: tables, walks, mappings",
    license: "GPL",
}

/// The module: `module!` makes its type part of a public trait.
#[doc(hidden)]
pub struct Sgdma {
    _c: InC,
}

/// The part of the module that `module.c` starts; dropping it ends that.
struct InC;

impl InC {
    fn new() -> Result<Self> {
        // SAFETY: Called once, when the module is loaded, by the task that loads it.
        to_result(unsafe { ffi::sgdma_module_init() })?;
        Ok(Self)
    }
}

impl Drop for InC {
    fn drop(&mut self) {
        // SAFETY: `new()` was called, once, and this is called once.
        unsafe { ffi::sgdma_module_exit() };
    }
}

impl kernel::Module for Sgdma {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: The module is being loaded, this once: nobody has called into it yet.
        unsafe {
            lifecycle::quarantine::init();
            domain::paging::init();
        }
        // SAFETY: It was set before the module's code runs, and does not change.
        let parameters = unsafe { &*ffi::sgdma_parameters() };
        let c = InC::new()?;
        if parameters.sync_debug {
            pr_info!("ready (sync_debug=1)\n");
        } else {
            pr_info!("ready\n");
        }
        if parameters.selftest {
            #[cfg(sgdma_selftests)]
            tests::run();
            #[cfg(not(sgdma_selftests))]
            pr_err!("built without self-tests: SGDMA_SELFTESTS=n\n");
        }
        Ok(Self { _c: c })
    }
}
