// SPDX-License-Identifier: GPL-2.0
/* What the module is for those who load it: its version, and its parameters. */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>

#include "device/device.h"
#include "dmabuf/peer_memory.h"
#include "lifecycle/deferred.h"
#include "lifecycle/quarantine.h"
#include "map/iova.h"
#include "map/sync_debug.h"
#include "module.h"

MODULE_VERSION("0.2.0");

static struct sgdma_parameters parameters = {
	.tables = 100,
	.seed = 1,
};

module_param_named(sync_debug, parameters.sync_debug, bool, 0444);
MODULE_PARM_DESC(sync_debug, "1: make every device behave as if it were not coherent, to find missing syncs (default: 0)");

module_param_named(selftest, parameters.selftest, bool, 0444);
MODULE_PARM_DESC(selftest, "1: run the self-tests in kernels without KUnit, too (default: 0)");

module_param_named(tables, parameters.tables, uint, 0444);
MODULE_PARM_DESC(tables, "Number of random tables that the self-tests walk (default: 100)");

module_param_named(seed, parameters.seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Seed of the random tables (default: 1)");

const struct sgdma_parameters *sgdma_parameters(void)
{
	return &parameters;
}

bool sgdma_sync_debug(void)
{
	return parameters.sync_debug;
}

/* Who loads the module, and waits for the self-tests, which KUnit runs in a thread of its own. */
static struct pid *loader;

int sgdma_module_init(void)
{
	int ret = sgdma_reach_init();

	if (ret)
		return ret;
	loader = get_task_pid(current, PIDTYPE_PID);
	sgdma_sync_debug_init();
	sgdma_report_init();
	sgdma_quarantine_init();
	sgdma_iova_init();
#ifdef CONFIG_DMA_SHARED_BUFFER
	sgdma_peer_memory_init();
#endif
	return 0;
}

void sgdma_module_exit(void)
{
	/* All drivers are gone, so nothing more is deferred. */
	sgdma_flush_deferred();
	sgdma_report_exit();
	sgdma_sync_debug_exit();
	put_pid(loader);
	sgdma_reach_exit();
}

bool sgdma_selftest_is_stopped(void)
{
	struct task_struct *task;
	bool stopped;

	cond_resched();
	rcu_read_lock();
	task = pid_task(loader, PIDTYPE_PID);
	stopped = task && fatal_signal_pending(task);
	rcu_read_unlock();
	/* KUnit stops a thread that takes too long. */
	return stopped || (current->flags & PF_KTHREAD && kthread_should_stop());
}
