# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Copies what drivers in other directories are built against.

# copy_crate FROM TO: copies what drivers are built against from FROM, where sgdma was built, to TO.
# sgdma.mk finds the other files beside itself. The link leads to the kernel build tree that sgdma
# was built in.
copy_crate() {
	install -D -m 644 -t "$2" "$1"/{sgdma.mk,libsgdma.rmeta,Module.symvers}
	install -D -m 644 -t "$2/include" "$1/include/sgdma.h"
	ln -sfn "$(readlink "$1/build")" "$2/build"
}
