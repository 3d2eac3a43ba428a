/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Requests of /dev/sgdma_table_ops-*. Each makes a table, maps it, checks it, and takes everything
 * apart again. The argument is a length in bytes, of whole pages. The error is EDOM if the table
 * was wrong, or if a call that failed did not give its buffer back unchanged.
 */
#ifndef SGDMA_TABLE_OPS_H
#define SGDMA_TABLE_OPS_H

#include <linux/ioctl.h>

#define SGDMA_TABLE_OPS_ALLOC	_IO('E', 0)	/* a table of pages that it allocates */
#define SGDMA_TABLE_OPS_ATOMIC	_IO('E', 1)	/* the same, without sleeping */
#define SGDMA_TABLE_OPS_BLOCKS	_IO('E', 2)	/* in blocks of 8 pages */
#define SGDMA_TABLE_OPS_BYTES	_IO('E', 3)	/* a part of a vmalloc() buffer */
#define SGDMA_TABLE_OPS_MAP		_IO('E', 4)	/* streaming, with an entry for each page */
#define SGDMA_TABLE_OPS_SHARE	_IO('E', 5)	/* shared, if the device is coherent */
#define SGDMA_TABLE_OPS_RING	_IO('E', 6)	/* coherent memory, and blocks of a pool */
#define SGDMA_TABLE_OPS_IOVA	_IO('E', 7)	/* a range, with two tables in it */

#endif
