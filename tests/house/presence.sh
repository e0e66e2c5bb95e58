#!/usr/bin/env bash
# presence: what every visitor looks for first is there.
#     presence.sh ROOT
set -euo pipefail
cd "$1"
status=0
for file in README.md LICENSE CHANGELOG.md sim/README.md traces/README.md; do
    [ -s "$file" ] || { echo "$file: missing or empty"; status=1; }
done
if ! head -2 LICENSE 2>/dev/null | tr -d '\n' | grep -q 'GNU GENERAL PUBLIC LICENSE.*Version 3'; then
    echo "LICENSE: not the GNU General Public License, version 3"
    status=1
fi
exit $status
