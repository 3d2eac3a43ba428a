/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/sgdma_files-*: a buffer of 300,000 bytes to read and write, and these requests. The device
 * raises an interrupt when it is asked to. The file is ready for reading from then on.
 *
 * /dev/sgdma_files-*-pin: reads and writes pin the memory of the process. Byte i of the file is
 * i % 251, and writing anything else fails with EIO.
 */
#ifndef SGDMA_FILES_H
#define SGDMA_FILES_H

#include <linux/ioctl.h>

#define SGDMA_FILES_LEN		300000

/* Raises the interrupt. */
#define SGDMA_FILES_RAISE	_IO('F', 0)
/* Waits for the interrupt, for the argument in milliseconds. */
#define SGDMA_FILES_WAIT	_IO('F', 1)
/* The same, also while the device is being unbound. */
#define SGDMA_FILES_STAY	_IO('F', 2)
/* Takes back that there was an interrupt. */
#define SGDMA_FILES_TAKE	_IO('F', 3)

#endif
