# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step kernel_source: KSRC=, or Debian's package.

ready_kernel_source() {
	if [ -n "$GIVEN_KSRC" ]; then
		KSRC=$GIVEN_KSRC
		[ -e "$KSRC/rust/kernel/lib.rs" ] ||
			die "KSRC=$KSRC is not a kernel source tree: it has no rust/kernel/lib.rs"
	else
		KSRC=$(compgen -G "$CACHE/src/${KERNEL_PACKAGE/-source/}[.-]*" | sort -V |
			tail -n 1)
		[ -e "$KSRC" ] || return 1
	fi
	KVERSION=$(awk '$2 == "=" && /^(VERSION|PATCHLEVEL|SUBLEVEL)/ { v = v sep $3; sep = "." }
		/^EXTRAVERSION/ { print v $3; exit }' "$KSRC/Makefile")
	version_ge "$KVERSION" "$KERNEL_MIN" ||
		die "KSRC=$KSRC is Linux $KVERSION: give the source of $KERNEL_MIN or later"
	[[ $KVERSION == "${SERIES:-$KVERSION}"* ]] ||
		die "KSRC=$KSRC is Linux $KVERSION, and KERNEL=$KERNEL wants $SERIES: give the" \
			'source of that series'
	# With O= kbuild refuses a tree with any of these.
	if [ -e "$KSRC/.config" ] || [ -e "$KSRC/include/config" ] ||
		[ -n "$(compgen -G "$KSRC/arch/*/include/generated")" ]; then
		die "KSRC=$KSRC was built in place, and then kbuild refuses to build elsewhere:" \
			'run make mrproper there, or give another tree'
	fi
}

unpack_kernel() {
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$KERNEL_PACKAGE.tar.xz" |
		tar -xJ -C "$TMP"
}

make_kernel_source() {
	local version
	need_space 2300
	new_log
	private_update
	[ -n "$(private_versions "$KERNEL_PACKAGE")" ] ||
		die "Debian ($SUITES) has no $KERNEL_PACKAGE, only $(private_apt apt-cache search \
			--names-only '^linux-source-[0-9]' | awk '{ print $1 }' | sort -V | xargs)"
	private_download "$KERNEL_PACKAGE${KERNEL_VERSION:+=$KERNEL_VERSION}"
	version=$(dpkg-deb -f "$deb" Version)
	tell "unpacking $KERNEL_PACKAGE $version"
	run megabytes unpack_kernel || die_log "$deb could not be unpacked"
	mv -- "$TMP/$KERNEL_PACKAGE" "$CACHE/src/linux-$version"
}
