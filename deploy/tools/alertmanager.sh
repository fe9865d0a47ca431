#!/usr/bin/env bash
# Alertmanager of Debian's package, unpacked by debian.sh and not installed: alertmanager.sh FOLDER OPTION...
# It insists on its templates at their place under /usr/share, so it gets a /usr/share of its own, in a namespace that ends with it.
set -euo pipefail
files=$1/prometheus-alertmanager-files
shift
if [[ -e /usr/share/prometheus/alertmanager/default.tmpl ]]; then
    exec "$files/usr/bin/prometheus-alertmanager" "$@"
fi
if ! unshare --map-root-user --mount true 2>/dev/null; then
    echo "Alertmanager's templates are not under /usr/share, and this system allows no namespaces: apt-get install prometheus-alertmanager" >&2
    exit 1
fi
# shellcheck disable=SC2016 # the inner shell expands them
exec unshare --map-root-user --mount bash -c '
    mount -t tmpfs none /usr/share
    mkdir /usr/share/prometheus
    cp -r "$0/usr/share/prometheus/alertmanager" /usr/share/prometheus/
    exec "$0/usr/bin/prometheus-alertmanager" "$@"
' "$files" "$@"
