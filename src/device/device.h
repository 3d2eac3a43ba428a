/* SPDX-License-Identifier: GPL-2.0 */
/* The C files of this folder, for each other and for the layers above. */
#ifndef SGDMA_DEVICE_H
#define SGDMA_DEVICE_H

#include <sgdma.h>

/* Who maps a device's memory. */
enum sgdma_route { SGDMA_DIRECT, SGDMA_IOMMU, SGDMA_OPS, SGDMA_DOMAIN };

/* Returns who maps the device's memory. The device is bound, or its lock is held. */
enum sgdma_route sgdma_route(struct device *dev);

/* Returns where a direct mapping in place would be, or DMA_MAPPING_ERROR. */
dma_addr_t sgdma_direct_address(struct device *dev, phys_addr_t phys, size_t size);

/*
 * Returns true unless mapping the @size bytes from @phys on, which are no memory, would warn
 * because the device cannot send such addresses.
 */
bool sgdma_can_send(struct device *dev, phys_addr_t phys, size_t size);

/* Returns how many of @size bytes from @phys on keep together on the device's bus. */
size_t sgdma_straight(struct device *dev, phys_addr_t phys, size_t size);

/* Returns true if a segment that begins in the device's reach may go on elsewhere. */
bool sgdma_has_borders(struct device *dev);

/* Returns true if firmware marks the device's port as leading out of the machine. */
bool sgdma_is_untrusted(struct device *dev);

/*
 * Returns true if the device's bus has memory at other addresses than the CPU (`dma-ranges`), which
 * the kernel forgets when the device is unbound.
 */
bool sgdma_has_ranges(struct device *dev);

/* Returns true if the device has all of its memory bounced. */
bool sgdma_bounces_all(struct device *dev);

/* Returns true if the device can bounce memory. */
bool sgdma_can_bounce(struct device *dev);

/* Returns true if the platform's own DMA operations synchronise. For SGDMA_OPS. */
bool sgdma_ops_synchronise(struct device *dev);

/* Returns true if firmware says that the device does no DMA, and the platform goes by that. */
bool sgdma_firmware_denies_dma(struct device *dev);

/* Returns true if the hardware keeps the caches coherent with the device. */
bool sgdma_has_coherent_caches(struct device *dev);

/* Returns true if whole pages of memory may bounce because the device is untrusted. */
bool sgdma_bounces_partial_pages(struct device *dev);

/* Returns true if the device tree restricts the device to a pool of bounce buffers. */
bool sgdma_has_restricted_pool(struct device *dev);

/* Returns true if coherent memory for the device comes from memory that is set apart for it. */
bool sgdma_has_own_memory(struct device *dev);

/* Returns true if this is a guest whose memory devices cannot read. */
bool sgdma_memory_is_encrypted(void);

/* Returns true if the device reaches all memory, or does not depend on where memory is. */
bool sgdma_reaches_all(struct device *dev);

/*
 * Calls alloc_pages() for memory that a directly mapped @dev reaches, as far as there is such
 * memory. @zone is zero, or what an earlier call has left there; @dev may be NULL. Returns
 * NULL if there are no pages, or none in reach of a device that cannot bounce.
 */
struct page *sgdma_alloc_pages(struct device *dev, unsigned int *zone, gfp_t gfp,
			       unsigned int order);

/* Returns a number that changes whenever memory is plugged in. */
unsigned int sgdma_memory_plugged(void);

/* Changes the number that sgdma_memory_plugged() returns. */
void sgdma_memory_comes(void);

/* Watches for memory that is plugged in. Returns zero or an error. */
int sgdma_reach_init(void);

/* Ends what sgdma_reach_init() starts. */
void sgdma_reach_exit(void);

/* Switches bus mastering on, unless it is. The device is bound. May sleep. */
void sgdma_start_dma(struct pci_dev *pdev);

/* What became of a device's DMA. */
enum sgdma_halt {
	/* The device does no DMA. All that it wrote before has arrived in memory. */
	SGDMA_HALTED,
	/* The device was removed. */
	SGDMA_GONE,
	/* The device may still do DMA; the log says why. */
	SGDMA_HALT_FAILED,
};

/*
 * Switches bus mastering off, and waits for the transfers that are under way. The device lock is
 * held. May sleep.
 */
enum sgdma_halt sgdma_halt(struct pci_dev *pdev);

/* Returns true if the library was loaded with sync_debug=1. */
bool sgdma_sync_debug(void);

/* The buses whose devices are looked at; a null pointer comes last. */
#define SGDMA_BUSES 3
extern const struct bus_type *const sgdma_buses[SGDMA_BUSES + 1];

/* Makes the report's directory in debugfs. */
void sgdma_report_init(void);

/* Removes the report's directory. */
void sgdma_report_exit(void);

/* The DMA limits of a device, as they are before a binding changes them. */
struct sgdma_limits {
	u64 mask;
	u64 coherent_mask;
	unsigned long seg_boundary;
	unsigned int max_seg_size;
	unsigned int min_align_mask;
	bool skips_sync;
};

/* Stores the DMA limits of a device. Returns -EINVAL if the device has no limits of its own. */
int sgdma_save_limits(struct device *dev, struct sgdma_limits *limits);

/* Restores the DMA limits of a device. */
void sgdma_restore_limits(struct device *dev, const struct sgdma_limits *limits);

/* Calls dma_set_min_align_mask(), which warns if the bus has given the device no dma_parms. */
void sgdma_dma_set_min_align_mask(struct device *dev, unsigned int mask);

#endif
