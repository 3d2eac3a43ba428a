// SPDX-License-Identifier: GPL-2.0

//! Memory regions: pinned memory of a process, which the device reads and writes.
//!
//! There are two kinds. For one kind the device has a list of bus addresses, made by the DMA walk.
//! The other kind is for a device made of software, as rxe is: the CPU copies page by page, by the
//! CPU walk, and there are no bus addresses.

use crate::{
    pbl::{
        Pbl,
        PBL_PAGE, //
    },
    uapi,
    RdmaData, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use sgdma::{
    Bidirectional,
    CoherentDevice,
    Direction,
    InFlight,
    PinnedPages,
    SegmentLimits,
    Shared,
    ToDevice,
    UserTable, //
};

/// A request of user space to register memory.
pub(crate) struct Ask {
    pub(crate) addr: usize,
    pub(crate) len: usize,
    pub(crate) iova: u64,
    pub(crate) flags: u32,
}

impl Ask {
    fn check(&self) -> Result {
        let known = uapi::SGDMA_RDMA_LOCAL_WRITE
            | uapi::SGDMA_RDMA_REMOTE_WRITE
            | uapi::SGDMA_RDMA_REMOTE_READ
            | uapi::SGDMA_RDMA_SOFT
            | uapi::SGDMA_RDMA_FLAT;
        let remote_only = self.flags
            & (uapi::SGDMA_RDMA_LOCAL_WRITE | uapi::SGDMA_RDMA_REMOTE_WRITE)
            == uapi::SGDMA_RDMA_REMOTE_WRITE;
        let apart = self.iova % PBL_PAGE as u64 != (self.addr % PBL_PAGE) as u64;
        if self.flags & !known != 0 || remote_only || apart {
            return Err(EINVAL);
        }
        Ok(())
    }
}

impl RdmaData<'_> {
    /// Returns the segment limits to pin the memory of `ask` with.
    pub(crate) fn limits(&self, ask: &Ask) -> SegmentLimits<'static> {
        match self.device(ask) {
            Some(dev) => SegmentLimits::from(dev.dma()).sizes(),
            None => SegmentLimits::NONE,
        }
    }
}

impl<'bound> RdmaData<'bound> {
    /// Returns the device that is to use the memory of `ask`, or `None` if the CPU copies.
    fn device(&self, ask: &Ask) -> Option<CoherentDevice<'bound>> {
        self.dev.filter(|_| ask.flags & uapi::SGDMA_RDMA_SOFT == 0)
    }
}

/// Pinned memory of the calling process, which is to become a region.
pub(crate) enum Pinned {
    ReadOnly(UserTable<ToDevice>),
    Writable(UserTable<Bidirectional>),
}

impl Pinned {
    /// Pins the memory. Needs no device. May take as long as the process that serves the memory's
    /// page faults likes, so the caller holds no lock that is taken under `mmap_lock`.
    pub(crate) fn new(ask: &Ask, limits: SegmentLimits<'_>) -> Result<Self> {
        ask.check()?;
        if ask.flags & uapi::SGDMA_RDMA_LOCAL_WRITE != 0 {
            let table = UserTable::pin(ask.addr, ask.len, Bidirectional, limits)?;
            Ok(Self::Writable(table))
        } else {
            let table = UserTable::pin(ask.addr, ask.len, ToDevice, limits)?;
            Ok(Self::ReadOnly(table))
        }
    }
}

/// Facts about a region, for user space.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) block_size: u64,
    pub(crate) blocks: usize,
    pub(crate) level: usize,
    pub(crate) list_pages: usize,
    pub(crate) orig_nents: usize,
    pub(crate) nents: usize,
}

/// A region's memory, which the device uses in direction `D`.
enum Memory<'bound, D: Direction> {
    Listed {
        shared: InFlight<Shared<'bound, D, PinnedPages>>,
        pbl: Pbl<'bound>,
    },
    Soft(UserTable<D>),
}

impl<'bound, D: Direction> Memory<'bound, D> {
    fn new(rdma: &RdmaData<'bound>, ask: &Ask, table: UserTable<D>) -> Result<Self> {
        let Some(dev) = rdma.device(ask) else {
            return Ok(Self::Soft(table));
        };
        let shared = table.map_shared(dev)?;
        let max_level = usize::from(ask.flags & uapi::SGDMA_RDMA_FLAT == 0);
        let pbl = Pbl::new(dev.dma(), &shared, ask.iova, max_level)?;
        Ok(Self::Listed {
            // From here on the device may be told the addresses.
            shared: shared.submit(),
            pbl,
        })
    }

    fn read(&self, rdma: &RdmaData<'bound>, at: usize, bytes: &mut [u8]) -> Result {
        match self {
            Self::Listed { pbl, .. } => rdma.read(pbl, at, bytes),
            Self::Soft(table) => table.copy_to_slice(at, bytes),
        }
    }

