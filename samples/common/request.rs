// SPDX-License-Identifier: GPL-2.0

//! Requests of user space: structures that are read, answered and written back.

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
    pci::Driver,
    Door,
    Lent, //
};
use zerocopy::{
    Immutable,
    KnownLayout, //
};

/// Structures as the sample's header has them.
macro_rules! requests {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        #[derive(FromBytes, IntoBytes, zerocopy_derive::Immutable, zerocopy_derive::KnownLayout)]
        #[repr(C)]
        struct $name {
            $($field: $type),*
        }
    )*};
}
pub(crate) use requests;

/// Reads a request, has `work` done, and writes it back where user space expects an answer.
///
/// `settle` is then given what `work` has returned, and told whether user space has the answer. If
/// not, `settle` takes back what was done. What cannot be taken back is done only by `settle`.
///
/// User space's memory is accessed here, so outside the gate; `work` and `settle` enter it.
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
    let written = match _IOC_DIR(cmd) & _IOC_READ {
        0 => Ok(()),
        _ => writer.write_slice(request.as_bytes()),
    };
    settle(done, written)
}

/// Answers a request all of whose work is inside, and that leaves nothing to settle.
pub(crate) fn inside<D: Driver, T: FromBytes + IntoBytes + Immutable + KnownLayout>(
    door: &Door<'_, D>,
    arg: usize,
    cmd: u32,
    work: impl FnOnce(&Lent<'_, D>, &mut T) -> Result,
) -> Result {
    answer(
        arg,
        cmd,
        |request| door.enter(|lent| work(lent, request)),
        nothing,
    )
}

/// Settles what has no answer, or has changed nothing but that.
pub(crate) fn nothing(_done: (), written: Result) -> Result {
    written
}
