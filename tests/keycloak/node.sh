#!/bin/bash
# A real Keycloak server on the loopback, for the suite.
#
#   node.sh fetch VERSION
#       Brings the distribution into the cache folder, once, and prints where it lies.
#   node.sh run FOLDER VERSION PORT MANAGEMENT REALM-FILE [OPTION...]
#       Runs a server of that version from FOLDER (made anew) with the realm imported; stays in the
#       foreground. Version 24 has no management port: its health answers on PORT.
#
# KCLOGIN_CACHE is the cache folder (default /var/cache/kclogin-tests). KCLOGIN_KEYCLOAK, where set,
# is a folder with unpacked distributions named by their version, which are used instead.
# The distribution comes from Maven Central by its coordinates.
set -euo pipefail

cache=${KCLOGIN_CACHE:-/var/cache/kclogin-tests}

die() {
    echo "node.sh: $*" >&2
    exit 1
}

# An interrupted download leaves nothing under the final name.
fetch() {
    local version=$1 home=$cache/keycloak-$1 part
    if [[ -n ${KCLOGIN_KEYCLOAK:-} && -x $KCLOGIN_KEYCLOAK/$version/bin/kc.sh ]]; then
        echo "$KCLOGIN_KEYCLOAK/$version"
        return
    fi
    if [[ ! -x $home/bin/kc.sh ]]; then
        command -v mvn >/dev/null || die "needs maven: scripts/deps ci"
        command -v java >/dev/null || die "needs a Java runtime: scripts/deps ci"
        mkdir -p "$cache"
        part=$(mktemp -d "$cache/part.XXXXXX")
        trap 'rm -rf "$part"' EXIT
        (cd "$part" && timeout 600 mvn -q -B dependency:copy \
            -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" \
            -DoutputDirectory="$part") >&2 || die "cannot fetch Keycloak $version"
        tar -xzf "$part/keycloak-quarkus-dist-$version.tar.gz" -C "$part"
        mv "$part/keycloak-$version" "$home"
        rm -rf "$part"
        trap - EXIT
    fi
    echo "$home"
}

run() {
    local folder=$1 version=$2 port=$3 management=$4 realm=$5 home
    shift 5
    home=$(fetch "$version")
    mkdir -p "$folder"
    cp -a "$home/." "$folder/"
    mkdir -p "$folder/data/import"
    cp "$realm" "$folder/data/import/"
    [[ $version == 24.* ]] || set -- "--http-management-port=$management" "$@"
    export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
    export KEYCLOAK_ADMIN=admin KEYCLOAK_ADMIN_PASSWORD=admin
    cd "$folder"
    exec bin/kc.sh start-dev --import-realm --http-host=127.0.0.1 --http-port="$port" \
        --health-enabled=true --db=dev-mem "$@"
}

verb=${1:-}
case $verb in
    fetch) [[ $# -eq 2 ]] || die "fetch VERSION"; fetch "$2" ;;
    run) [[ $# -ge 6 ]] || die "run FOLDER VERSION PORT MANAGEMENT REALM-FILE [OPTION...]"; shift; run "$@" ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
