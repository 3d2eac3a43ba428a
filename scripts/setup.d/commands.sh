# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Long commands: their output goes to a log, signs of life to the user.

log=
# the process that is waited for
child=
# set while it must not be stopped
protected=

# Starts the log of what is being made.
new_log() {
	log=$CACHE/logs/$thing.log
	: >"$log"
}

# run PROGRESS COMMAND...: PROGRESS is a command that prints how far COMMAND is.
#
# COMMAND is a process group of its own, so that an interrupt ends all of it. COMMAND inherits the
# locks: if this script is killed, nobody touches the files that COMMAND still writes.
run() {
	local progress=$1
	shift
	set -m
	"$@" >>"$log" 2>&1 </dev/null &
	child=$!
	set +m
	attend "$progress"
}

# run_protected PROGRESS COMMAND...: the same for the system's package manager, which must not be
# stopped halfway and may start daemons. Daemons must not hold the locks.
run_protected() {
	local status=0
	protected=1
	"${@:2}" >>"$log" 2>&1 </dev/null 7>&- 8>&- 9>&- &
	child=$!
	attend "$1" || status=$?
	protected=
	return "$status"
}

# attend PROGRESS: waits for the child and tells the user now and then how far it is.
attend() {
	local period=30 next status=0
	[ ! -t 2 ] || period=2
	next=$((SECONDS + period))
	while [ -d "/proc/$child" ]; do
		sleep 0.3
		[ $SECONDS -ge $next ] || continue
		next=$((SECONDS + period))
		if [ -t 2 ]; then
			printf '\r\033[K%s' "$(say "$($1)")"
		else
			tell "$($1)"
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K'
	wait "$child" || status=$?
	child=
	return $status
}

# PROGRESS of different kinds
log_lines() { echo "$(wc -l <"$log") lines of log"; }
megabytes() { echo "$(du -sm -- "$TMP" | cut -f 1) MB"; }
crates() { echo "$(grep -c '^ *Compiling' "$log") crates begun"; }
objects() { echo "$(grep -cE '^  [A-Z]' "$log") objects done"; }

# interrupted STATUS: ends the child, and set-up with that status.
interrupted() {
	trap '' INT TERM HUP
	echo
	if [ -n "$protected" ]; then
		echo "$program: interrupted: waiting for the package manager, which must not be" \
			'stopped halfway'
	elif [ -n "$child" ]; then
		kill -TERM -- "-$child" 2>/dev/null || true
	fi
	[ -z "$child" ] || wait "$child" || true
	echo "$program: interrupted; run the same command again: it continues"
	exit "$1"
}