    fn facts(&self) -> Facts {
        match self {
            Self::Listed { shared, pbl, .. } => Facts {
                block_size: pbl.block_size,
                blocks: pbl.blocks,
                level: pbl.level(),
                list_pages: pbl.tables.pages(),
                orig_nents: shared.cpu().orig_nents(),
                nents: shared.nents(),
            },
            Self::Soft(table) => Facts {
                orig_nents: table.cpu().orig_nents(),
                ..Facts::default()
            },
        }
    }

    /// Unmaps and unpins the memory. The device does not use the memory any more.
    fn complete(self) {
        if let Self::Listed { shared, pbl } = self {
            pbl.tables.complete();
            drop(shared.complete());
        }
    }
}

impl<'bound> Memory<'bound, Bidirectional> {
    /// Writes the memory. Memory that was pinned for reading has no such function.
    fn write(&self, rdma: &RdmaData<'bound>, at: usize, bytes: &[u8]) -> Result {
        match self {
            Self::Listed { pbl, .. } => rdma.write(pbl, at, bytes),
            Self::Soft(table) => table.copy_from_slice(at, bytes),
        }
    }
}

enum Kind<'bound> {
    ReadOnly(Memory<'bound, ToDevice>),
    Writable(Memory<'bound, Bidirectional>),
}

/// Registered memory. Nothing about a region changes, so many tasks may use one at a time.
pub(crate) struct Region<'bound> {
    pub(crate) len: usize,
    access: u32,
    /// `None` while the region is being dropped.
    kind: Option<Kind<'bound>>,
    /// The device did not answer, and may still be using the memory.
    leaked: Atomic<bool>,
}

impl<'bound> Region<'bound> {
    /// Makes a region of memory that was pinned with the right [`limits`](RdmaData::limits).
    pub(crate) fn new(rdma: &RdmaData<'bound>, ask: &Ask, pinned: Pinned) -> Result<Arc<Self>> {
        let kind = match pinned {
            Pinned::ReadOnly(table) => Kind::ReadOnly(Memory::new(rdma, ask, table)?),
            Pinned::Writable(table) => Kind::Writable(Memory::new(rdma, ask, table)?),
        };
        // From here on an error drops a region, not a bare `Kind`, which would go into quarantine.
        let region = Self {
            len: ask.len,
            access: ask.flags,
            kind: Some(kind),
            leaked: Atomic::new(false),
        };
        Ok(Arc::new(region, GFP_KERNEL_ACCOUNT)?)
    }

    pub(crate) fn facts(&self) -> Facts {
        match &self.kind {
            Some(Kind::ReadOnly(memory)) => memory.facts(),
            Some(Kind::Writable(memory)) => memory.facts(),
            None => Facts::default(),
        }
    }

    /// Returns an error unless a peer may access these bytes in the way `access`.
    fn allows(&self, access: u32, at: usize, len: usize) -> Result {
        if self.access & access == 0 {
            return Err(EACCES);
        }
        match at.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(EINVAL),
        }
    }

    pub(crate) fn may_read(&self, at: usize, len: usize) -> Result {
        self.allows(uapi::SGDMA_RDMA_REMOTE_READ, at, len)
    }

    pub(crate) fn may_write(&self, at: usize, len: usize) -> Result {
        self.allows(uapi::SGDMA_RDMA_REMOTE_WRITE, at, len)
    }

    /// Reads the region as a peer would.
    pub(crate) fn read(&self, rdma: &RdmaData<'bound>, at: usize, bytes: &mut [u8]) -> Result {
        self.may_read(at, bytes.len())?;
        self.leak_on_timeout(match &self.kind {
            Some(Kind::ReadOnly(memory)) => memory.read(rdma, at, bytes),
            Some(Kind::Writable(memory)) => memory.read(rdma, at, bytes),
            None => Err(EIO),
        })
    }

    /// Writes the region as a peer would.
    pub(crate) fn write(&self, rdma: &RdmaData<'bound>, at: usize, bytes: &[u8]) -> Result {
        self.may_write(at, bytes.len())?;
        self.leak_on_timeout(match &self.kind {
            Some(Kind::Writable(memory)) => memory.write(rdma, at, bytes),
            _ => Err(EACCES),
        })
    }

    /// Notes that the memory is leaked if the device did not answer.
    fn leak_on_timeout(&self, result: Result) -> Result {
        if result == Err(ETIMEDOUT) {
            self.leaked.store(true, Relaxed);
        }
        result
    }
}

impl Drop for Region<'_> {
    fn drop(&mut self) {
        // A leaked region's memory is dropped in flight: it goes into quarantine and stays pinned.
        let leaked = self.leaked.load(Relaxed);
        match self.kind.take() {
            Some(Kind::ReadOnly(memory)) if !leaked => memory.complete(),
            Some(Kind::Writable(memory)) if !leaked => memory.complete(),
            _ => {}
        }
    }
}
