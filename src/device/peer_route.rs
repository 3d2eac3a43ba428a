// SPDX-License-Identifier: GPL-2.0

//! The route from a device to the memory of another one.
//!
//! C header: `include/sgdma.h`
//!
//! `peer.c` decides. This file words the answer, for Rust, for C and for the report on peers.

use crate::{
    ffi, //
};
use kernel::{
    ffi::{
        c_char,
        c_uint, //
    },
    fmt,
    prelude::*,
    str::CStrExt, //
};

/// The route from a device to the memory of another one, or the reason why there is none:
/// `enum sgdma_peer`.
///
/// Its `Display` is one line: the route, or why there is none and what to do about it.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{DmaDevice, PeerMemory};
/// /// Refuses a device that does not reach the memory of this one.
/// fn check(memory: &PeerMemory<'_>, dev: DmaDevice<'_>) -> Result {
///     let route = memory.route(dev);
///     if !route.is_open() {
///         dev_err!(dev.device(), "{}\n", route);
///         return Err(ENXIO);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerRoute {
    /// By bus addresses: a bridge carries the transfers, and the host does not see them.
    BusAddress,
    /// Through the host bridge, as to memory of the system.
    HostBridge,
    /// None: the device is no PCI device.
    NotPci,
    /// None: the host bridge is not known to forward transfers between devices, or the kernel lacks
    /// `CONFIG_PCI_P2PDMA`.
    NoRoute,
    /// None: the BAR ends above the device's DMA mask or its bus, or the bus moves it or leaves it
    /// out (`dma-ranges`).
    Mask,
    /// None: all that the device maps bounces, and the memory of a device cannot.
    Bounces,
    /// None: the platform maps in its own way.
    DmaOps,
    /// None: the device is attached to a domain, by its driver or by VFIO.
    Domain,
}

/// A route, with its name for programs and its line for people.
struct Answer {
    route: PeerRoute,
    name: &'static CStr,
    line: &'static CStr,
}

/// Returns the answer to a value of `enum sgdma_peer`.
///
/// The table below calls it for each value, so a value that is added to the enum does not compile
/// before it has a line here.
const fn answer(value: c_uint) -> Answer {
    use PeerRoute::*;
    let (route, name, line) = match value {
        ffi::SGDMA_PEER_BUS_ADDRESS => (
            BusAddress,
            c"bus-address",
            c"reached by bus addresses: one bridge carries all transfers",
        ),
        ffi::SGDMA_PEER_HOST_BRIDGE => (
            HostBridge,
            c"host-bridge",
            c"reached through the host bridge",
        ),
        ffi::SGDMA_PEER_NOT_PCI => (
            NotPci,
            c"not-pci",
            c"not reached: this device is not on PCI; copy through memory of the system",
        ),
        ffi::SGDMA_PEER_NO_ROUTE => (
            NoRoute,
            c"no-route",
            c"not reached: the host bridge is not known to forward; put both devices behind one \
              PCIe switch whose ports do not redirect (pci=disable_acs_redir=PORT;PORT)",
        ),
        ffi::SGDMA_PEER_MASK => (
            Mask,
            c"mask",
            c"not reached: the BAR ends above the DMA mask or the bus of this device, or its \
              dma-ranges leave it out; set a wider DMA mask in the driver, or use another slot",
        ),
        ffi::SGDMA_PEER_BOUNCES => (
            Bounces,
            c"bounces",
            c"not reached: all that this device maps bounces, and memory of a device cannot; boot \
              without swiotlb=force, or put both devices behind one PCIe switch",
        ),
        ffi::SGDMA_PEER_DMA_OPS => (
            DmaOps,
            c"dma-ops",
            c"not reached: this platform (Xen, for one) maps in its own way; put both devices \
              behind one PCIe switch",
        ),
        ffi::SGDMA_PEER_DOMAIN => (
            Domain,
            c"domain",
            c"not reached: this device is attached to a domain; bind a driver that maps by the \
              DMA API",
        ),
        _ => panic!("a value of enum sgdma_peer has no answer"),
    };
    Answer { route, name, line }
}

/// All answers. The index is the value of `enum sgdma_peer`.
static ANSWERS: [Answer; ffi::SGDMA_PEER_VALUES.len()] = {
    const NONE: Answer = answer(ffi::SGDMA_PEER_NO_ROUTE);
    let mut answers = [NONE; ffi::SGDMA_PEER_VALUES.len()];
    let mut i = 0;
    while i < answers.len() {
        assert!(ffi::SGDMA_PEER_VALUES[i] as usize == i);
        answers[i] = answer(i as c_uint);
        assert!(answers[i].route as usize == i);
        i += 1;
    }
    answers
};

impl PeerRoute {
    /// Returns the route for a value that C has returned.
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    pub(crate) fn from_c(value: c_uint) -> Self {
        let answer = ANSWERS.get(value as usize);
        answer.map_or(Self::NoRoute, |answer| answer.route)
    }

    /// Returns true if the device can map the memory.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::BusAddress | Self::HostBridge)
    }
}

impl fmt::Display for PeerRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(ANSWERS[*self as usize].line, f)
    }
}

// What follows is `include/sgdma.h`'s. Each function is what that header declares.

const _: [unsafe extern "C" fn(c_uint) -> *const c_char; 2] =
    [ffi::sgdma_peer_name, sgdma_peer_name];
const _: [unsafe extern "C" fn(c_uint) -> *const c_char; 2] =
    [ffi::sgdma_peer_string, sgdma_peer_string];

/// Returns the name of a route for programs.
///
/// Documented in `include/sgdma.h`.
#[no_mangle]
extern "C" fn sgdma_peer_name(peer: c_uint) -> *const c_char {
    let answer = ANSWERS.get(peer as usize);
    answer.map_or(c"?", |answer| answer.name).as_char_ptr()
}

/// Returns the line of a route for people.
///
/// Documented in `include/sgdma.h`.
#[no_mangle]
extern "C" fn sgdma_peer_string(peer: c_uint) -> *const c_char {
    let answer = ANSWERS.get(peer as usize);
    answer
        .map_or(c"unknown: no value of enum sgdma_peer", |answer| {
            answer.line
        })
        .as_char_ptr()
}
