# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step kernel: its configuration and build. Its directory is named by all that it is built from.

# Prints the configuration files of this kernel.
fragments() {
	cd -- "$REPO" && cat -- "${CONFIGS[@]}"
}

# Prints the last line on each symbol.
fragment() {
	fragments | grep -E '^(# )?CONFIG_' | tac | awk -F '[ =]' '!seen[$1 == "#" ? $2 : $1]++'
}

# not_so .CONFIG FRAGMENT: prints the lines of FRAGMENT that do not hold in .CONFIG, which need not
# name a symbol that is not set.
not_so() {
	awk -F '[ =]' '
		NR == FNR { is[$1] = $0; next }
		$1 == "#" ? $2 in is : is[$1] != $0' "$1" "$2"
}

ready_kernel() {
	local key name=$VARIANT
	[ "${SERIES:-$KERNEL_MIN}" = "$KERNEL_MIN" ] || name=$KERNEL
	TOOL_PATH=$LLVM_BIN${RUST_BIN:+:$RUST_BIN}${BINDGEN_BIN:+:$BINDGEN_BIN}
	key=$({
		printf '%s\n' "$ARCH" "$KSRC" "$KVERSION" "$RUSTC_VV" \
			"$(llvm_version "$LLVM_BIN")" "$BINDGEN_VERSION"
		fragments
	} | sha256sum)
	KDIR=$CACHE/kernel/$name-${key:0:12}
	case $ARCH in
	x86_64) KIMAGE=$KDIR/arch/x86/boot/bzImage ;;
	arm64) KIMAGE=$KDIR/arch/arm64/boot/Image ;;
	um) KIMAGE=$KDIR/linux ;;
	esac
	[ -e "$KDIR/.complete" ] && [ -e "$KIMAGE" ]
}

# kernel_make ARGUMENT...: runs the kernel's make, for run only. The build depends on nothing but
# what is in the key above.
kernel_make() {
	local name keep=()
	for name in HOME RUSTUP_HOME RUSTUP_TOOLCHAIN CARGO_HOME TMPDIR; do
		[ -z "${!name-}" ] || keep+=("$name=${!name}")
	done
	exec env -i "${keep[@]}" LC_ALL=C PATH="$TOOL_PATH:$PATH" \
		LIBCLANG_PATH="$LIBCLANG_PATH" RUST_LIB_SRC="$RUST_LIB_SRC" \
		make -C "$KSRC" O="$KDIR" ARCH="$ARCH" LLVM=1 -j"$(nproc)" "$@"
}

make_kernel() {
	local lost
	need_space 1000
	mkdir -p -- "$KDIR"
	fragment >"$KDIR/fragment"
	new_log
	tell "configuring Linux $KVERSION for $KERNEL in $KDIR"
	run log_lines kernel_make rustavailable ||
		die_log 'this kernel cannot be built with these tools'
	run log_lines kernel_make KCONFIG_ALLCONFIG="$KDIR/fragment" allnoconfig ||
		die_log 'make allnoconfig'
	lost=$(not_so "$KDIR/.config" "$KDIR/fragment")
	[ -z "$lost" ] ||
		die "Kconfig of Linux $KVERSION did not take these lines of ${CONFIGS[*]}:" \
			"${lost//$'\n'/; }"
	tell "building with $(nproc) jobs, log in $log"
	run objects kernel_make all || die_log 'make'
	# User Mode Linux has no headers to export.
	[ "$ARCH" = um ] || run objects kernel_make headers || die_log 'make headers'
	: >"$KDIR/.complete"
}
