// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of this module that are written in Rust and used by other modules. In C, because
 * EXPORT_SYMBOL_GPL() is a macro.
 */
#include <linux/export.h>

#include <sgdma.h>

/* For drivers in Rust: Kbuild makes the list from the object. */
#define SGDMA_EXPORT(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "sgdma_exports.h"

/* For drivers in C. */
EXPORT_SYMBOL_GPL(sgdma_coherency);
EXPORT_SYMBOL_GPL(dma_streaming_is_coherent);
EXPORT_SYMBOL_GPL(sgdma_first_incoherent);
EXPORT_SYMBOL_GPL(sgdma_coherency_name);
EXPORT_SYMBOL_GPL(sgdma_coherency_string);
EXPORT_SYMBOL_GPL(sgdma_peer_name);
EXPORT_SYMBOL_GPL(sgdma_peer_string);
