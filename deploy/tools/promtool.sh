#!/usr/bin/env bash
# promtool into a folder: the system's if there is one, else unpacked from Debian's package `prometheus` (nothing is installed or started).
set -euo pipefail
folder=$1
mkdir -p "$folder"
if found=$(command -v promtool); then
    ln -sf "$found" "$folder/promtool"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "promtool is not on the PATH: install Prometheus (https://prometheus.io) and run this again" >&2
    exit 1
fi
unpack=$(mktemp -d)
trap 'rm -rf "$unpack"' EXIT
chmod 755 "$unpack"
(
    cd "$unpack"
    apt-get download prometheus >/dev/null 2>&1 || { apt-get update -qq && apt-get download prometheus >/dev/null; }
    dpkg -x prometheus_*.deb files
)
cp "$unpack/files/usr/bin/promtool" "$folder/promtool"
