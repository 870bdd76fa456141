#!/bin/sh
# Installs what the tests need and pip can't give, where this user may; otherwise the tests that need it say so.
set -u
missing=""
for tool in openssl prometheus redis-server chromium; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing
else
    echo "not installed:$missing (tests that need it are skipped)"
fi
exit 0
