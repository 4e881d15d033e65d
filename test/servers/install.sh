#!/bin/sh
# Installs the real servers and clients that some tests use, on Debian and Ubuntu. Safe to run again. The services that the
# packages start are stopped and disabled: the tests start their own, in folders of their own.
set -eu

SERVICES="postgresql redis-server haproxy nginx"
TOOLS="redis-tools libnginx-mod-stream nghttp2-client nghttp2-server chromium curl openssl"

if ! command -v apt-get >/dev/null 2>&1; then
  echo "install: needs apt-get; install by hand: $SERVICES $TOOLS" >&2
  exit 1
fi

missing=""
for package in $SERVICES $TOOLS; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
$as_root apt-get update
# shellcheck disable=SC2086 # the words of $missing are package names
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $missing

# Only for what was installed just now: a service that was already there belongs to somebody.
if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  for package in $missing; do
    case " $SERVICES " in *" $package "*) $as_root systemctl disable --now "$package" || true ;; esac
  done
fi
