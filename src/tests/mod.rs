// SPDX-License-Identifier: GPL-2.0

//! Self-tests, which run when the module is loaded: by KUnit, or with `selftest=1` without KUnit.
//!
//! Each layer has a suite or more, in a file of its own. A case that fails returns, which drops all
//! that it has made, so that the next one begins afresh.

/// Ends the case unless `$cond` is true.
macro_rules! check {
    ($cond:expr $(,)?) => {
        if !$cond {
            pr_err!("{}:{}: not so: {}\n", file!(), line!(), stringify!($cond));
            return Err(EINVAL);
        }
    };
}

/// Ends the case unless both are equal.
macro_rules! check_eq {
    ($left:expr, $right:expr $(,)?) => {
        check!($left == $right)
    };
}

/// Makes a suite of the functions that follow its name.
///
/// rustfmt does not format them. To format a file, replace `cases! {` and the name of the suite by
/// `mod cases {`, run rustfmt, and put both back.
macro_rules! cases {
    ($suite:ident; $($(#[$attr:meta])* fn $case:ident() -> Result $body:block)*) => {
        $(
            $(#[$attr])*
            fn $case() -> Result $body
        )*

        #[kunit_tests($suite)]
        mod kunit {
            $(
                $(#[$attr])*
                #[test]
                fn $case() -> kernel::error::Result {
                    super::$case()
                }
            )*
        }

        pub(super) const SUITE: super::Suite = super::Suite {
            name: stringify!($suite),
            cases: &[$($(#[$attr])* (stringify!($case), $case)),*],
        };
    };
}

mod base;
mod device;
mod for_cpu;
mod lifecycle;
mod map;
mod owner;
mod segments;
mod sharing;
mod sync_debug;
mod table;
mod walk;

// Shared by the suites.
mod buffers;
mod compare;
mod random;
mod reference;
mod tables;
mod test_device;
mod user_memory;

use kernel::prelude::*;

/// Cases of one layer.
struct Suite {
    name: &'static str,
    cases: &'static [(&'static str, fn() -> Result)],
}

/// All suites, in the order of the layers.
const SUITES: [Suite; 11] = [
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
];

/// Runs all suites without KUnit, and reports in KTAP as KUnit does.
pub(crate) fn run() {
    pr_info!("KTAP version 1\n");
    pr_info!("1..1\n");
    pr_info!("    KTAP version 1\n");
    pr_info!("    # Subtest: sgdma\n");
    pr_info!("    1..{}\n", SUITES.len());
    let mut passed = true;
    for (number, suite) in (1..).zip(&SUITES) {
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

impl Suite {
    /// Runs all cases, and returns true if all passed.
    fn run(&self) -> bool {
        pr_info!("        KTAP version 1\n");
        pr_info!("        # Subtest: {}\n", self.name);
        pr_info!("        1..{}\n", self.cases.len());
        let mut passed = true;
        for (number, (name, case)) in (1..).zip(self.cases) {
            let case_passed = case().is_ok();
            pr_info!(
                "        {}ok {} {}\n",
                not_unless(case_passed),
                number,
                name
            );
            passed &= case_passed;
        }
        passed
    }
}

fn not_unless(passed: bool) -> &'static str {
    if passed {
        ""
    } else {
        "not "
    }
}
