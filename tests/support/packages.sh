#!/usr/bin/env bash
# packages: installs what is missing of the Debian 12 packages that servesim needs.
#     packages.sh run      to build and run it and to draw its results
#     packages.sh test     to test it, too
set -euo pipefail

run=(
    gcc libc6-dev cmake ninja-build pkg-config
    libgsl-dev libcsv-dev libinih-dev libzstd-dev zlib1g-dev nettle-dev
    libjansson-dev
    python3 python3-pandas python3-matplotlib libjs-chart.js
)
test=(
    "${run[@]}"
    libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev
    binutils git gzip zstd mandoc valgrind
    slurm-wlm munge parallel
    chromium chromium-driver
)

case "${1-}" in
    run) wanted=("${run[@]}") ;;
    test) wanted=("${test[@]}") ;;
    *) echo "usage: packages.sh run|test" >&2; exit 2 ;;
esac

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
    echo "packages.sh: this is not Debian: install the equivalents of ${wanted[*]} by hand" >&2
    exit 1
fi
missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "packages.sh: neither root nor sudo: ask somebody who is to run" \
            "'apt-get install ${missing[*]}'" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# With an up-to-date list of packages the update is not needed, so it comes second.
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
}
echo "packages.sh: installing ${missing[*]}" >&2
install >&2 || { "${as_root[@]}" apt-get update -q >&2 && install >&2; }
