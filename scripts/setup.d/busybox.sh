# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Step busybox: a static one for the guest, BUSYBOX=, the system's or Debian's.

# fits_guest FILE: succeeds for a static program for the guest's machine.
fits_guest() {
	local headers
	headers=$("${LLVM_BIN:+$LLVM_BIN/llvm-}readelf" -hlW "$1" 2>/dev/null) || return 1
	case $MACHINE in
	x86_64) [[ $headers == *X86-64* ]] ;;
	arm64) [[ $headers == *AArch64* ]] ;;
	esac && [[ $headers != *INTERP* ]]
}

ready_busybox() {
	if [ -n "$GIVEN_BUSYBOX" ]; then
		BUSYBOX=$GIVEN_BUSYBOX
		# Step tools calls this too, perhaps before there is an LLVM to look with.
		[ -z "$LLVM_BIN" ] || fits_guest "$BUSYBOX" ||
			die "BUSYBOX=$BUSYBOX is not a static program for $MACHINE"
		return
	fi
	for BUSYBOX in "$(command -v busybox)" /bin/busybox "$CACHE/busybox/$MACHINE"; do
		! fits_guest "$BUSYBOX" || return 0
	done
	return 1
}

make_busybox() {
	new_log
	private_update
	private_download busybox-static
	dpkg-deb -x "$deb" "$TMP/busybox" 2>>"$log" || die_log "$deb could not be unpacked"
	# The package has busybox in /bin, or since Debian 13 in /usr/bin.
	find "$TMP/busybox" -path '*/bin/busybox' -exec mv -- {} "$CACHE/busybox/$MACHINE" \;
}
