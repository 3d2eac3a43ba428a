# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step stock_kernel: Debian's unmodified kernel, its headers, and metadata that
# scripts/rust-metadata makes for it.

# the kernels, each by its flavour in the names of packages
declare -A FLAVOURS=(
	[x86_64-debian]=amd64
	[x86_64-debian-rt]=rt-amd64
	[x86_64-debian-cloud]=cloud-amd64
	[arm64-debian]=arm64
	[arm64-debian-rt]=rt-arm64
	[arm64-debian-16k]=arm64-16k
)

ready_stock_kernel() {
	local headers
	STOCK=$(compgen -G "$CACHE/stock/$SERIES.*+deb[0-9][0-9]-${FLAVOURS[$VARIANT]}" |
		sort -V | tail -n 1)
	[ -n "$STOCK" ] || return 1
	KIMAGE=$STOCK/usr/lib/modules/${STOCK##*/}/vmlinuz
	headers=$STOCK/usr/src/linux-headers-${STOCK##*/}
	KVERSION=${STOCK##*/}
	KDIR=$(metadata_tree "$headers")
	TOOL_PATH=$LLVM_BIN${RUST_BIN:+:$RUST_BIN}${BINDGEN_BIN:+:$BINDGEN_BIN}
	[ -d "$KDIR" ]
}

lock_stock_kernel() { echo "stock-$VARIANT-$SERIES"; }

# stock_package PACKAGE: downloads it and unpacks it.
stock_package() {
	private_download "$1"
	dpkg-deb -x "$deb" "$TMP/stock" 2>>"$log" || die_log "$deb could not be unpacked"
}

# The headers of the kernel's interface, which programs in the guest are built with.
uapi_headers() {
	KDIR=$TMP/uapi kernel_make headers
}

download_stock_kernel() {
	local release headers
	need_space 1000
	private_update
	release=$(private_apt apt-cache search --names-only \
		"^linux-binary-$SERIES\\.[0-9]+\\+deb[0-9]+-${FLAVOURS[$VARIANT]}\$" |
		sed -E 's/^linux-binary-([^ ]+) .*/\1/' | sort -V | tail -n 1)
	[ -n "$release" ] ||
		die "Debian ($SUITES) has no linux-binary-$SERIES.*-${FLAVOURS[$VARIANT]}"
	headers=$TMP/stock/usr/src/linux-headers-$release
	stock_package "linux-binary-$release"
	stock_package "linux-headers-$release"
	stock_package "linux-headers-${release%%-*}-common"
	tell 'making the headers of its interface'
	run objects uapi_headers || die_log 'make headers'
	mkdir -- "$headers/usr"
	mv -- "$TMP/uapi/usr/include" "$headers/usr/"
	# These are programs, which run on this machine.
	MACHINE=$HOST_ARCH DEB_ARCH=${HOST_ARCH/x86_64/amd64} updated=
	private_update
	stock_package "linux-kbuild-${release%%-*}"
	mkdir -p -- "$CACHE/stock"
	mv -- "$TMP/stock" "$CACHE/stock/$release"
}

make_stock_kernel() {
	new_log
	[ -n "$STOCK" ] || download_stock_kernel
	ready_stock_kernel ||
		"$REPO/scripts/rust-metadata" "$STOCK/usr/src/linux-headers-${STOCK##*/}" ||
		give_up
}
