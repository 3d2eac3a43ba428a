// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_rdma.h` has them.

use crate::{
    common::{
        handles::FileHandles,
        request::{
            answer,
            in_stages,
            inside,
            nothing, //
        },
    },
    region::{
        Ask,
        Pinned,
        Region, //
    },
    uapi,
    Rdma, //
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
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};
use sgdma::{
    Door,
    DriverContext, //
    FileOps,
};

const MAX_REGIONS: i32 = uapi::SGDMA_RDMA_MAX_REGIONS as i32;

/// The number of bytes that go between user space and a region at once.
const STAGE: usize = 64 << 10;

/// An open file. The regions belong to the device's data: a region cannot outlive the binding, and
/// a file can.
pub(crate) struct RegionFile {
    keys: FileHandles,
    /// The number of regions of this file.
    regions: Atomic<i32>,
}

#[vtable]
impl FileOps<Rdma> for RegionFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_rdma");

    fn open(rdma: &DriverContext<'_, Rdma>, _node: u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self {
            keys: rdma.regions.open(),
            regions: Atomic::new(0),
        })
    }

    fn ioctl(&self, door: &Door<'_, Rdma>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::SGDMA_RDMA_REG => answer(
                arg,
                cmd,
                |request| self.register(door, request),
                |key, written| {
                    written.inspect_err(|_| {
                        // This fails if another task has removed the region already.
                        let _ = door.enter(|rdma| self.remove(rdma, key));
                    })
                },
            ),
            uapi::SGDMA_RDMA_DEREG => inside(door, arg, cmd, |rdma, request| {
                self.deregister(rdma, request)
            }),
            uapi::SGDMA_RDMA_READ => answer(arg, cmd, |request| self.read(door, request), nothing),
            uapi::SGDMA_RDMA_WRITE => {
                answer(arg, cmd, |request| self.write(door, request), nothing)
            }
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }

    fn release(&self, rdma: &DriverContext<'_, Rdma>) {
        rdma.regions.close(&self.keys);
    }
}

impl RegionFile {
    fn region<'bound>(
        &self,
        rdma: &DriverContext<'bound, Rdma>,
        key: u32,
        pad: u32,
    ) -> Result<Arc<Region<'bound>>> {
        if pad != 0 {
            return Err(EINVAL);
        }
        rdma.regions.get(&self.keys, key)
    }

    /// Registers memory. Returns the key, for the caller to remove the region again if the key
    /// cannot be written to user space.
    fn register(&self, door: &Door<'_, Rdma>, request: &mut uapi::sgdma_rdma_reg) -> Result<u32> {
        if self.regions.fetch_add(1, Relaxed) >= MAX_REGIONS {
            self.regions.fetch_add(-1, Relaxed);
            return Err(ENOSPC);
        }
        let result = self.add(door, request);
        if result.is_err() {
            self.regions.fetch_add(-1, Relaxed);
        }
        result
    }

    fn add(&self, door: &Door<'_, Rdma>, request: &mut uapi::sgdma_rdma_reg) -> Result<u32> {
        let ask = Ask {
            addr: usize::try_from(request.addr)?,
            len: usize::try_from(request.len)?,
            iova: request.iova,
            flags: request.flags,
        };
        // Pinning accesses user space's memory, so it is done outside the gate.
        let limits = door.enter(|rdma| Ok(rdma.limits(&ask)))?;
        let pinned = Pinned::new(&ask, limits)?;
        door.enter(|rdma| {
            let region = Region::new(rdma, &ask, pinned)?;
            let facts = region.facts();
            request.key = self.keys.new_handle()?;
            request.block_size = facts.block_size;
            request.blocks = facts.blocks as u64;
            request.level = facts.level as u32;
            request.list_pages = facts.list_pages as u32;
            request.orig_nents = facts.orig_nents as u32;
            request.nents = facts.nents as u32;
            rdma.regions.insert(&self.keys, request.key, region)?;
            Ok(request.key)
        })
    }

    fn deregister(
        &self,
        rdma: &DriverContext<'_, Rdma>,
        request: &mut uapi::sgdma_rdma_dereg,
    ) -> Result {
        self.region(rdma, request.key, request.pad)?;
        self.remove(rdma, request.key)
    }

    fn remove(&self, rdma: &DriverContext<'_, Rdma>, key: u32) -> Result {
        rdma.regions.remove(&self.keys, key)?;
        self.regions.fetch_add(-1, Relaxed);
        Ok(())
    }

    fn read(&self, door: &Door<'_, Rdma>, request: &mut uapi::sgdma_rdma_io) -> Result {
        let (key, pad) = (request.key, request.pad);
        let (at, len) = request.range()?;
        door.enter(|rdma| self.region(rdma, key, pad)?.may_read(at, len))?;
        let mut writer = request.user(len)?.writer();
        in_stages(at, len, STAGE, |at, part| {
            door.enter(|rdma| self.region(rdma, key, pad)?.read(rdma, at, part))?;
            writer.write_slice(part)
        })
    }

    fn write(&self, door: &Door<'_, Rdma>, request: &mut uapi::sgdma_rdma_io) -> Result {
        let (key, pad) = (request.key, request.pad);
        let (at, len) = request.range()?;
        door.enter(|rdma| self.region(rdma, key, pad)?.may_write(at, len))?;
        let mut reader = request.user(len)?.reader();
        in_stages(at, len, STAGE, |at, part| {
            reader.read_slice(part)?;
            door.enter(|rdma| self.region(rdma, key, pad)?.write(rdma, at, part))
        })
    }
}

impl uapi::sgdma_rdma_io {
    fn range(&self) -> Result<(usize, usize)> {
        Ok((usize::try_from(self.offset)?, usize::try_from(self.len)?))
    }

    fn user(&self, len: usize) -> Result<UserSlice> {
        let addr = UserPtr::from_addr(usize::try_from(self.user)?);
        Ok(UserSlice::new(addr, len))
    }
}
