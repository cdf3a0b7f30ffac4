#!/usr/bin/env bash
# Installs what the end-to-end tests run: Debian packages (only those that are missing, and only as root) and the npm
# packages of node/, ../socketio/interop/ and ../ws/interop/js/, as package-lock.json names them. Run it again at any time; it does nothing when nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# program:package, as Debian has them
needs=(
	ip:iproute2
	ping:iputils-ping
	curl:curl
	dig:dnsutils
	tshark:tshark
	chromium:chromium
	unshare:util-linux
	mount:mount
	node:nodejs
	npm:npm
)

missing=()
for need in "${needs[@]}"; do
	# Some live where only root looks.
	PATH="$PATH:/usr/sbin:/sbin" command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done

# A package for Debian's own Python, before which another may be in the path.
/usr/bin/python3 -c 'import websockets' 2>/dev/null || missing+=(python3-websockets)

if ((${#missing[@]})); then
	if ((EUID != 0)); then
		# Not an error: the tests that need these are skipped, and say so.
		echo "netns-tests/setup.sh: missing ${missing[*]}: run it as root to install them" >&2
	else
		export DEBIAN_FRONTEND=noninteractive
		apt-get -q update
		apt-get -q install -y --no-install-recommends "${missing[@]}"
	fi
fi

# npm writes its own copy of the lock file last: older than ours, or absent, means that node_modules is not what it says.
for packages in node ../socketio/interop ../ws/interop/js; do
	if command -v npm >/dev/null && [[ ! $packages/node_modules/.package-lock.json -nt $packages/package-lock.json ]]; then
		npm ci --prefix "$packages" --ignore-scripts --no-audit --no-fund
	fi
done
