# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Versions, and the LLVM that is used.

# the oldest LLVM and kernel that will do
LLVM_MIN=17.0.1
KERNEL_MIN=7.2

# version_ge A B: succeeds if version A is at least B.
version_ge() {
	[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# llvm_version BIN: prints the version of the clang in that directory.
llvm_version() {
	"$1/clang" -dumpversion 2>/dev/null
}

# Prints the directories with an LLVM that LLVM=1 can use: Debian's, newest first, then the one on
# PATH.
llvm_bins() {
	local bin tool
	{
		printf '%s\n' /usr/lib/llvm-*/bin | sort -rV
		dirname -- "$(command -v clang)" 2>/dev/null
	} | while read -r bin; do
		for tool in clang ld.lld llvm-{ar,nm,objcopy,objdump,readelf,strip}; do
			[ -x "$bin/$tool" ] || continue 2
		done
		version_ge "$(llvm_version "$bin")" "$LLVM_MIN" && echo "$bin"
	done
}

# clang_version NUMBER: prints 190107, as CONFIG_CLANG_VERSION has it, as 19.1.7.
clang_version() {
	echo $(($1 / 10000)).$(($1 / 100 % 100)).$(($1 % 100))
}

# closest_llvm VERSION: prints the directory with an LLVM of that version, or else the first one.
closest_llvm() {
	local bin bins
	mapfile -t bins < <(llvm_bins)
	for bin in "${bins[@]}"; do
		if [ "$(llvm_version "$bin")" = "$1" ]; then
			echo "$bin"
			return
		fi
	done
	echo "${bins[0]-}"
}
