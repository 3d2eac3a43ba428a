// SPDX-License-Identifier: GPL-2.0

//! The events that `poll(2)`, `select(2)` and `epoll(7)` wait for.
//!
//! C header: [`include/uapi/linux/eventpoll.h`](srctree/include/uapi/linux/eventpoll.h)

use core::ops::{
    BitOr,
    BitOrAssign, //
};
use kernel::bindings;

/// A set of events for which a file is ready, the `EPOLL` bits: what
/// [`FileOps::poll`](crate::FileOps::poll) returns.
///
/// ```
/// # use sgdma::PollEvents;
/// # fn example() -> kernel::prelude::Result {
/// let mut events = PollEvents::NONE;
/// events |= PollEvents::IN;
/// assert_eq!(events, PollEvents::IN);
/// assert_ne!(events | PollEvents::OUT, PollEvents::IN);
/// # Ok(())
/// # }
/// ```
// The values are those of `include/uapi/linux/eventpoll.h`. They are defined for user space, so
// they do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[doc(alias = "__poll_t")]
pub struct PollEvents(bindings::__poll_t);

impl PollEvents {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A read does not wait.
    #[doc(alias = "EPOLLIN")]
    #[doc(alias = "EPOLLRDNORM")]
    pub const IN: Self = Self(0x001 | 0x040);
    /// A write does not wait.
    #[doc(alias = "EPOLLOUT")]
    #[doc(alias = "EPOLLWRNORM")]
    pub const OUT: Self = Self(0x004 | 0x100);
    /// An error has occurred. Those who poll get this without asking for it.
    #[doc(alias = "EPOLLERR")]
    pub const ERR: Self = Self(0x008);
    /// The other side is gone. Those who poll get this without asking for it.
    #[doc(alias = "EPOLLHUP")]
    pub const HUP: Self = Self(0x010);

    /// Returns the bits, for the VFS.
    pub(crate) fn as_raw(self) -> bindings::__poll_t {
        self.0
    }
}

impl BitOr for PollEvents {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for PollEvents {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
