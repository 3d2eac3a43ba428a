// SPDX-License-Identifier: GPL-2.0
/*
 * The C half of iova.rs: counters of reserved ranges, which DMA debugging knows nothing of. In C,
 * because 7.2's Rust debugfs does not keep the module loaded while a file is open.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/dcache.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/seq_file.h>

#include "map/iova.h"

static atomic_long_t reserved, linked;

void sgdma_count_ranges(long ranges, long bytes)
{
	atomic_long_add(ranges, &reserved);
	atomic_long_add(bytes, &linked);
}
EXPORT_SYMBOL_GPL(sgdma_count_ranges);

void sgdma_ranges(long *ranges, long *bytes)
{
	*ranges = atomic_long_read(&reserved);
	*bytes = atomic_long_read(&linked);
}

void sgdma_say_forgotten(struct device *dev, long number)
{
	dev_err(dev, "the driver has forgotten reserved ranges: %ld; addresses and memory are lost until the next start\n",
		number);
}
EXPORT_SYMBOL_GPL(sgdma_say_forgotten);

static int iova_show(struct seq_file *m, void *data)
{
	seq_printf(m, "reserved: %ld ranges\nlinked: %ld bytes\n",
		   atomic_long_read(&reserved), atomic_long_read(&linked));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(iova);

/* The file needs no removal: sgdma_report_exit() removes its directory with all files in it. */
void sgdma_iova_init(void)
{
	struct dentry *dir = debugfs_lookup("sgdma", NULL);

	if (IS_ERR_OR_NULL(dir))
		return;
	debugfs_create_file("iova", 0400, dir, NULL, &iova_fops);
	dput(dir);
}
