// SPDX-License-Identifier: GPL-2.0

//! The requests of user space, as `sgdma_nvme.h` has them.

use crate::{
    common::{
        descriptor::Descriptor,
        request::{
            answer,
            inside,
            nothing, //
        }, //
    },
    dma_buf,
    passthrough::{
        Ask,
        Destination, //
    },
    request::{
        Outcome,
        Request, //
    },
    uapi,
    Nvme, //
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};
use sgdma::{
    Door,
    DriverContext,
    FileOps,
    Nodes,
    PollEvents,
    EOPNOTSUPP, //
};

const MAX_TAGS: i32 = uapi::SGDMA_NVME_MAX_TAGS as i32;

/// A command that was submitted and not reaped.
struct Submitted {
    tag: u32,
    user_data: u64,
    destination: Destination,
    request: Arc<Request>,
}

/// An open file of a namespace.
#[pin_data]
pub(crate) struct NamespaceFile {
    node: u32,
    tag: Atomic<u32>,
    /// The number of tags that are in use.
    tags: Atomic<i32>,
    #[pin]
    submitted: Mutex<KVec<Submitted>>,
}

#[vtable]
impl FileOps<Nvme> for NamespaceFile {
    const NODE: Option<&'static CStr> = None;

    fn nodes(nvme: &DriverContext<'_, Nvme>, nodes: &mut Nodes) -> Result {
        let device = nvme.dma().device().name();
        for namespace in nvme.namespaces() {
            nodes.add(fmt!("sgdma_nvme-{}-n{}", device, namespace.nsid), 0o600)?;
        }
        Ok(())
    }

    fn open(_nvme: &DriverContext<'_, Nvme>, node: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            node,
            tag: Atomic::new(0),
            tags: Atomic::new(0),
            submitted <- new_mutex!(KVec::new()),
        })
    }

    fn read(
        &self,
        nvme: &DriverContext<'_, Nvme>,
        pos: &mut i64,
        dst: &mut IovIterDest<'_>,
    ) -> Result<usize> {
        nvme.namespace(self.node)?.read(&nvme.controller, pos, dst)
    }

    fn write(
        &self,
        nvme: &DriverContext<'_, Nvme>,
        pos: &mut i64,
        src: &mut IovIterSource<'_>,
    ) -> Result<usize> {
        nvme.namespace(self.node)?.write(&nvme.controller, pos, src)
    }

    fn poll(&self, _nvme: &DriverContext<'_, Nvme>) -> PollEvents {
        let submitted = self.submitted.lock();
        if submitted.iter().any(|command| command.request.is_done()) {
            PollEvents::IN
        } else {
            PollEvents::NONE
        }
    }

    fn ioctl(&self, door: &Door<'_, Nvme>, cmd: u32, arg: usize) -> Result<isize> {
        let mut status = 0u16;
        match cmd {
            uapi::SGDMA_NVME_INFO => inside(door, arg, cmd, |nvme, request| {
                nvme.describe(self.node, request)
            }),
            uapi::SGDMA_NVME_IO => answer(
                arg,
                cmd,
                |request: &mut uapi::sgdma_nvme_command| {
                    let ask = door.enter(|nvme| Ask::new(nvme, self.node, request))?;
                    (status, request.result) = ask.run(door)?;
                    Ok(())
                },
                nothing,
            ),
            uapi::SGDMA_NVME_DMA_BUF => answer(
                arg,
                cmd,
                |request: &mut uapi::sgdma_nvme_dma_buf| {
                    (status, request.result) = dma_buf::run(door, self.node, request)?;
                    Ok(())
                },
                nothing,
            ),
            uapi::SGDMA_NVME_EXPORT => answer(
                arg,
                cmd,
                |request: &mut uapi::sgdma_nvme_export| {
                    if request.pad != 0 {
                        return Err(EINVAL);
                    }
                    let len = usize::try_from(request.len)?;
                    let buffer = door.enter(|nvme| {
                        let memory = nvme.controller.cmb.as_ref().ok_or(EOPNOTSUPP)?;
                        memory.export(len)
                    })?;
                    Descriptor::reserve(&buffer, &mut request.fd)
                },
                |descriptor, written| written.map(|()| descriptor.install()),
            ),
            uapi::SGDMA_NVME_SUBMIT => self.submit(door, arg, cmd),
            uapi::SGDMA_NVME_REAP => answer(
                arg,
                cmd,
                |request| self.reap(request),
                |reaped, written| self.settle_reap(reaped, written),
            ),
            uapi::SGDMA_NVME_STATS => inside(door, arg, cmd, |nvme, request| {
                nvme.show(request);
                Ok(())
            }),
            _ => Err(ENOTTY),
        }?;
        Ok(status as isize)
    }
}

impl NamespaceFile {
    fn submit(&self, door: &Door<'_, Nvme>, arg: usize, cmd: u32) -> Result {
        if self.tags.fetch_add(1, Relaxed) >= MAX_TAGS {
            self.tags.fetch_sub(1, Relaxed);
            return Err(EAGAIN);
        }
        // A command cannot be taken back, so the answer is written before the command is sent.
        let result = answer(
            arg,
            cmd,
            |request: &mut uapi::sgdma_nvme_command| {
                let ask = door.enter(|nvme| Ask::new(nvme, self.node, request))?;
                request.tag = self.tag.fetch_add(1, Relaxed);
                Ok((ask, request.tag, request.user_data))
            },
            |(ask, tag, user_data), written| {
                written?;
                let memory = ask.memory(door)?;
                let mut submitted = self.submitted.lock();
                submitted.reserve(1, GFP_KERNEL_ACCOUNT)?;
                let request = door.enter(|nvme| ask.send(nvme, memory))?;
                let command = Submitted {
                    tag,
                    user_data,
                    destination: ask.destination(),
                    request,
                };
                Ok(submitted.push(command, GFP_KERNEL_ACCOUNT)?)
            },
        );
        if result.is_err() {
            self.tags.fetch_sub(1, Relaxed);
        }
        result
    }

    /// Takes a command that is done, and copies its bytes to user space.
    fn reap(&self, result: &mut uapi::sgdma_nvme_result) -> Result<(Submitted, Outcome)> {
        let command = {
            let mut submitted = self.submitted.lock();
            let mut all = submitted.iter();
            let at = all.position(|command| command.request.is_done());
            submitted.remove(at.ok_or(EAGAIN)?).map_err(|_| EIO)?
        };
        let outcome = command.request.take()?;
        *result = uapi::sgdma_nvme_result {
            user_data: command.user_data,
            tag: command.tag,
            result: 0,
            status: 0,
            error: 0,
        };
        let filled = outcome.answer.and_then(|answer| {
            (result.status, result.result) = (answer.status.into(), answer.result);
            command.destination.fill(answer, &outcome.memory)
        });
        if let Err(error) = filled {
            result.error = error.to_errno();
        }
        Ok((command, outcome))
    }

    /// Ends the life of a command's tag, unless user space was not told its result.
    fn settle_reap(&self, (command, outcome): (Submitted, Outcome), written: Result) -> Result {
        if written.is_err() {
            command.request.finish(outcome);
            self.submitted.lock().push(command, GFP_KERNEL_ACCOUNT)?;
        } else {
            self.tags.fetch_sub(1, Relaxed);
        }
        written
    }
}
