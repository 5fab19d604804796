"""The sound outputs of this machine: which there are, and how a stream is opened on one of them.

Knows PortAudio, and PulseAudio's sinks where `pactl` tells of them (PortAudio sees all of those as one device). Knows
nothing of what is played.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.speech.errors import NoSoundError, NoSoundLibraryError

_log = logging.getLogger("ringside.app.speech")

_PULSE = "pulse:"
_PULSE_DEVICES = ("pulse", "default", "pipewire")
_PACTL_TIMEOUT_S = 8.0


@dataclass(frozen=True)
class SoundOutput:
    """An output that can be chosen."""

    output_id: str
    """Stays the same as long as the device does."""
    name: str
    """As people call it."""


class _Library:
    """PortAudio is one for the whole process: its list of devices is made once, and made anew only with no stream open."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.closers: set[Callable[[], None]] = set()


_library = _Library()


def load_sound() -> Any:
    """The sounddevice module. Raises NoSoundLibraryError; NoSoundError if there is no output."""
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundLibraryError from error
    with _library.lock:
        try:
            # A device that came later is only seen by starting PortAudio anew.
            if not _has_output(sounddevice):
                refresh()
                if not _has_output(sounddevice):
                    raise NoSoundError
        except sounddevice.PortAudioError as error:
            raise NoSoundError(words(error)) from error
    return sounddevice


def refresh() -> None:
    """Look for devices anew. Every stream that is open is ended; whoever has one is told as if the device had gone."""
    import sounddevice

    with _library.lock:
        for close in tuple(_library.closers):
            close()
        _library.closers.clear()
        sounddevice._terminate()
        sounddevice._initialize()


def sound_outputs() -> tuple[SoundOutput, ...]:
    """Every output that can be chosen; () if there is none. Takes a moment: not for a window's thread."""
    pulse = _pulse_sinks()
    try:
        sounddevice = load_sound()
    except (NoSoundError, NoSoundLibraryError):
        return ()
    with _library.lock:
        return (
            *pulse,
            *(SoundOutput(name, name) for name, _ in _devices(sounddevice, has_pulse=bool(pulse))),
        )


def open_stream(output_id: str, on_refresh: Callable[[], None], **options: Any) -> Any:
    """A started sounddevice.OutputStream on an output, "" for the system's choice.

    `on_refresh` closes it if devices are looked for anew; hand it to `forget` when the stream is closed otherwise.
    Raises NoSoundError, NoSoundLibraryError; `OutputMissingError` if there is no such output now.
    """
    sounddevice = load_sound()
    with _library.lock, _sink(output_id):
        try:
            device = _device(sounddevice, output_id)
            options["samplerate"] = _usable_rate_hz(sounddevice, device, options)
            stream = sounddevice.OutputStream(device=device, **options)
            stream.start()
        except sounddevice.PortAudioError as error:
            raise NoSoundError(words(error)) from error
        _library.closers.add(on_refresh)
        return stream


def forget(on_refresh: Callable[[], None]) -> None:
    """The stream of this `on_refresh` is closed."""
    with _library.lock:
        _library.closers.discard(on_refresh)


class OutputMissingError(NoSoundError):
    """The chosen output is not there."""

    def __init__(self, output_id: str) -> None:
        super().__init__(f"{output_id.removeprefix(_PULSE)} is not there any more")
        self.output_id = output_id


def usable_rate_hz(output_id: str, wanted_hz: int, channels: int) -> int:
    """The rate at which a stream would be opened. Raises as `open_stream`."""
    sounddevice = load_sound()
    with _library.lock, _sink(output_id):
        options = {"samplerate": wanted_hz, "channels": channels, "dtype": "int16"}
        return _usable_rate_hz(sounddevice, _device(sounddevice, output_id), options)


def words(error: Exception) -> str:
    """An error of PortAudio's in one line."""
    return " ".join(str(error).split()).rstrip(".")


def _usable_rate_hz(sounddevice: Any, device: int | None, options: dict[str, Any]) -> int:
    wanted_hz = int(options["samplerate"])
    try:
        sounddevice.check_output_settings(
            device=device, samplerate=wanted_hz, channels=options["channels"], dtype=options["dtype"]
        )
    except sounddevice.PortAudioError:
        return int(sounddevice.query_devices(device, kind="output")["default_samplerate"])
    return wanted_hz


def _device(sounddevice: Any, output_id: str) -> int | None:
    """PortAudio's number for an output; None for its own choice."""
    if not output_id:
        return None
    if output_id.startswith(_PULSE):
        sinks = {sink.output_id for sink in _pulse_sinks()}
        for index, device in enumerate(sounddevice.query_devices()):
            if device["name"] in _PULSE_DEVICES and device["max_output_channels"] > 0 and output_id in sinks:
                return index
        raise OutputMissingError(output_id)
    for name, index in _devices(sounddevice, has_pulse=False):
        if name == output_id:
            return index
    raise OutputMissingError(output_id)


def _devices(sounddevice: Any, *, has_pulse: bool) -> list[tuple[str, int]]:
    """Names and numbers of the outputs of the usual host interface: the others are the same devices again."""
    usual = sounddevice.query_devices(kind="output")["hostapi"]
    return [
        (device["name"], index)
        for index, device in enumerate(sounddevice.query_devices())
        if device["hostapi"] == usual
        and device["max_output_channels"] > 0
        and not (has_pulse and device["name"] in _PULSE_DEVICES)
    ]


def _has_output(sounddevice: Any) -> bool:
    return any(device["max_output_channels"] > 0 for device in sounddevice.query_devices())


def _pulse_sinks() -> tuple[SoundOutput, ...]:
    """PulseAudio's outputs (or PipeWire's, which answers the same); () where there is none."""
    if not sys.platform.startswith("linux") or shutil.which("pactl") is None:
        return ()
    try:
        told = subprocess.run(
            ["pactl", "-f", "json", "list", "sinks"],
            capture_output=True,
            timeout=_PACTL_TIMEOUT_S,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ).stdout
        return tuple(
            SoundOutput(_PULSE + sink["name"], sink.get("description") or sink["name"])
            for sink in json.loads(told)
        )
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        _log.debug("pactl tells nothing: %s", error)
        return ()


@contextmanager
def _sink(output_id: str) -> Iterator[None]:
    """Leads what is opened inside to a PulseAudio sink: its library takes the name from the environment only."""
    if not output_id.startswith(_PULSE):
        yield
        return
    former = os.environ.get("PULSE_SINK")
    os.environ["PULSE_SINK"] = output_id.removeprefix(_PULSE)
    try:
        yield
    finally:
        if former is None:
            del os.environ["PULSE_SINK"]
        else:
            os.environ["PULSE_SINK"] = former
