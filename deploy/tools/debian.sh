#!/usr/bin/env bash
# Programs of a Debian package into a folder, nothing installed or started: debian.sh FOLDER PACKAGE PROGRAM...
# The system's own are linked where they are there, else the package is unpacked into FOLDER/PACKAGE.
set -euo pipefail
folder=$1 package=$2
shift 2
mkdir -p "$folder"
missing=()
for program; do
    if found=$(command -v "$program"); then
        ln -sf "$found" "$folder/$program"
    else
        missing+=("$program")
    fi
done
if ((${#missing[@]} == 0)); then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "${missing[*]}: not on the PATH; install Prometheus and Alertmanager (https://prometheus.io) and run this again" >&2
    exit 1
fi
unpack=$(mktemp -d)
trap 'rm -rf "$unpack"' EXIT
chmod 755 "$unpack"
(
    cd "$unpack"
    apt-get download "$package" >/dev/null 2>&1 || { apt-get update -qq && apt-get download "$package" >/dev/null; }
    dpkg -x "$package"_*.deb files
)
rm -rf "${folder:?}/$package-files"
cp -r "$unpack/files" "$folder/$package-files"
for program in "${missing[@]}"; do
    ln -sf "$package-files/usr/bin/$program" "$folder/$program"
done
