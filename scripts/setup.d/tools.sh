# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step tools: commands and headers, which the system's package manager installs.

# add_missing NAME PACKAGE...: notes what is missing, and the packages that have it.
add_missing() {
	missing+=("$1")
	packages+=("${@:2}")
}

# want COMMAND PACKAGE: notes a command that is missing.
want() {
	command -v "$1" >/dev/null || add_missing "$1" "$2"
}

# Sets LLVM_BIN and LIBCLANG_PATH.
find_llvm() {
	local dir lib
	while read -r LLVM_BIN; do
		for dir in "$LLVM_BIN"/../lib{,64}; do
			for lib in "$dir"/libclang{,-[0-9]*}.so*; do
				[ -e "$lib" ] || continue
				LIBCLANG_PATH=$(cd -- "$dir" && pwd)
				return
			done
		done
	done < <(llvm_bins)
	LLVM_BIN=
	return 1
}

# Prints the major version to install: that of the LLVM that is there, or else the one that this
# project is tested with, or the newest if apt has that one no more.
llvm_to_install() {
	local known version
	version=$(llvm_version "$LLVM_BIN") || true
	if [ -n "$LLVM_BIN" ] && [ -n "$version" ]; then
		echo "${version%%.*}"
		return
	fi
	known=$(apt-cache search --names-only '^clang-[0-9]+$' 2>/dev/null |
		sed -nE 's/^clang-([0-9]+) .*/\1/p')
	if [ -z "$known" ] || grep -qx "$LLVM_TESTED" <<<"$known"; then
		echo "$LLVM_TESTED"
	else
		sort -n <<<"$known" | tail -n 1
	fi
}

# Sets PYTHON.
find_python() {
	local python
	for python in python3 /usr/bin/python3; do
		PYTHON=$("$python" -c '
import importlib.util, sys
print(sys.executable)
sys.exit(sys.version_info < (3, 11) or not importlib.util.find_spec("pytest"))' 2>/dev/null) &&
			return
	done
	return 1
}

ready_tools() {
	missing=() packages=()
	want make make
	want flex flex
	want bison bison
	want bc bc
	want cpio cpio
	want xz xz-utils
	# A user who is not root need not have depmod on PATH.
	PATH=$PATH:/usr/sbin:/sbin want depmod kmod
	case $ARCH in
	x86_64)
		QEMU=$(command -v qemu-system-x86_64) ||
			add_missing qemu-system-x86_64 qemu-system-x86
		# for the kernel's objtool
		[ -e /usr/include/libelf.h ] || add_missing libelf.h libelf-dev
		;;
	arm64)
		QEMU=$(command -v qemu-system-aarch64) ||
			add_missing qemu-system-aarch64 qemu-system-arm
		want fdtput device-tree-compiler
		;;
	um)
		# This kernel needs no machine.
		QEMU=
		;;
	esac
	find_llvm ||
		add_missing "clang, lld, LLVM's tools and libclang, >= $LLVM_MIN" \
			{clang,lld,llvm}-"$(llvm_to_install)"
	compgen -G "$LLVM_BIN/../lib/clang/*/lib/*/libclang_rt.fuzzer*" >/dev/null ||
		add_missing "clang's libFuzzer" libclang-rt-"$(llvm_to_install)"-dev
	find_python || add_missing 'python3 >= 3.11 with pytest' python3 python3-pytest
	ready_busybox || [ "$MACHINE" != "$HOST_ARCH" ] ||
		add_missing 'static busybox' busybox-static
	ready_bindgen || want cargo bindgen
	[ ${#missing[@]} = 0 ]
}

sudo=()
apt_install() {
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
		--no-install-recommends -o DPkg::Lock::Timeout=300 "${packages[@]}"
}

make_tools() {
	local what install
	what=$(printf ', %s' "${missing[@]}")
	what="missing: ${what:2}"
	install="apt-get install --no-install-recommends ${packages[*]}"
	command -v apt-get >/dev/null || die "$what: install these in the way of this system"
	if [ "$EUID" != 0 ]; then
		sudo=(sudo)
		sudo -n true 2>/dev/null || { [ -t 0 ] && sudo true; } ||
			die "$what; as root, run: apt-get update && $install"
	fi
	new_log
	tell "$what; now ${sudo[*]+sudo }$install"
	# First with the lists that are there, then with new ones, which may name another LLVM.
	if ! run_protected log_lines apt_install; then
		tell 'that failed; apt-get update, and once more'
		# One broken repository fails all of update, and may be one that is not needed.
		run_protected log_lines "${sudo[@]}" apt-get -q update ||
			install="apt-get update (network?), then $install"
		ready_tools || true
		run_protected log_lines apt_install || die_log "$install"
	fi
	ready_tools || die_log "still missing: $(printf '%s; ' "${missing[@]}")"
}
