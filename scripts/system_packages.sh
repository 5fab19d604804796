#!/usr/bin/env bash
# Install the Debian packages that the window, sound and speech need, and say which. Asks sudo where it is not root.
# On other systems it says what is needed and goes on: everything but the missing part still works.
set -euo pipefail

needed=(
  python3-venv
  libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core
  libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0
  libportaudio2 espeak-ng alsa-utils
)
# Only the tests open a screen and a sound card of their own.
for_tests=(xvfb xauth xdotool imagemagick ffmpeg pulseaudio-utils libasound2-plugins)

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
  echo "This is not Debian or Ubuntu, so system packages are yours to install. Ringside uses: OpenGL and EGL, D-Bus,"
  echo "fontconfig, xkbcommon, the xcb cursor, icccm, keysyms and shape libraries, PortAudio and espeak-ng."
  exit 0
fi

# Where sound is PipeWire's, the package pulseaudio would take its place. The few tests that want it say that they are skipped.
sound=$(dpkg-query -W -f='${Status}\n' pipewire-pulse pipewire-audio 2>/dev/null || true)
grep -q '^install ok installed' <<<"$sound" || for_tests+=(pulseaudio)

missing=()
for package in "${needed[@]}" "${for_tests[@]}"; do
  # Ubuntu renamed some libraries (libglib2.0-0t64): a package that another one provides counts as there.
  # dpkg-query fails where either name is unknown, which is no failure here.
  status=$(dpkg-query -W -f='${Status}\n' "$package" "${package}t64" 2>/dev/null || true)
  if ! grep -q '^install ok installed' <<<"$status"; then
    missing+=("$package")
  fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing system packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "These need an administrator, and there is no sudo here. Ask for: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
