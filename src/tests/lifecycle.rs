// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/lifecycle`.

use crate::Unbinding;
use kernel::{
    prelude::*,
    sync::Arc,
    time::Jiffies, //
};

cases! {
    sgdma_lifecycle;

    fn unbinding_is_seen_by_who_waits() -> Result {
        let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
        check_eq!(unbinding.wait(1, || false), Err(ETIMEDOUT));
        check_eq!(unbinding.wait(0, || true), Ok(()));
        let mut asked = 0;
        // A wake-up that comes before the sleep ends it, too.
        let third = || {
            unbinding.wake_all();
            asked += 1;
            asked == 3
        };
        check_eq!(unbinding.wait(Jiffies::MAX, third), Ok(()));
        check!(!unbinding.has_begun());
        unbinding.begin();
        check!(unbinding.has_begun());
        check_eq!(unbinding.wait(Jiffies::MAX, || false), Err(ENODEV));
        check_eq!(unbinding.wait(0, || true), Ok(()));
        Ok(())
    }
}
