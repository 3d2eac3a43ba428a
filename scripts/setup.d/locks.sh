# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# The lock and the work directory of a thing that is being made, both by its name; and its step.

thing=
# the work directory
TMP=

# PROGRESS while another process holds a lock
someone() { echo "waiting for $(holder "$awaited"), which has $awaited"; }

# await FD LOCK [-s]: waits until nobody else has LOCK, and locks it by FD.
await() {
	awaited=$2
	tell "$(someone)"
	set -m
	flock "${@:3}" "$1" &
	child=$!
	set +m
	attend someone
}

# lock THING: keeps other set-ups from making THING, until unlock.
lock() {
	thing=$1
	claim_cache ||
		die "$CACHE holds other things, and no CACHEDIR.TAG of set-up: set SGDMA_CACHE to" \
			'another directory, in which set-up makes sgdma/'
	if ! mkdir -p -- "$CACHE"/{busybox,kernel,locks,logs,rust-src,src,tools,tmp} 2>/dev/null ||
		[ ! -w "$CACHE/locks" ]; then
		die "cannot write to the cache $CACHE: set SGDMA_CACHE to another directory"
	fi
	need_space 1
	# The set-up of an older checkout locks all of the cache by this file.
	if [ -e "$CACHE/lock" ] && exec 7<"$CACHE/lock"; then
		flock -ns 7 || await 7 "$CACHE/lock" -s
	fi
	take_lock 9 "$CACHE/locks/$thing" await
	TMP=$CACHE/tmp/$thing
	rm -rf -- "$TMP"
	mkdir -- "$TMP"
}

unlock() {
	[ -z "$TMP" ] || rm -rf -- "$TMP"
	TMP=
	exec 7>&- 8>&- 9>&-
}

# need_space MB: ends set-up if the file system of the cache has less.
need_space() {
	local has
	has=$(df -Pm -- "$CACHE" | awk 'NR == 2 { print $4 }')
	[ "$has" -ge "$1" ] ||
		die "needs $1 MB in $CACHE, which has $has MB left: make room, or set SGDMA_CACHE" \
			'to a directory elsewhere'
}

# do_step STEP: makes what STEP stands for, unless that is ready. The lock has the name of the step,
# or the name that lock_STEP prints.
do_step() {
	step=$((step + 1))
	"ready_$1" && return
	if declare -F "lock_$1" >/dev/null; then
		lock "$("lock_$1")"
	else
		lock "${1//_/-}"
	fi
	# Another process may have made it before this one got the lock.
	if ! "ready_$1"; then
		"make_$1"
		"ready_$1" || die "what was made cannot be used: report this with $log"
	fi
	unlock
}
