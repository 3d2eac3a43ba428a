# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Locks, which name the process that holds them.

# holder LOCK: prints who has the file LOCK locked.
holder() {
	local pid
	pid=$(<"$1")
	if [ -d "/proc/${pid:-none}" ]; then
		echo "process $pid"
	else
		echo "what process $pid left running when it was killed"
	fi
}

# take_lock FD LOCK WAIT: locks the file LOCK by the descriptor FD. Calls WAIT FD LOCK if somebody
# else has it locked. A process that inherits the descriptor holds the lock too, also after this
# script was killed.
take_lock() {
	while :; do
		mkdir -p -- "${2%/*}"
		eval "exec $1>>\"\$2\""
		flock -n "$1" || "$3" "$1" "$2"
		# Tries again if somebody has removed the file meanwhile.
		[ ! "$2" -ef "/proc/$$/fd/$1" ] || break
	done
	echo $$ >"$2"
}
