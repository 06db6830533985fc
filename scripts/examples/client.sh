#!/bin/sh
# Compresses or restores a file through `lepta serve` with curl, and keeps the result only if it is
# right.
#
#     client.sh SOCKET compress|decompress INPUT OUTPUT [level=fast ...]
#
# curl ends with 18 where the server breaks an answer off, and with 22 (--fail) where it refuses; the
# trailers are at the end of what it writes with --dump-header.
set -eu

if [ $# -lt 4 ]; then
    sed -n '2,/^set/{/^set/d; s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
socket=$1 operation=$2 input=$3 output=$4
shift 4
query=$(IFS='&' && echo "$*")
fields=$(mktemp)
trap 'rm -f "$fields" "$output.part"' EXIT

curl --silent --show-error --fail --unix-socket "$socket" \
    --header 'TE: trailers' --header 'Connection: TE' --header 'Expect:' \
    --header 'Content-Type: application/octet-stream' \
    --dump-header "$fields" --output "$output.part" --upload-file "$input" --request POST \
    "http://lepta/v1/$operation?$query"
grep -qi '^lepta-verdict: verified' "$fields" || {
    echo "client.sh: the answer has no verdict" >&2
    exit 1
}
mv "$output.part" "$output"
grep -i '^lepta-' "$fields"
