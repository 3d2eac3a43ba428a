# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step toolchain: the compilers that built a kernel. This system has them, or packages of the
# kernel's distribution are unpacked into a root of their own, which scripts/in-root enters.

# what the kernel's build calls, besides rustc, bindgen and the C compiler
ROOT_PACKAGES='base-files bash bc binutils bison coreutils dash diffutils findutils flex grep gzip
	kmod libc6-dev libelf-dev libssl-dev make mawk openssl pahole perl-base python3 sed tar
	xz-utils zlib1g-dev'

# host_has_toolchain: succeeds if this system has all of the kernel's very compilers.
host_has_toolchain() {
	local name library
	[ "$(cd / && RUSTUP_AUTO_INSTALL=0 rustc --version 2>/dev/null)" = "$RUSTC_TEXT" ] ||
		return 1
	library=$(cd / && rustc --print sysroot)/lib/rustlib/src/rust/library
	[ -e "$library/core/src/lib.rs" ] || return 1
	[ "$(bindgen --version 2>/dev/null)" = "bindgen $BINDGEN_WANTED" ] || return 1
	for name in "$COMPILER" "$HOST_COMPILER" ${COMPAT_COMPILER:+"$COMPAT_COMPILER"} make flex \
		bison bc pahole python3 openssl; do
		command -v "$name" >/dev/null || return 1
	done
	[ -e /usr/include/gelf.h ] && compgen -G '/usr/include/*/openssl/opensslconf.h' >/dev/null
}

ready_toolchain() {
	ROOT='' in_root=()
	! host_has_toolchain || return 0
	ROOT=$CACHE/root/rustc-$RUSTC_WANTED-bindgen-$BINDGEN_WANTED-$COMPILER
	in_root=("$REPO/scripts/in-root" "$ROOT")
	[ -d "$ROOT" ]
}

lock_toolchain() { echo "root-${ROOT##*/}"; }

# root_apt SUITE ARGUMENT...: runs apt-get install for an empty system of that suite.
root_apt() {
	# shellcheck disable=SC2086  # it is a list
	private_apt apt-get -y --no-install-recommends -t "$1" -o Debug::NoLocking=1 \
		-o Dir::Cache::archives="$TMP/archives" "${@:2}" install $ROOT_PACKAGES \
		"rustc=$RUSTC_WANTED*" "rust-src=$RUSTC_WANTED*" "bindgen=$BINDGEN_WANTED*" \
		"$HOST_COMPILER" "$COMPILER_PACKAGE" \
		${COMPAT_COMPILER:+"gcc-${COMPAT_COMPILER%-gcc}"}
}

unpack_root() {
	local deb
	# Base-files has the links from /bin and /lib, through which other packages are unpacked.
	for deb in "$TMP"/archives/base-files_*.deb "$TMP"/archives/*.deb; do
		dpkg-deb -x "$deb" "$TMP/root" || return 1
	done
}

make_toolchain() {
	local suite src found=''
	need_space 3000
	new_log
	private_update
	mkdir -p -- "$TMP"/{archives/partial,root/{mnt,usr/src,usr/lib/modules}}
	for suite in $SUITES; do
		if root_apt "$suite" -s >>"$log" 2>&1; then
			found=$suite
			break
		fi
	done
	[ -n "$found" ] ||
		die "Debian ($SUITES) no longer has what built this kernel: rustc $RUSTC_WANTED," \
			"bindgen $BINDGEN_WANTED and $COMPILER"
	tell "this system lacks the compilers of this kernel: downloading those of Debian $found"
	run megabytes root_apt "$found" --download-only || die_log 'downloading the compilers'
	tell 'unpacking the compilers into the cache'
	run megabytes unpack_root || die_log 'unpacking the compilers'
	# What is not needed is half of all. The source of the core library must not be in /usr/src:
	# there will be this system's kernels.
	src=$(readlink -f "$TMP/root/usr/lib/rustlib/src/rust")
	rm -- "$TMP/root/usr/lib/rustlib/src/rust"
	mkdir -- "$TMP/root/usr/lib/rustlib/src/rust"
	mv -- "$src/library" "$TMP/root/usr/lib/rustlib/src/rust/"
	rm -rf -- "$TMP"/root/usr/src/* "$TMP"/root/usr/lib/llvm-*/lib/*.a \
		"$TMP"/root/usr/share/{doc,info,locale,man}
	# The script of mawk's package would make this link.
	ln -s mawk "$TMP/root/usr/bin/awk"
	[ "$("$REPO/scripts/in-root" "$TMP/root" rustc --version 2>>"$log")" = "$RUSTC_TEXT" ] ||
		die_log "the rustc of Debian $found is not the very $RUSTC_TEXT"
	mkdir -p -- "${ROOT%/*}"
	mv -- "$TMP/root" "$ROOT"
}
