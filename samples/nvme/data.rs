// SPDX-License-Identifier: GPL-2.0

//! The driver's data, which exists while a device is bound.

use crate::{
    controller::Controller,
    namespace::Namespace,
    stats::MAX_QUEUES,
    uapi, //
};
use kernel::{
    prelude::*,
    sync::SetOnce, //
};

/// The facts that the controller tells when it works.
pub(crate) struct Found {
    pub(crate) namespaces: KVec<Pin<KBox<Namespace>>>,
    pub(crate) max_bytes: usize,
    pub(crate) vectors: u32,
}

/// Data that exists while a device is bound. Open files and handlers have access to it.
#[pin_data]
pub(crate) struct NvmeData<'bound> {
    /// The device uses memory of user space in place.
    pub(crate) shares: bool,
    #[pin]
    pub(crate) controller: Controller<'bound>,
    pub(crate) found: SetOnce<Found>,
}

impl NvmeData<'_> {
    pub(crate) fn namespaces(&self) -> &[Pin<KBox<Namespace>>] {
        self.found.as_ref().map_or(&[], |found| &found.namespaces)
    }

    /// Returns the namespace of a node.
    pub(crate) fn namespace(&self, node: u32) -> Result<&Namespace> {
        let namespace = self.namespaces().get(node as usize).ok_or(ENODEV)?;
        Ok(namespace)
    }

    pub(crate) fn max_bytes(&self) -> Result<u64> {
        Ok(self.found.as_ref().ok_or(ENODEV)?.max_bytes as u64)
    }

    pub(crate) fn describe(&self, node: u32, info: &mut uapi::sgdma_nvme_info) -> Result {
        let namespace = self.namespace(node)?;
        *info = uapi::sgdma_nvme_info {
            blocks: namespace.blocks,
            block_size: namespace.block_size() as u32,
            max_bytes: self.max_bytes()? as u32,
            nsid: namespace.nsid,
            queues: self.controller.io_queues().count() as u32,
            vectors: self.found.as_ref().map_or(0, |found| found.vectors),
            shares: self.shares.into(),
        };
        Ok(())
    }

    pub(crate) fn show(&self, stats: &mut uapi::sgdma_nvme_stats) {
        *stats = zerocopy::FromZeros::new_zeroed();
        self.controller.stats.show(stats);
        for (n, queue) in self.controller.queues().enumerate().take(MAX_QUEUES) {
            (stats.commands[n], stats.most[n]) = queue.counts();
        }
    }
}
