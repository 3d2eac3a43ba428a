// SPDX-License-Identifier: GPL-2.0

//! Requests of user space: a driver reads a structure, does the work, and writes the answer back.

use kernel::{
    ioctl::{
        _IOC_DIR,
        _IOC_SIZE, //
    },
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
    uapi::_IOC_READ, //
};
use sgdma::{
    Door,
    Driver,
    DriverContext, //
};
use zerocopy::{
    Immutable,
    KnownLayout, //
};

/// Reads a request, calls `work`, and writes the request back if user space expects an answer.
///
/// Then calls `settle` with the value that `work` returned, and with whether the answer was
/// written. If the answer was not written, `settle` undoes the work. Work that cannot be undone is
/// done by `settle` alone.
///
/// Accesses user space's memory, which may stall, so this runs outside the gate. `work` and
/// `settle` enter the gate themselves.
pub(crate) fn answer<T: FromBytes + IntoBytes + Immutable + KnownLayout, W>(
    arg: usize,
    cmd: u32,
    work: impl FnOnce(&mut T) -> Result<W>,
    settle: impl FnOnce(W, Result) -> Result,
) -> Result {
    let (mut reader, mut writer) =
        UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd)).reader_writer();
    let mut request = T::new_zeroed();
    reader.read_slice(request.as_mut_bytes())?;
    let done = work(&mut request)?;
    let written = if _IOC_DIR(cmd) & _IOC_READ != 0 {
        writer.write_slice(request.as_bytes())
    } else {
        Ok(())
    };
    settle(done, written)
}

/// Answers a request whose work is all done behind the gate, and which leaves nothing to settle.
pub(crate) fn inside<D: Driver, T: FromBytes + IntoBytes + Immutable + KnownLayout>(
    door: &Door<'_, D>,
    arg: usize,
    cmd: u32,
    work: impl FnOnce(&DriverContext<'_, D>, &mut T) -> Result,
) -> Result {
    answer(
        arg,
        cmd,
        |request| door.enter(|ctx| work(ctx, request)),
        nothing,
    )
}

/// Settles a request that leaves nothing to undo: returns whether the answer was written.
pub(crate) fn nothing(_done: (), written: Result) -> Result {
    written
}

/// Returns the flags whose conditions are true.
pub(crate) fn flags<const N: usize>(all: [(bool, u32); N]) -> u32 {
    all.into_iter()
        .filter(|(on, _)| *on)
        .fold(0, |flags, (_, flag)| flags | flag)
}

/// Calls `work` for each part of the `len` bytes at `at`, with a stage of at most `most` bytes
/// between user space and a buffer. Each part uses the same stage.
pub(crate) fn in_stages(
    mut at: usize,
    len: usize,
    most: usize,
    mut work: impl FnMut(usize, &mut [u8]) -> Result,
) -> Result {
    let end = at + len;
    let mut stage = KVVec::from_elem(0u8, most.min(len), GFP_KERNEL)?;
    while at < end {
        let n = most.min(end - at);
        work(at, &mut stage[..n])?;
        at += n;
    }
    Ok(())
}
