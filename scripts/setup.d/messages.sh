# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Messages to the user, with the step and the time that set-up has taken so far.

program=${0##*/}
# the number of the step that set-up is in
step=0

# message TEXT...: prints it after the step, without a newline.
message() {
	printf '%s: [%d/%d] %s: %s' "$program" "$step" ${#STEPS[@]} "${TITLES[step - 1]}" "$*"
}

# say TEXT...: the same, with the time.
say() {
	message "$*"
	printf ' (%d:%02d so far)' $((SECONDS / 60)) $((SECONDS % 60))
}

# tell TEXT...: the same, with a newline.
tell() {
	say "$*"
	echo
}

# die TEXT...: prints why set-up cannot go on, and ends it.
die() {
	message "$*"
	echo
	give_up
}

# die_log COMMAND: prints the last lines of the log of a command that failed, and ends set-up.
die_log() {
	message "FAILED: $*"
	echo
	tail -n 15 -- "$log" | sed 's/^/    | /'
	echo "$program: the whole log: $log"
	give_up
}

# Prints what can be given instead of this step, and ends set-up.
give_up() {
	[ -z "${HINTS[step - 1]}" ] || echo "$program: another way: ${HINTS[step - 1]}"
	echo "$program: once that is settled, run the same command again: it continues"
	exit 1
}
