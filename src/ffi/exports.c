// SPDX-License-Identifier: GPL-2.0
/*
 * Exports the Rust symbols of this module, so that other modules' Rust code
 * can link against them. The list is made from the object by Kbuild.
 */
#include <linux/export.h>

#define SGDMA_EXPORT(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "sgdma_exports.h"
