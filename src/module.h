/* SPDX-License-Identifier: GPL-2.0 */
/* The module as its own code sees it (module.c). */
#ifndef SGDMA_MODULE_H
#define SGDMA_MODULE_H

#include <linux/types.h>

/* The module's parameters. */
struct sgdma_parameters {
	bool sync_debug;
	bool selftest;
	unsigned int tables;
	unsigned long long seed;
};

/* Returns the module's parameters. They do not change while the module is loaded. */
const struct sgdma_parameters *sgdma_parameters(void);

/*
 * Starts the report in debugfs and the other C parts of the module. Returns zero or an error. May
 * sleep. To be called once, by the task that loads the module.
 */
int sgdma_module_init(void);

/* Ends the parts that sgdma_module_init() has started. May sleep. To be called once. */
void sgdma_module_exit(void);

/*
 * Lets other tasks run. Returns true if the self-tests should end: the task that loads the module
 * is being killed, or KUnit stops the thread that runs them. May sleep.
 */
bool sgdma_selftest_is_stopped(void);

#endif
