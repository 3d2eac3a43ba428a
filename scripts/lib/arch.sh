# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# This machine's architecture.

# host_arch: prints it as the kernel's build calls it.
host_arch() {
	local machine
	machine=$(uname -m)
	echo "${machine/aarch64/arm64}"
}
