/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Requests of /dev/sgdma_linger-*. The first enters the gate and sleeps until the device is
 * unbound. The error is EDOM if the gate did not keep its promise.
 */
#ifndef SGDMA_LINGER_H
#define SGDMA_LINGER_H

#include <linux/ioctl.h>

/* Waits the argument in microseconds behind the gate, as if preempted. Then sleeps. */
#define SGDMA_LINGER_SLEEP	_IO('L', 0)
/* Returns how many operations of all bindings learned behind the gate of the unbinding. */
#define SGDMA_LINGER_LATE	_IO('L', 1)
/* Returns how many operations were asleep when the unbinding began. */
#define SGDMA_LINGER_WOKEN	_IO('L', 2)

#endif
