# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What several of these scripts have to know.

# the oldest LLVM and kernel that do
LLVM_MIN=17.0.1
KERNEL_MIN=7.2

# version_ge A B: is version A at least B?
version_ge() {
	[ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# llvm_version BIN: of the clang in that directory
llvm_version() {
	"$1/clang" -dumpversion 2>/dev/null
}

# The directories with an LLVM that LLVM=1 can use: Debian's by falling
# version, then what is on PATH.
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

# check_path WHAT PATH: refuses what Makefile refuses, in the same words.
check_path() {
	local odd="\\\$#%:;,&|<>()[]{}*?\"'\`"
	# shellcheck disable=SC2101  # it is in a bracket
	if [[ $2 == *["$odd"[:space:]]* ]]; then
		echo "$1$2: kernel builds break on a path with a blank, a quote or any of \\ \$ # % : ; , & | < > ( ) [ ] { } * ?: choose another path" >&2
		exit 1
	fi
}

# holder LOCK: who has it
holder() {
	local pid
	pid=$(<"$1")
	if [ -d "/proc/${pid:-none}" ]; then
		echo "process $pid"
	else
		echo "what process $pid left running when it was killed"
	fi
}

# take_lock FD LOCK WAIT: has the file LOCK locked by that descriptor. Whoever inherits it holds the
# lock: what a killed script leaves running does. WAIT FD LOCK is called where somebody else has it.
take_lock() {
	while :; do
		mkdir -p -- "${2%/*}"
		eval "exec $1>>\"\$2\""
		flock -n "$1" || "$3" "$1" "$2"
		# or else somebody has removed it meanwhile
		[ ! "$2" -ef "/proc/$$/fd/$1" ] || break
	done
	echo $$ >"$2"
}
