# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step stock_kernel: Debian's unmodified kernel, its headers, and metadata that
# scripts/rust-metadata makes for it.

ready_stock_kernel() {
	local headers series=${SERIES:-$KERNEL_MIN}
	TOOL_PATH=$LLVM_BIN${RUST_BIN:+:$RUST_BIN}${BINDGEN_BIN:+:$BINDGEN_BIN}
	STOCK=$(compgen -G "$CACHE/stock/$series.*+deb[0-9][0-9]-$FLAVOUR" |
		sort -V | tail -n 1)
	[ -n "$STOCK" ] || return 1
	KIMAGE=$STOCK/usr/lib/modules/${STOCK##*/}/vmlinuz
	headers=$STOCK/usr/src/linux-headers-${STOCK##*/}
	KVERSION=${STOCK##*/}
	KDIR=$(metadata_tree "$headers")
	has_metadata "$KDIR"
}

lock_stock_kernel() { echo "stock-$KERNEL"; }

# stock_package PACKAGE: downloads and unpacks a package.
stock_package() {
	private_download "$1"
	dpkg-deb -x "$deb" "$TMP/stock" 2>>"$log" || die_log "$deb could not be unpacked"
}

# Makes the headers of the kernel's interface, which programs in the guest are built with.
uapi_headers() {
	KDIR=$TMP/uapi kernel_make headers
}

download_stock_kernel() {
	local release headers lost series=${SERIES:-$KERNEL_MIN}
	need_space 1000
	private_update
	release=$(private_apt apt-cache search --names-only \
		"^linux-binary-$series\\.[0-9]+\\+deb[0-9]+-$FLAVOUR\$" |
		sed -E 's/^linux-binary-([^ ]+) .*/\1/' | sort -V | tail -n 1)
	[ -n "$release" ] ||
		die "Debian ($SUITES) has no linux-binary-$series.*-$FLAVOUR"
	headers=$TMP/stock/usr/src/linux-headers-$release
	stock_package "linux-binary-$release"
	stock_package "linux-headers-$release"
	stock_package "linux-headers-${release%%-*}-common"
	lost=$(not_so "$headers/.config" "$REPO/scripts/kernel/$VARIANT.config")
	[ -z "$lost" ] ||
		die "$release is not as scripts/kernel/$VARIANT.config says: ${lost//$'\n'/; }"
	tell 'making the headers that programs in the guest are built with'
	run objects uapi_headers || die_log 'make headers'
	mkdir -- "$headers/usr"
	mv -- "$TMP/uapi/usr/include" "$headers/usr/"
	# linux-kbuild has programs, which run on this machine.
	MACHINE=$HOST_ARCH DEB_ARCH=${HOST_ARCH/x86_64/amd64} updated=''
	private_update
	stock_package "linux-kbuild-${release%%-*}"
	mkdir -p -- "$CACHE/stock"
	mv -- "$TMP/stock" "$CACHE/stock/$release"
}

# Makes it in a process group of its own: an interrupt ends it, and does not wait for it.
stock_metadata() {
	local status=0
	set -m
	"$REPO/scripts/rust-metadata" "$STOCK/usr/src/linux-headers-${STOCK##*/}" </dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return "$status"
}

make_stock_kernel() {
	new_log
	[ -n "$STOCK" ] || download_stock_kernel
	# Another process is about to lock Debian's lists.
	exec 8>&-
	ready_stock_kernel || stock_metadata || give_up
}
