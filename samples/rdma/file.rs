// SPDX-License-Identifier: GPL-2.0

//! What user space asks: the requests of `sgdma_rdma.h`.

use crate::{
    region::{
        Ask,
        Pinned,
        Region, //
    },
    request::{
        answer,
        inside,
        nothing,
        requests, //
    },
    Rdma, //
};
use kernel::{
    ioctl::{
        _IOW,
        _IOWR, //
    },
    prelude::*,
    rbtree::RBTreeNode,
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

requests! {
    Register {
        addr: u64, len: u64, iova: u64, flags: u32, key: u32,
        block_size: u64, blocks: u64, level: u32, list_pages: u32, orig_nents: u32, nents: u32,
    }
    Deregister { key: u32, pad: u32 }
    Transfer { key: u32, pad: u32, offset: u64, len: u64, user: u64 }
}

const REGISTER: u32 = _IOWR::<Register>('R' as u32, 0xe0);
const DEREGISTER: u32 = _IOW::<Deregister>('R' as u32, 0xe1);
const READ: u32 = _IOW::<Transfer>('R' as u32, 0xe2);
const WRITE: u32 = _IOW::<Transfer>('R' as u32, 0xe3);

const MAX_REGIONS: i32 = 4096;

/// How many bytes go between user space and a region at once.
const STAGE: usize = 64 << 10;

/// One open file. Its regions are the device's: they cannot outlive the binding, and a file can.
pub(crate) struct RegionFile {
    /// Half of what regions are found by; the other is the key.
    number: u64,
    /// How many keys were given, none of them twice.
    keys: Atomic<u64>,
    regions: Atomic<i32>,
}

#[vtable]
impl FileOps<Rdma> for RegionFile {
    const NODE: Option<&'static CStr> = Some(c"sgdma_rdma");

    fn open(rdma: &DriverContext<'_, Rdma>) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Self {
            number: rdma.files.fetch_add(1, Relaxed),
            keys: Atomic::new(1),
            regions: Atomic::new(0),
        })
    }

    fn ioctl(&self, door: &Door<'_, Rdma>, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            REGISTER => answer(
                arg,
                cmd,
                |request| self.register(door, request),
                |key, written| {
                    written.inspect_err(|_| {
                        // Or else somebody has done so already.
                        let _ = door.enter(|rdma| self.remove(rdma, key));
                    })
                },
            ),
            DEREGISTER => inside(door, arg, cmd, |rdma, request| {
                self.deregister(rdma, request)
            }),
            READ => answer(arg, cmd, |request| self.read(door, request), nothing),
            WRITE => answer(arg, cmd, |request| self.write(door, request), nothing),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }

    fn release(&self, rdma: &DriverContext<'_, Rdma>) {
        while let Some(region) = self.take_any(rdma) {
            drop(region);
        }
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
        rdma.regions
            .lock()
            .get(&(self.number, key))
            .cloned()
            .ok_or(ENOENT)
    }

    /// Any region of this file's.
    fn take_any<'bound>(&self, rdma: &DriverContext<'bound, Rdma>) -> Option<Arc<Region<'bound>>> {
        let mut regions = rdma.regions.lock();
        let cursor = regions.cursor_lower_bound_mut(&(self.number, 0))?;
        if cursor.current().0 .0 != self.number {
            return None;
        }
        let (_, node) = cursor.remove_current();
        Some(node.to_key_value().1)
    }

    /// Returns the key, whose region goes again if user space is not told.
    fn register(&self, door: &Door<'_, Rdma>, request: &mut Register) -> Result<u32> {
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

    fn add(&self, door: &Door<'_, Rdma>, request: &mut Register) -> Result<u32> {
        let ask = Ask {
            addr: usize::try_from(request.addr)?,
            len: usize::try_from(request.len)?,
            iova: request.iova,
            flags: request.flags,
        };
        // Memory that is pinned is accessed, too.
        let limits = door.enter(|rdma| Ok(rdma.limits(&ask)))?;
        let pinned = Pinned::new(&ask, limits)?;
        door.enter(|rdma| {
            let region = Region::new(rdma, &ask, pinned)?;
            let facts = region.facts();
            request.key = u32::try_from(self.keys.fetch_add(1, Relaxed)).map_err(|_| ENOSPC)?;
            request.block_size = facts.block_size;
            request.blocks = facts.blocks as u64;
            request.level = facts.level as u32;
            request.list_pages = facts.list_pages as u32;
            request.orig_nents = facts.orig_nents as u32;
            request.nents = facts.nents as u32;
            let node = RBTreeNode::new((self.number, request.key), region, GFP_KERNEL_ACCOUNT)?;
            rdma.regions.lock().insert(node);
            Ok(request.key)
        })
    }

    fn deregister(&self, rdma: &DriverContext<'_, Rdma>, request: &mut Deregister) -> Result {
        self.region(rdma, request.key, request.pad)?;
        self.remove(rdma, request.key)
    }

    fn remove(&self, rdma: &DriverContext<'_, Rdma>, key: u32) -> Result {
        let region = rdma.regions.lock().remove(&(self.number, key));
        // Here, and not under the lock; later if the device is at it.
        drop(region.ok_or(ENOENT)?);
        self.regions.fetch_add(-1, Relaxed);
        Ok(())
    }

    fn read(&self, door: &Door<'_, Rdma>, request: &mut Transfer) -> Result {
        let (key, pad) = (request.key, request.pad);
        let (at, len) = request.range()?;
        door.enter(|rdma| self.region(rdma, key, pad)?.may_read(at, len))?;
        let mut writer = request.user(len)?.writer();
        in_stages(at, len, |at, part| {
            door.enter(|rdma| self.region(rdma, key, pad)?.read(rdma, at, part))?;
            writer.write_slice(part)
        })
    }

    fn write(&self, door: &Door<'_, Rdma>, request: &mut Transfer) -> Result {
        let (key, pad) = (request.key, request.pad);
        let (at, len) = request.range()?;
        door.enter(|rdma| self.region(rdma, key, pad)?.may_write(at, len))?;
        let mut reader = request.user(len)?.reader();
        in_stages(at, len, |at, part| {
            reader.read_slice(part)?;
            door.enter(|rdma| self.region(rdma, key, pad)?.write(rdma, at, part))
        })
    }
}

impl Transfer {
    fn range(&self) -> Result<(usize, usize)> {
        Ok((usize::try_from(self.offset)?, usize::try_from(self.len)?))
    }

    fn user(&self, len: usize) -> Result<UserSlice> {
        let addr = UserPtr::from_addr(usize::try_from(self.user)?);
        Ok(UserSlice::new(addr, len))
    }
}

/// Does something with each part of `len` bytes from `at` on; a part's bytes are those of the one
/// before it.
fn in_stages(
    mut at: usize,
    len: usize,
    mut work: impl FnMut(usize, &mut [u8]) -> Result,
) -> Result {
    let end = at + len;
    let mut stage = KVVec::from_elem(0u8, STAGE.min(len), GFP_KERNEL)?;
    while at < end {
        let n = STAGE.min(end - at);
        work(at, &mut stage[..n])?;
        at += n;
    }
    Ok(())
}
