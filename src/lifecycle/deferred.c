// SPDX-License-Identifier: GPL-2.0
/* The worker of deferred.rs. This is C because DECLARE_WORK() and preempt_count() are macros. */
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "lifecycle/deferred.h"

/*
 * preempt_count() has the interrupts, soft and hard, in each kernel. It has spinlocks only in a
 * kernel that can preempt, or that checks for sleeping in the wrong place. With PREEMPT_RT a
 * spinlock changes neither the count nor the interrupts, but begins a read-side section of RCU.
 */
bool sgdma_may_sleep(void)
{
	return !preempt_count() && !irqs_disabled() && !rcu_preempt_depth();
}
EXPORT_SYMBOL_GPL(sgdma_may_sleep);

static void free_deferred(struct work_struct *work)
{
	sgdma_free_deferred();
}

static DECLARE_WORK(deferred, free_deferred);

void sgdma_kick_deferred(void)
{
	queue_work(system_dfl_wq, &deferred);
}
EXPORT_SYMBOL_GPL(sgdma_kick_deferred);

void sgdma_flush_deferred(void)
{
	flush_work(&deferred);
}
EXPORT_SYMBOL_GPL(sgdma_flush_deferred);
