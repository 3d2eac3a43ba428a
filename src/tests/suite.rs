// SPDX-License-Identifier: GPL-2.0

//! Suites, and what their cases are written with.

use kernel::prelude::*;

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

        pub(super) const SUITE: $crate::tests::suite::Suite = $crate::tests::suite::Suite {
            name: stringify!($suite),
            cases: &[$(
                $(#[$attr])*
                $crate::tests::suite::Case {
                    name: stringify!($case),
                    run: $case,
                }
            ),*],
        };
    };
}

/// A case, which fails by an error.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) run: fn() -> Result,
}

/// Cases of one layer.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) cases: &'static [Case],
}

impl Suite {
    /// Runs all cases, and returns true if all passed.
    pub(super) fn run(&self) -> bool {
        pr_info!("        KTAP version 1\n");
        pr_info!("        # Subtest: {}\n", self.name);
        pr_info!("        1..{}\n", self.cases.len());
        let mut passed = true;
        for (number, case) in (1..).zip(self.cases) {
            let case_passed = (case.run)().is_ok();
            pr_info!(
                "        {}ok {} {}\n",
                not_unless(case_passed),
                number,
                case.name
            );
            passed &= case_passed;
        }
        passed
    }
}

/// Returns how KTAP begins the line of a result.
pub(super) fn not_unless(passed: bool) -> &'static str {
    if passed {
        ""
    } else {
        "not "
    }
}
