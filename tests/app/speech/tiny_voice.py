"""A natural voice with nothing in it: a network with the inputs and the output of Kokoro that hums for as long as it would
speak, and voices that are all the same.
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from app.speech.natural import FILES

VOICES = ("af_heart", "bm_george", "jf_alpha")

# Sin(Range(0, 1500 * number of tokens / speed)) at 220 Hz, exported once with the package onnx.
_NETWORK = """
CAk68QMKFgoGdG9rZW5zEgVzaGFwZSIFU2hhcGUKJAoFc2hhcGUKA29uZRIBbiIGR2F0aGVyKgsKBGF4aXMYAKABAgoYCgFuEgJu
ZiIEQ2FzdCoJCgJ0bxgBoAECChQKAm5mCgNwZXISBGxlbjAiA011bAoYCgRsZW4wCgVzcGVlZBIEbGVuMSIDRGl2ChsKBGxlbjEK
BWF4ZXMwEgNsZW4iB1NxdWVlemUKGwoEemVybwoDbGVuCgR1bml0EgF0IgVSYW5nZQoTCgF0CgVvbWVnYRICcGgiA011bAoMCgJw
aBIBcyIDU2luCigKBXN0eWxlEgJzbSIKUmVkdWNlTWVhbioPCghrZWVwZGltcxgAoAECChQKAXMKA2FtcBIFYXVkaW8iA011bBIB
ayoMCAEQBzoBAUIDb25lKg8IARABIgQAgLtEQgNwZXIqDggBEAc6AQBCBWF4ZXMwKg4QASIEAAAAAEIEemVybyoOEAEiBAAAgD9C
BHVuaXQqDxABIgSk6Ws9QgVvbWVnYSoNEAEiBM3MzD5CA2FtcFoWCgZ0b2tlbnMSDAoKCAcSBgoCCAEKAFoYCgVzdHlsZRIPCg0I
ARIJCgIIAQoDCIACWhMKBXNwZWVkEgoKCAgBEgQKAggBYhEKBWF1ZGlvEggKBggBEgIKAEIECgAQEQ==
"""


def write_tiny_voice(folder: Path) -> Path:
    """Write both files; returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILES[0]).write_bytes(base64.b64decode(_NETWORK))
    with (folder / FILES[1]).open("wb") as file:
        np.savez(file, **{name: np.zeros((510, 1, 256), np.float32) for name in VOICES})
    return folder
