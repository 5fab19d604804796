#!/usr/bin/env bash
# Open the window on the demo match; where there is no display, comment on it in the terminal.
set -euo pipefail
ringside=${RINGSIDE_BIN:-ringside}
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname -s)" = Darwin ]; then
  exec "$ringside" --source demo --autostart
fi
echo "There is no display here, so the demo match is commented on in the terminal. Ctrl-C stops it."
exec "$ringside" caption --demo --live
