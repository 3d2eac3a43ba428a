// SPDX-License-Identifier: GPL-2.0

//! The names and permissions of a device's nodes.

use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};

/// The nodes of a device, as [`FileOps::nodes`](crate::FileOps::nodes) names them.
///
/// ```
/// # use kernel::prelude::*;
/// # use sgdma::{Driver, DriverContext, Nodes};
/// // In `FileOps`: a node for the device, and one that everybody may read for each namespace.
/// fn nodes<D: Driver>(ctx: &DriverContext<'_, D>, nodes: &mut Nodes) -> Result {
///     let device = ctx.device().name();
///     nodes.add(fmt!("mynvme-{device}"), 0o600)?;
///     for namespace in 1..=2 {
///         nodes.add(fmt!("mynvme-{device}n{namespace}"), 0o644)?;
///     }
///     Ok(())
/// }
/// ```
pub struct Nodes(KVec<NodeSpec>);

/// A node that is to be registered.
pub(crate) struct NodeSpec {
    pub(crate) name: CString,
    pub(crate) mode: u16,
}

/// The permission bits of a file.
const PERMISSIONS: u16 = 0o777;

impl Nodes {
    pub(crate) fn new() -> Self {
        Self(KVec::new())
    }

    /// Returns the nodes, in the order of their indexes.
    pub(crate) fn specs(&self) -> &[NodeSpec] {
        &self.0
    }

    /// Adds a node `/dev/<name>` with the permissions `mode`, such as `0o600`. May sleep.
    ///
    /// The first node has the index 0, the next one 1: [`FileOps::open`](crate::FileOps::open) is
    /// given the index. The nodes appear in this order, after
    /// [`FileOps::nodes`](crate::FileOps::nodes) has returned.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `name` is empty, or `mode` is zero or has bits that are no permissions.
    /// - `ENOMEM` if there is no memory.
    #[doc(alias = "miscdevice")]
    pub fn add(&mut self, name: fmt::Arguments<'_>, mode: u16) -> Result {
        let name = CString::try_from_fmt(name)?;
        // For mode 0 the kernel would take its own default.
        if name.is_empty() || mode == 0 || mode & !PERMISSIONS != 0 {
            return Err(EINVAL);
        }
        Ok(self.0.push(NodeSpec { name, mode }, GFP_KERNEL)?)
    }
}
