#!/usr/bin/env bash
# fetch: the original traces, unmodified, into traces/original/:  bash traces/fetch.sh
#
# Each is taken from ../shared/traces beside the repository where that exists, otherwise
# from its publisher at a fixed commit, and gets its name only once its SHA-256 is right.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

azure=AzurePublicDataset/b469a113cedca53ddc3bdea71a143dc4b7d8700c
azure=https://raw.githubusercontent.com/Azure/$azure/data
mooncake=Mooncake/3b5a594133958449a1feaf1c9e0fc1b553e34a28
mooncake=https://raw.githubusercontent.com/kvcache-ai/$mooncake/FAST25-release/traces
shared=../../shared/traces
part=

trap '[ -z "$part" ] || rm -f "$part"' EXIT
trap 'exit 1' INT TERM

has_sum() {
    [ "$(sha256sum <"$1" 2>/dev/null | cut -d ' ' -f 1)" = "$2" ]
}

download() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 2 --connect-timeout 20 --max-time 600 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q --tries=3 --timeout=20 -O "$2" "$1"
    else
        echo "fetch.sh: neither curl nor wget is installed" >&2
        return 1
    fi
}

# fetch FOLDER FILE URL BYTES SHA256
fetch() {
    local name=$1/$2 file=original/$1/$2 url=$3/$2 bytes=$4 sum=$5 source
    if [ -f "$file" ] && has_sum "$file" "$sum"; then
        echo "traces/$file: there already"
        return 0
    fi
    mkdir -p "original/$1" || return 1
    rm -f "$file"
    part=$(mktemp "$file.XXXXXX") || return 1
    if [ -f "$shared/$name" ]; then
        source=../shared/traces/$name
        cp "$shared/$name" "$part" || return 1
    else
        source=$url
        if ! download "$url" "$part"; then
            echo "traces/$file: cannot be fetched from $url" >&2
            return 1
        fi
    fi
    if ! has_sum "$part" "$sum"; then
        echo "traces/$file: what came from $source is not the original:" \
            "$(stat -c %s "$part") bytes, SHA-256 $(sha256sum <"$part" | cut -d ' ' -f 1)," \
            "instead of $bytes bytes, SHA-256 $sum" >&2
        return 1
    fi
    chmod 644 "$part" && mv "$part" "$file" || return 1
    part=
    echo "traces/$file: from $source"
}

# Removes what a failed fetch left and remembers that it failed.
status=0
fetch_or_note() {
    if ! fetch "$@"; then
        [ -z "$part" ] || rm -f "$part"
        part=
        status=1
    fi
}

fetch_or_note azure2023 AzureLLMInferenceTrace_conv.csv "$azure" 719188 \
    2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8
fetch_or_note azure2023 AzureLLMInferenceTrace_code.csv "$azure" 320117 \
    54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6
fetch_or_note mooncake conversation_trace.jsonl "$mooncake" 3029533 \
    b8cbb061a85206d729d91cdc2981f43c9e0d99209dce588d3af5f7934408b9df
fetch_or_note mooncake synthetic_trace.jsonl "$mooncake" 1136313 \
    bd070915a98fc0ed264d7cfef2ce746002eb3076a695ec31ba2674c0111ec131
exit $status
