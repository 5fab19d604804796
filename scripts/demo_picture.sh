#!/usr/bin/env bash
# The README's picture: the real window, the real model, the demo match, SECONDS after the start. Needs Xvfb and ImageMagick.
#   scripts/demo_picture.sh OUT.png [SECONDS]
set -euo pipefail
out=$1 seconds=${2:-45}
own=$(mktemp -d)
display=:$((200 + RANDOM % 400))
Xvfb "$display" -screen 0 1280x720x24 -noreset >/dev/null 2>&1 &
screen=$!
trap 'kill "$screen" 2>/dev/null; rm -rf "$own"' EXIT
sleep 1
export DISPLAY=$display
unset QT_QPA_PLATFORM
"${RINGSIDE:-.venv/bin/ringside}" --settings "$own/settings.json" --autostart >"$own/log" 2>&1 &
window=$!
sleep "$seconds"
import -window root +dither -colors 200 "PNG8:$out"
kill "$window"
wait "$window" || { cat "$own/log"; exit 1; }
