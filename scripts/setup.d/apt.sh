# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# A private apt, for other Debian suites and architectures than the system's, from the system's
# mirror.

SUITES='trixie trixie-backports forky'
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints every repository that the system uses. The keyring tells which of them are Debian's.
apt_mirrors() {
	apt-get --print-uris update | sed -nE "s|^'(.+/)dists/[^/]+/InRelease' .*|\1|p" |
		awk '!seen[$0]++'
}

# private_apt TOOL ARGUMENT...: runs a tool of apt that knows only the private lists.
private_apt() {
	local dir=$CACHE/apt/$MACHINE
	# As root, apt would fetch as a user who may not enter the cache. What it says is read.
	LC_ALL=C "$1" -q \
		-o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$dir" \
		-o Dir::State::lists="$dir/lists" \
		-o Dir::State::status=/dev/null \
		-o Dir::Cache="$dir" \
		-o Dir::Cache::archives="$dir/archives" \
		-o APT::Architecture="$DEB_ARCH" \
		-o APT::Architectures="$DEB_ARCH" \
		-o APT::Sandbox::User=root \
		-o Acquire::Languages=none \
		-o Acquire::Retries=3 \
		"${@:2}"
}

# private_versions PACKAGE: prints the versions that Debian's suites have.
private_versions() {
	private_apt apt-cache madison "$1" 2>/dev/null | awk '{ print $3 }'
}

# set once the lists are there
updated=

# Reads Debian's package lists from the first mirror that has them.
private_update() {
	local uri suite dir=$CACHE/apt/$MACHINE
	# Locked until this step ends: nobody updates the lists while it downloads.
	take_lock 8 "$CACHE/locks/apt-$MACHINE" await
	[ -z "$updated" ] || return 0
	command -v apt-get >/dev/null || die 'this system has no apt-get to download packages with'
	mkdir -p -- "$dir"/{lists,archives}/partial
	while read -r uri; do
		for suite in $SUITES; do
			echo "deb [target=Packages signed-by=$DEBIAN_KEYRING] $uri $suite main"
		done >"$dir/sources.list"
		tell "reading package lists from $uri"
		run log_lines private_apt apt-get update || true
		if grep -qiE 'release file.*expired' "$log"; then
			tell "the mirror's Release files are past their Valid-Until: going on" \
				'without that check; signatures are verified'
			run log_lines private_apt apt-get \
				-o Acquire::Check-Valid-Until=false update || true
		fi
		# The status of apt-get says little: a hook of the system may have failed, or a
		# suite that is not needed.
		if [ -n "$(private_versions busybox-static)" ]; then
			updated=1
			return
		fi
	done < <(apt_mirrors)
	[ -s "$log" ] || die "apt's sources on this system name no mirror: add one of Debian"
	die_log "no package lists of Debian ($SUITES) from the mirrors that apt uses"
}

# download PACKAGE[=VERSION]: for run.
download() {
	cd -- "$TMP" && private_apt apt-get download "$1"
}

# private_download PACKAGE[=VERSION]: downloads a package of Debian, and sets deb, its file.
private_download() {
	tell "downloading $1"
	run megabytes download "$1" || die_log "$1 could not be downloaded"
	deb=$(echo "$TMP/${1%%=*}"_*.deb)
}
