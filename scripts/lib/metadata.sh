# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Rust metadata that scripts/rust-metadata makes for a kernel whose headers have none.

# has_metadata TREE: succeeds if it is there, with the compilers that it may need.
has_metadata() {
	[ -d "$1" ] && { [ ! -L "$1/root" ] || [ -d "$1/root" ]; }
}

# metadata_tree KDIR: prints the build tree with metadata of this very kernel, which need not be
# there yet.
metadata_tree() {
	local key release
	key=$({
		realpath -- "$1"
		cat -- "$1"/{.config,Module.symvers,vmlinux,include/generated/utsversion.h}
	} 2>/dev/null | sha256sum)
	release=$(cat -- "$1/include/config/kernel.release" 2>/dev/null) || return 0
	echo "$CACHE/metadata/$release-${key:0:12}"
}
