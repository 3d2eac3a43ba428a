// SPDX-License-Identifier: GPL-2.0

//! Runs the self-tests without KUnit.

use super::{
    base,
    coherent,
    device,
    examples,
    for_cpu,
    iov,
    iova,
    iova_life,
    lifecycle,
    map,
    owner,
    segments,
    sharing,
    suite::{
        not_unless,
        Suite, //
    },
    sync_debug,
    table,
    walk,
    words, //
};
use kernel::prelude::*;

#[cfg(CONFIG_DMA_SHARED_BUFFER)]
use super::{
    dma_buf,
    dma_buf_turns,
    foreign,
    revocation, //
};

/// All suites, in the order of the layers.
const SUITES: &[Suite] = &[
    base::SUITE,
    walk::SUITE,
    lifecycle::SUITE,
    device::SUITE,
    table::SUITE,
    segments::SUITE,
    owner::SUITE,
    map::SUITE,
    for_cpu::SUITE,
    sync_debug::SUITE,
    sharing::SUITE,
    iova::SUITE,
    iova_life::SUITE,
    coherent::SUITE,
    words::SUITE,
    iov::SUITE,
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    dma_buf::SUITE,
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    dma_buf_turns::SUITE,
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    foreign::SUITE,
    #[cfg(CONFIG_DMA_SHARED_BUFFER)]
    revocation::SUITE,
    examples::SUITE,
];

/// Runs all suites without KUnit, and reports in KTAP as KUnit does.
pub(crate) fn run() {
    pr_info!("KTAP version 1\n");
    pr_info!("1..1\n");
    pr_info!("    KTAP version 1\n");
    pr_info!("    # Subtest: sgdma\n");
    pr_info!("    1..{}\n", SUITES.len());
    let mut passed = true;
    for (number, suite) in (1..).zip(SUITES) {
        let suite_passed = suite.run();
        pr_info!(
            "    {}ok {} {}\n",
            not_unless(suite_passed),
            number,
            suite.name
        );
        passed &= suite_passed;
    }
    pr_info!("{}ok 1 sgdma\n", not_unless(passed));
}
