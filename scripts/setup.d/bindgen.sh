# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step bindgen: the one on PATH, or one that cargo builds.

ready_bindgen() {
	BINDGEN_BIN=
	BINDGEN_VERSION=$(bindgen --version 2>/dev/null) &&
		version_ge "${BINDGEN_VERSION#* }" "$BINDGEN_MIN" && return
	BINDGEN_BIN=$CACHE/tools/bindgen-$BINDGEN_PIN/bin
	BINDGEN_VERSION=$("$BINDGEN_BIN/bindgen" --version 2>/dev/null)
}

cargo_install() {
	# The user's cargo may start a compiler cache, a daemon.
	exec 7>&- 8>&- 9>&-
	# There need not be a cc: clang links too.
	cd / && PATH=${RUST_BIN:+$RUST_BIN:}$PATH RUSTFLAGS=-Clinker=$LLVM_BIN/clang \
		CARGO_TARGET_DIR=$CACHE/tools/build-bindgen \
		cargo install --locked --root "$TMP/bindgen" --version "$BINDGEN_PIN" bindgen-cli
}

make_bindgen() {
	command -v cargo >/dev/null ||
		die "no bindgen >= $BINDGEN_MIN is here, and no cargo to build one: install" \
			'either of them'
	need_space 500
	new_log
	tell "cargo install bindgen-cli $BINDGEN_PIN"
	run crates cargo_install || die_log 'cargo install bindgen-cli'
	# A bindgen that is there does not run.
	rm -rf -- "$CACHE/tools/bindgen-$BINDGEN_PIN"
	mv -- "$TMP/bindgen" "$CACHE/tools/bindgen-$BINDGEN_PIN"
	rm -rf -- "$CACHE/tools/build-bindgen"
}
