#!/bin/bash
# Proves README's two commands on a fresh Debian 12: a chroot made by debootstrap, with the tree
# as it is committed and nothing else. As root.
#
#   tests/fresh.sh [test|demo]...      default: both
set -euo pipefail

cd "$(dirname "$0")/.."
[[ $(id -u) -eq 0 ]] || { echo "fresh.sh: needs root" >&2; exit 1; }
[[ $# -gt 0 ]] || set -- test demo
scripts/deps ci

fresh=$(mktemp -d)
trap 'rm -rf --one-file-system "$fresh"' EXIT
timeout 600 debootstrap --variant=minbase bookworm "$fresh/root" >"$fresh/log" 2>&1 ||
    { tail -20 "$fresh/log" >&2; exit 1; }
cp /etc/resolv.conf "$fresh/root/etc/resolv.conf"
# as every installed Debian has it; debootstrap makes none
echo '127.0.0.1 localhost' >"$fresh/root/etc/hosts"

failed=0
for script; do
    echo "== scripts/$script on a fresh Debian 12"
    cp -a "$fresh/root" "$fresh/$script"
    mkdir "$fresh/$script/kclogin"
    git archive HEAD | tar -x -C "$fresh/$script/kclogin"
    # a namespace of its own, so that what the script starts and mounts ends with it
    # shellcheck disable=SC2016 # the inner shell expands it
    timeout --kill-after=30 1500 unshare --mount --pid --fork --kill-child --propagation private \
        bash -c 'set -e
            mount --rbind /dev "$1/dev"
            mount -t proc proc "$1/proc"
            mount -t sysfs -o ro sysfs "$1/sys"
            exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
                CI="$3" "/kclogin/scripts/$2"' fresh "$fresh/$script" "$script" "${CI:-}" </dev/null ||
        { failed=1; echo "scripts/$script failed" >&2; }
done
exit "$failed"
