# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Paths that a kernel build works on.

# check_path NAME PATH: refuses the paths that Makefile refuses, in the same words.
check_path() {
	local odd="\\\$#%:;,&|<>()[]{}*?\"'\`"
	# shellcheck disable=SC2101  # [:space:] is inside of a bracket
	if [[ $2 == *["$odd"[:space:]]* ]]; then
		echo "$1$2: kernel builds break on a path with a blank, a quote or any of" \
			'\ $ # % : ; , & | < > ( ) [ ] { } * ?: choose another path' >&2
		exit 1
	fi
}
