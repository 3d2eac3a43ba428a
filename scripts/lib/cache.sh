# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# The cache, in which set-up keeps what it makes, and the mark that makes it known as set-up's.

# Sets CACHE.
find_cache() {
	local name
	for name in SGDMA_CACHE XDG_CACHE_HOME HOME; do
		[ -z "${!name-}" ] || break
	done
	if [ -z "${!name-}" ]; then
		echo 'there is no HOME= for a cache: give SGDMA_CACHE=, a directory for it' >&2
		exit 1
	fi
	check_path "$name=" "${!name}"
	CACHE=${!name}
	[ "$name" != HOME ] || CACHE+=/.cache
	CACHE=$(realpath -m -- "$CACHE/sgdma")
	check_path 'the cache, ' "$CACHE"
}

# With these lines in CACHEDIR.TAG all of CACHE may be removed: see https://bford.info/cachedir/
SIGNATURE='Signature: 8a477f597d28d172789f06886806bc55'
MARK='# This cache directory tag was created by scripts/setup of sgdma.'

# Succeeds if CACHE has the mark of set-up.
cache_is_ours() {
	[ "$(head -n 2 -- "$CACHE/CACHEDIR.TAG" 2>/dev/null)" = "$SIGNATURE"$'\n'"$MARK" ]
}

# Succeeds if CACHE has only files as set-up made them before it left a mark.
cache_is_old() {
	local entry='apt(/(x86_64|arm64))?|busybox(/(x86_64|arm64))?|lock'
	entry+='|kernel(/[a-z0-9_-]+-[0-9a-f]{12})?'
	entry+='|logs(/[a-z0-9_-]+\.log)?|rust-src(/[0-9][^/]*)?|src(/linux-[^/]+)?|tmp(/[^/]+)?'
	entry+='|tools(/(build-)?bindgen[^/]*)?'
	[ -d "$CACHE/kernel" ] && [ -d "$CACHE/logs" ] && grep -sqxE '[0-9]+' "$CACHE/lock" &&
		[ -z "$(cd -- "$CACHE" && find . -mindepth 1 -maxdepth 2 -regextype posix-extended \
			! -regex "\./($entry|CACHEDIR\.TAG\.[0-9]+)")" ]
}

# Marks CACHE if it is empty or set-up's own; fails if not.
claim_cache() {
	local content
	! cache_is_ours || return 0
	mkdir -p -- "$CACHE" 2>/dev/null && content=$(ls -A -- "$CACHE") || return 1
	# Another set-up may be about to leave its mark.
	! grep -qvE '^(|CACHEDIR\.TAG\.[0-9]+)$' <<<"$content" || cache_is_old || cache_is_ours ||
		return 1
	printf '%s\n' "$SIGNATURE" "$MARK" >"$CACHE/CACHEDIR.TAG.$$" &&
		mv -- "$CACHE/CACHEDIR.TAG.$$" "$CACHE/CACHEDIR.TAG"
}
