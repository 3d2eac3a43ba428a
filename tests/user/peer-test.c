// SPDX-License-Identifier: GPL-2.0
/*
 * peer-test works|refused|bounces GROUP ADDRESS GPU: a GPU uses the memory of another
 * device, which vfio-pci exports as a dma-buf and takes back. Prints what was done,
 * or the reason why not and exits with 1.
 *
 * ADDRESS is that of an ivshmem device of PCI, GROUP its group of VFIO without an
 * IOMMU, and GPU a node of sgdma_gpu. "refused" is for a GPU that does not reach
 * that memory, "bounces" for a machine that maps everything elsewhere: such memory
 * cannot be copied.
 *
 * Freestanding, with the kernel's nolibc: the guest has no C library.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#define PROGRAM		"peer-test"
#include "peer.h"

static int device;
static __u64 config;	/* the place of the configuration space in the device's file */

static struct vfio_region_info region_of(__u32 index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	must(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

static void open_device(const char *group_path, const char *address)
{
	int container = must(open("/dev/vfio/vfio", O_RDWR), "/dev/vfio/vfio");
	int group = must(open(group_path, O_RDWR), group_path);

	must(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "VFIO_GROUP_SET_CONTAINER");
	must(ioctl(container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), "VFIO_SET_IOMMU");
	device = must(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address), address);
	config = region_of(VFIO_PCI_CONFIG_REGION_INDEX).offset;
}

static void map_bar(void)
{
	bar = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   region_of(VFIO_PCI_BAR2_REGION_INDEX).offset);
	must(bar == MAP_FAILED ? -1 : 0, "mmap of the BAR");
}

static void export(void)
{
	static __u64 words[(sizeof(struct vfio_device_feature) +
			    sizeof(struct vfio_device_feature_dma_buf) +
			    sizeof(struct vfio_region_dma_range)) / 8];
	struct vfio_device_feature *feature = (void *)words;
	struct vfio_device_feature_dma_buf *request = (void *)feature->data;

	feature->argsz = sizeof(words);
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;
	request->region_index = VFIO_PCI_BAR2_REGION_INDEX;
	request->open_flags = O_RDWR | O_CLOEXEC;
	request->nr_ranges = 1;
	request->dma_ranges[0].length = LEN;
	dma_buf = must(ioctl(device, VFIO_DEVICE_FEATURE, feature), "VFIO_DEVICE_FEATURE_DMA_BUF");
}

/* Switches the memory of the exporting device off, which takes the dma-buf back, or on. */
static void switch_memory(bool on)
{
	__u16 command;
	long got = syscall(__NR_pread64, device, &command, 2, config + PCI_COMMAND);

	expect(must(got, "read of the configuration space") == 2, "no command register");
	command = on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY;
	must(syscall(__NR_pwrite64, device, &command, 2, config + PCI_COMMAND),
	     "write of the configuration space");
}

static void take_back(void)
{
	switch_memory(false);
}

static void give_again(void)
{
	switch_memory(true);
}

static void use(void)
{
	map_bar();
	take_back_often(take_back, give_again);
	must(munmap(bar, LEN), "munmap");
	/* The last reference to the device's file. */
	close(device);
	expect_gone();
	SAY(1, "the exporter has gone, %u requests refused: ok\n", refusals);
}

int main(int argc, char **argv)
{
	const char *how = argc == 5 ? argv[1] : "";
	bool works = !strcmp(how, "works"), bounces = !strcmp(how, "bounces");

	if (!works && !bounces && strcmp(how, "refused")) {
		SAY(2, "works|refused|bounces GROUP ADDRESS GPU\n");
		return 2;
	}
	page = map(GPU_PAGE);
	gpu = must(open(argv[4], O_RDWR), argv[4]);
	open_device(argv[2], argv[3]);
	export();
	import();
	if (works) {
		use();
		return 0;
	}
	/* The kernel says ENOMEM if it cannot map. */
	refused("BIND", bounces ? ENOMEM : EINVAL, try_bind());
	expect(!state(), "INFO: the object is mapped");
	SAY(1, "memory of another device that the GPU %s: refused\n",
	    bounces ? "would not find in place" : "does not reach");
	return 0;
}
