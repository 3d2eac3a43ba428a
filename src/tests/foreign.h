/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SGDMA_TESTS_FOREIGN_H
#define SGDMA_TESTS_FOREIGN_H

#include <linux/types.h>

struct device;
struct dma_buf;

/* The number of pages of sgdma_selftest_export(). */
#define SGDMA_SELFTEST_FOREIGN_PAGES 3

/*
 * Exports zeroed pages as another driver does, without access for the kernel. The exporter adds
 * @extra bytes to the length of the first segment. If @goes, it only accepts importers that it can
 * take the buffer back from. Returns a dma-buf, or an error pointer.
 */
struct dma_buf *sgdma_selftest_export(int extra, bool goes);

/* Takes @buf back, but does not wait until it is unmapped. */
void sgdma_selftest_revoke(struct dma_buf *buf);

/* Returns how many devices @buf is mapped for, and how often it is pinned. */
void sgdma_selftest_uses(const struct dma_buf *buf, int *maps, int *pins);

/* What an importer sees. */
struct sgdma_selftest_seen {
	/* True if the device could be attached, though perhaps not mapped for. */
	bool attached;
	/* The first bus address. */
	dma_addr_t addr;
	/* The bytes that have an address. */
	size_t len;
	/* The first byte as the device reads it. */
	u8 first;
	/* What a second mapping of the attachment returns while the first one lasts. */
	int again;
	/* What a second mapping returns after the first one. */
	int afterwards;
	/* What a mapping without a direction returns. */
	int none;
};

/*
 * Imports @buf for @dev as another driver does. The device writes @byte to the first byte, and is
 * then detached. Fills in @seen, and returns zero or the error of the first mapping.
 */
int sgdma_selftest_import(struct dma_buf *buf, struct device *dev, u8 byte,
			  struct sgdma_selftest_seen *seen);

/*
 * Attaches a device to @buf in the probe of another driver. Returns true if
 * sgdma_dma_buf_first_incoherent() is right there.
 */
bool sgdma_selftest_ask_in_probe(struct dma_buf *buf);

/*
 * Copies all of @buf to @dst in a turn of the CPU, as another driver does. Returns zero, or an
 * error.
 */
int sgdma_selftest_copy(struct dma_buf *buf, void *dst);

/* Returns the number of references to @buf. */
long sgdma_selftest_buf_refs(const struct dma_buf *buf);

/* Installs @buf in the calling process. Returns the descriptor, or an error. */
int sgdma_selftest_install(struct dma_buf *buf);

/* Closes a descriptor of sgdma_selftest_install(). */
void sgdma_selftest_close(unsigned int fd);

#endif
