#!/bin/sh
# Installs the peers that the bench compares with, on Debian and Ubuntu. Safe to run again. The services that the packages
# start are stopped and disabled: the bench starts its own instances on its own ports.
set -eu

PEERS="haproxy nginx caddy"
# nginx needs a module for TCP; h2load is in nghttp2-client, taskset in util-linux, ip in iproute2, nft in nftables.
TOOLS="libnginx-mod-stream wrk nghttp2-client openssl util-linux iproute2 nftables"

if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-peers: needs apt-get; install by hand: $PEERS wrk h2load openssl" >&2
  exit 1
fi

missing=""
for package in $PEERS $TOOLS; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done

if [ -n "$missing" ]; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root="sudo"
  $as_root apt-get update
  # shellcheck disable=SC2086 # the words of $missing are package names
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $missing

  # Only for what was installed just now: a service that was already there belongs to somebody.
  if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
    for package in $missing; do
      case " $PEERS " in *" $package "*) $as_root systemctl disable --now "$package" || true ;; esac
    done
  fi
fi

haproxy -v | head -n 1
nginx -v 2>&1
caddy version
wrk -v 2>&1 | head -n 1
h2load --version
openssl version
nft --version
