/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What user space asks of /dev/sgdma_table_ops-*: to make a table, map it, look
 * whether it is right, and take it all apart again. The argument is a length in
 * bytes, of whole pages. EDOM says that something was not right, or that a call
 * which failed did not give its buffer back as it was.
 */
#ifndef SGDMA_TABLE_OPS_H
#define SGDMA_TABLE_OPS_H

#include <linux/ioctl.h>

#define SGDMA_TABLE_OPS_ALLOC	_IO('E', 0)	/* pages of a table's own */
#define SGDMA_TABLE_OPS_ATOMIC	_IO('E', 1)	/* likewise, without sleeping */
#define SGDMA_TABLE_OPS_BLOCKS	_IO('E', 2)	/* in blocks of 8 */
#define SGDMA_TABLE_OPS_BYTES	_IO('E', 3)	/* of vmalloc(), not all of them */
#define SGDMA_TABLE_OPS_MAP		_IO('E', 4)	/* by turns, with an entry for each page */
#define SGDMA_TABLE_OPS_SHARE	_IO('E', 5)	/* where the device is coherent */

#endif
