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
pub(crate) fn answer<T: FromBytes + IntoBytes + Immutable + KnownLayout>(
    arg: usize,
    cmd: u32,
    work: impl FnOnce(&mut T) -> Result,
) -> Result {
    let (mut reader, mut writer) =
        UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd)).reader_writer();
    let mut request = T::new_zeroed();
    reader.read_slice(request.as_mut_bytes())?;
    work(&mut request)?;
    if _IOC_DIR(cmd) & _IOC_READ != 0 {
        writer.write_slice(request.as_bytes())?;
    }
    Ok(())
}
