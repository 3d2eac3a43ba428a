# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What drivers elsewhere are built against.

# copy_crate FROM TO: copies it to the directory TO, which sgdma.mk then expects it in. The link
# names the kernel build tree that sgdma was built in.
copy_crate() {
	install -D -m 644 -t "$2" "$1"/{sgdma.mk,libsgdma.rmeta,Module.symvers}
	install -D -m 644 -t "$2/include" "$1/include/sgdma.h"
	ln -sfn "$(readlink "$1/build")" "$2/build"
}
