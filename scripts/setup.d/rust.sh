# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Steps rustc and rust_src: the compiler, and the source of its core library.

# use_rustc DIR COMMAND...: takes the rustc that COMMAND runs in DIR, if it is new enough.
use_rustc() {
	# Without this variable rustup would install a missing toolchain, silently.
	RUSTC_VV=$(cd -- "$1" && RUSTUP_AUTO_INSTALL=0 "${@:2}" -vV 2>/dev/null) || return 1
	RUSTC_VERSION=$(sed -n 's/^release: //p' <<<"$RUSTC_VV")
	version_ge "$RUSTC_VERSION" "$RUSTC_MIN" || return 1
	SYSROOT=$(cd -- "$1" && RUSTUP_AUTO_INSTALL=0 "${@:2}" --print sysroot) || return 1
	# In another directory rustup may run another rustc.
	RUST_BIN=
	[ "$(command -v rustc)" -ef "$SYSROOT/bin/rustc" ] || RUST_BIN=$SYSROOT/bin
}

rustup_asked=
ready_rustc() {
	use_rustc "$REPO" rustc && return
	# Another rustc than the pinned one will do only after rustup could not install that one.
	if [ -z "$rustup_asked" ] && [ ! -e "$ENV_FILE" ] && command -v rustup >/dev/null; then
		return 1
	fi
	use_rustc / env -u RUSTUP_TOOLCHAIN rustc || use_rustc / /usr/bin/rustc
}

pinned_rustc() {
	cd -- "$REPO" && rustc -vV
}

make_rustc() {
	if command -v rustup >/dev/null; then
		rustup_asked=1
		new_log
		tell 'letting rustup install the one in rust-toolchain.toml'
		run log_lines pinned_rustc || tell 'rustup could not; looking for another rustc'
	fi
	ready_rustc ||
		die "none >= $RUSTC_MIN here: get one with rustup, or the packages rustc and" \
			'rust-src of Debian 13 or later'
}

ready_rust_src() {
	local dir
	if [ -n "$GIVEN_RUST_LIB_SRC" ]; then
		RUST_LIB_SRC=$GIVEN_RUST_LIB_SRC
		[ -e "$RUST_LIB_SRC/core/src/lib.rs" ] ||
			die "RUST_LIB_SRC=$RUST_LIB_SRC has no core/src/lib.rs: it must be the" \
				"library/ in the source of rustc $RUSTC_VERSION"
		return
	fi
	for dir in "$SYSROOT/lib/rustlib/src/rust" "/usr/src/rustc-$RUSTC_VERSION" \
		"$CACHE/rust-src/$RUSTC_VERSION"; do
		RUST_LIB_SRC=$dir/library
		[ ! -e "$RUST_LIB_SRC/core/src/lib.rs" ] || return 0
	done
	return 1
}

unpack_rust_src() {
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$TMP" "./usr/src/rustc-$RUSTC_VERSION/library"
}

make_rust_src() {
	local version wanted=
	new_log
	if [[ $SYSROOT == */toolchains/* ]] && command -v rustup >/dev/null; then
		tell 'rustup component add rust-src'
		run log_lines rustup component add rust-src --toolchain "${SYSROOT##*/}" || true
		ready_rust_src && return
		tell "rustup could not; looking for Debian's rust-src"
	fi
	need_space 300
	private_update
	for version in $(private_versions rust-src); do
		[ "${version%%[-+~]*}" != "$RUSTC_VERSION" ] || wanted=$version
	done
	[ -n "$wanted" ] ||
		die "Debian ($SUITES) has no rust-src of version $RUSTC_VERSION, only" \
			"$(private_versions rust-src | sort -uV | xargs)"
	private_download "rust-src=$wanted"
	run megabytes unpack_rust_src || die_log "$deb could not be unpacked"
	mv -- "$TMP/usr/src/rustc-$RUSTC_VERSION" "$CACHE/rust-src/$RUSTC_VERSION"
}
