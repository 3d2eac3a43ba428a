// SPDX-License-Identifier: GPL-2.0

//! Self-tests of `src/lifecycle`.

use crate::{
    Completion,
    Unbinding, //
};
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

    fn completions_end_each_wait() -> Result {
        let unbinding = Arc::pin_init(Unbinding::new(), GFP_KERNEL)?;
        let done = KBox::pin_init(Completion::new(), GFP_KERNEL)?;
        check!(!done.is_done());
        check_eq!(done.wait(&unbinding, 1), Err(ETIMEDOUT));
        check_eq!(done.wait(&unbinding, 0), Err(ETIMEDOUT));
        check_eq!(done.wait_timeout(1), Err(ETIMEDOUT));
        done.complete();
        for _ in 0..2 {
            check!(done.is_done());
            check_eq!(done.wait(&unbinding, Jiffies::MAX), Ok(()));
            check_eq!(done.wait(&unbinding, 0), Ok(()));
            check_eq!(done.wait_timeout(Jiffies::MAX), Ok(()));
        }
        done.reset();
        check!(!done.is_done());
        check_eq!(done.wait(&unbinding, 1), Err(ETIMEDOUT));
        // That the device was woken for something else does not end it.
        unbinding.wake_all();
        check_eq!(done.wait(&unbinding, 1), Err(ETIMEDOUT));

        unbinding.begin();
        check_eq!(done.wait(&unbinding, Jiffies::MAX), Err(ENODEV));
        check_eq!(done.wait_timeout(1), Err(ETIMEDOUT));
        done.complete();
        check_eq!(done.wait(&unbinding, 0), Ok(()));
        check_eq!(done.wait_timeout(0), Ok(()));
        Ok(())
    }
}
