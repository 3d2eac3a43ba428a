# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Steps of scripts/rust-metadata: what is known of the kernel, the kernel's source, and the build of
# rust/. The result is a tree: a copy of the headers package, with the rust/ that was built.

# kconfig SYMBOL: prints the value of SYMBOL in the kernel's configuration.
kconfig() {
	sed -n "s/^CONFIG_$1=//p" "$HEADERS/.config" | tr -d '"'
}

# Sets what is known of the kernel.
ready_headers() {
	local file name
	for name in python3 xz; do
		command -v "$name" >/dev/null || die "$name is missing: install ${name/xz/xz-utils}"
	done
	for file in Makefile .config .kernelvariables Module.symvers vmlinux \
		include/config/kernel.release include/generated/utsversion.h; do
		[ -e "$HEADERS/$file" ] ||
			die "$HEADERS has no $file: give the KDIR= of a Debian kernel's headers," \
				"$KERNEL_MIN or later, such as /lib/modules/\$(uname -r)/build"
	done
	[ "$(kconfig RUST)" = y ] ||
		die 'this kernel was built without Rust (CONFIG_RUST): give the KDIR= of another'
	VERSION=$(sed -nE 's/.* Debian ([^ ]+) .*/\1/p' "$HEADERS/include/generated/utsversion.h")
	[ -n "$VERSION" ] ||
		die "this kernel is not Debian's, and the source of others is not known:" \
			'build the kernel yourself'
	COMMON=$(sed -nE 's|^include .*/([^/]+)/Makefile$|\1|p' "$HEADERS/Makefile")
	COMMON=${HEADERS%/*}/$COMMON
	[ -e "$COMMON/Makefile" ] || die "$COMMON is missing: install ${COMMON##*/}"
	RELEASE=$(<"$HEADERS/include/config/kernel.release")
	version_ge "$RELEASE" "$KERNEL_MIN" ||
		die "this kernel is Linux $RELEASE, $KERNEL_MIN or later is needed: take another"
	RUSTC_TEXT=$(kconfig RUSTC_VERSION_TEXT)
	RUSTC_WANTED=$(cut -d ' ' -f 2 <<<"$RUSTC_TEXT")
	BINDGEN_WANTED=$(kconfig BINDGEN_VERSION_TEXT)
	BINDGEN_WANTED=${BINDGEN_WANTED#bindgen }
	COMPILER=$(kconfig CC_VERSION_TEXT)
	COMPILER=${COMPILER%% *}
	# x86_64-linux-gnu-gcc-14 is in gcc-14-x86-64-linux-gnu.
	HOST_COMPILER=gcc-${COMPILER##*-gcc-}
	COMPILER_PACKAGE=$HOST_COMPILER-$(tr _ - <<<"${COMPILER%-gcc-*}")
	# An arm64 kernel has a vDSO for 32-bit programs, too.
	COMPAT_COMPILER=$(sed -n 's/^override CROSS_COMPILE_COMPAT = \(.*-\)$/\1gcc/p' \
		"$HEADERS/.kernelvariables")
	KERNEL_PACKAGE=linux-source-$(grep -oE '^[0-9]+\.[0-9]+' <<<"$VERSION")
	KERNEL_VERSION=$VERSION
	KSRC=$CACHE/src/linux-$VERSION
	TREE=$(metadata_tree "$HEADERS")
	# of the private apt
	MACHINE=$(host_arch)
	DEB_ARCH=${MACHINE/x86_64/amd64}
}

ready_debian_source() {
	[ -d "$KSRC" ]
}

# the same lock as that of the guests' kernel sources
lock_debian_source() { echo kernel-source; }

make_debian_source() {
	local versions
	new_log
	private_update
	versions=$(private_versions "$KERNEL_PACKAGE" | sort -uV)
	grep -Fqx "$VERSION" <<<"$versions" ||
		die "Debian no longer has $KERNEL_PACKAGE $VERSION, the source of this kernel," \
			"only $(xargs <<<"${versions:-other kernels}"): install a current kernel" \
			'with its headers'
	make_kernel_source
}

ready_metadata() {
	has_metadata "$TREE"
}

lock_metadata() { echo "metadata-${TREE##*/}"; }

# metadata_make ARGUMENT...: runs the kernel's make for run.
metadata_make() {
	local jobs
	jobs=$(nproc)
	exec env -i HOME="$TMP" PATH="$PATH" LC_ALL=C "${in_root[@]}" \
		make -C "$KSRC" O="$TMP/build" HOSTCC="$HOST_COMPILER" -j"$jobs" "$@"
}

# Options that say how a kernel was built, not how it is laid out.
HARMLESS='CC_VERSION_TEXT|GCC_VERSION|[AL]S_VERSION|LD_VERSION|RUSTC_LLVM_[A-Z_]*|PAHOLE_VERSION'
HARMLESS+='|CC_CAN_LINK|MODULE_SIG_KEY_TYPE_[A-Z0-9_]*|OPENSSL_[A-Z0-9_]*'

# Prints the options that differ from the shipped ones.
other_options() {
	# Lines that only one file has
	sort -- {"$HEADERS","$TMP/build"}/.config | uniq -u |
		sed -nE 's/^(# )?CONFIG_([A-Za-z0-9_]+)[= ].*/\2/p' |
		awk -v harmless="^($HARMLESS)\$" '$0 !~ harmless && !seen[$0]++' | xargs
}

# Makes the tree: the shipped files, with the rust/ that was built.
make_tree() {
	local tree=$TMP/tree built=$TMP/build status=0
	cp -rL -- "$HEADERS" "$tree" || status=1
	# The headers may be read-only.
	chmod -R u+w -- "$tree" && [ "$status" = 0 ] &&
		cp -rT -- "$built/rust" "$tree/rust" || return 1
	find "$tree/rust" -name '*.o' -delete
	[ ! -e "$built/scripts/target.json" ] ||
		cp -- "$built/scripts/target.json" "$tree/scripts/" || return 1
	printf '%s\n' "KBUILD_OUTPUT=$TREE" "include $COMMON/Makefile" >"$tree/Makefile"
	[ -z "$ROOT" ] || ln -s -- "$ROOT" "$tree/root"
}

# Compiles what prints the layouts, as any module is compiled.
compile_layouts() {
	local dir=$TMP/layouts
	mkdir -- "$dir"
	python3 -B "$REPO/scripts/layouts" rust "$TMP/tree/rust/bindings/bindings_generated.rs" \
		>"$dir/layouts.rs" || return 1
	echo 'obj-m := layouts.o' >"$dir/Kbuild"
	# The Makefile names the tree's final place.
	sed "s|^KBUILD_OUTPUT=.*|KBUILD_OUTPUT=$TMP/tree|" "$TMP/tree/Makefile" >"$dir/Makefile"
	env -i HOME="$TMP" PATH="$PATH" LC_ALL=C "${in_root[@]}" \
		make -f "$dir/Makefile" -C "$TMP/tree" M="$dir" layouts.o
}

# verify_layouts FILE: compares the layouts of structures, and adds the result to FILE.
verify_layouts() {
	python3 -B "$REPO/scripts/layouts" compare "$TMP/tree/rust/bindings/bindings_generated.rs" \
		"$TMP/layouts/layouts.o" "$HEADERS/vmlinux" >"$TMP/structures" 2>&1 || return 1
	cat -- "$TMP/structures" >>"$1"
}

# verify_exports FILE: compares the exported Rust symbols, and adds the result to FILE.
verify_exports() {
	local made
	made=$(grep -ohE '\b_R\w+' "$TMP"/tree/rust/exports_*_generated.h | sort -u)
	absent=$(comm -23 <(echo "$shipped") <(echo "$made"))
	[ -z "$absent" ] || return 1
	echo "Rust exports verified: $(wc -l <<<"$shipped") of $(wc -l <<<"$shipped")" >>"$1"
}

make_metadata() {
	local others shipped absent
	need_space 2000
	new_log
	# All that the result is compared with must be there.
	shipped=$(awk '$2 ~ /^_R/ && $3 == "vmlinux" { print $2 }' "$HEADERS/Module.symvers" |
		sort -u)
	[ -n "$shipped" ] ||
		die "$HEADERS/Module.symvers names no symbol of Rust: reinstall that package"
	python3 -B "$REPO/scripts/layouts" check "$HEADERS/vmlinux" 2>"$TMP/structures" ||
		die "$(tail -n 1 -- "$TMP/structures"): reinstall that package"
	mkdir -- "$TMP/build"
	cp --no-preserve=mode -- "$HEADERS"/{.config,.kernelvariables} "$TMP/build/"
	tell "configuring Linux $RELEASE, Debian $VERSION"
	run log_lines metadata_make rustavailable ||
		die_log "these compilers cannot build the kernel's rust/"
	run log_lines metadata_make olddefconfig || die_log 'make olddefconfig'
	others=$(other_options)
	[ -z "$others" ] ||
		die "another configuration came out than this kernel was built with: $others"
	tell "building the kernel's rust/ with $(nproc) jobs, log in $log"
	run objects metadata_make prepare || die_log 'make prepare'
	make_tree 2>>"$log" || die_log 'the tree could not be made'
	tell 'comparing the result with the kernel'
	verify_exports "$TMP/tree/verified" ||
		die "this kernel exports $(wc -l <<<"$absent") symbols that were not made here:" \
			'it was built from another source, or by another rustc; one is' \
			"$(head -n 1 <<<"$absent")"
	run log_lines compile_layouts || die_log 'compiling what prints the layouts'
	verify_layouts "$TMP/tree/verified" ||
		die "structures are not those of this kernel; a module would corrupt memory:" \
			"$(head -n 1 -- "$TMP/structures")"
	mkdir -p -- "${TREE%/*}"
	# There may be one whose compilers are gone.
	rm -rf -- "$TREE"
	mv -- "$TMP/tree" "$TREE"
}
