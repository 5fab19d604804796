"""The engine is cheap to import, and its torch-free parts stay so."""

import subprocess
import sys

import pytest

import engine

TORCH_FREE = [
    "errors",
    "settings",
    "chunk",
    "prompt",
    "rope",
    "ledger",
    "budget",
    "config",
    "step",
    "detokenizer",
    "threads",
    "frame_size",
    "footprint",
    "precision",
    "runtime",
    "pacer",
    "sizes",
    "trace",
]


def test_importing_the_engine_loads_no_torch() -> None:
    modules = ", ".join(["engine", *(f"engine.{name}" for name in TORCH_FREE)])
    code = f"import sys, {modules}; print('torch' in sys.modules or 'transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_can_be_had() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = engine.nonsense
