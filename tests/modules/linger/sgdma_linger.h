/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space asks of /dev/sgdma_linger-*: to go in and sleep until the
 * device is unbound. EDOM says that the gate did not keep its promise.
 */
#ifndef SGDMA_LINGER_H
#define SGDMA_LINGER_H

#include <linux/ioctl.h>

/* Waits so many microseconds behind the gate, as if preempted; then sleeps. */
#define SGDMA_LINGER_SLEEP	_IO('L', 0)
/* How many, in all bindings, were told behind the gate that unbinding had begun. */
#define SGDMA_LINGER_LATE	_IO('L', 1)
/* How many were asleep when it began. */
#define SGDMA_LINGER_WOKEN	_IO('L', 2)

#endif
