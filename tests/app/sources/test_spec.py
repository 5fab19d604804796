"""Sources named in a line of text."""

from __future__ import annotations

import pytest

from app.sources.errors import SourceSpecError
from app.sources.rect import Rect
from app.sources.spec import (
    CameraSpec,
    DemoSpec,
    FileSpec,
    RegionSpec,
    ScreenSpec,
    SourceSpec,
    StreamSpec,
    WindowSpec,
    parse_spec,
)

SPECS: list[tuple[str, SourceSpec]] = [
    ("demo", DemoSpec()),
    ("match.mp4", FileSpec("match.mp4")),
    ("/videos/a: b.mkv", FileSpec("/videos/a: b.mkv")),
    ("C:\\videos\\match.mp4", FileSpec("C:\\videos\\match.mp4")),
    ("screen:2", ScreenSpec(2)),
    ("region:-100,50,640x360", RegionSpec(Rect(-100, 50, 640, 360))),
    ("window:Match: Lions - Bears", WindowSpec("Match: Lions - Bears")),
    ("camera:0", CameraSpec("0")),
    ("camera:/dev/video2@1280x720", CameraSpec("/dev/video2", (720, 1280))),
    ("rtsp://user:secret@camera.local/stream", StreamSpec("rtsp://user:secret@camera.local/stream")),
    ("udp://127.0.0.1:1234", StreamSpec("udp://127.0.0.1:1234")),
]


@pytest.mark.parametrize(("text", "spec"), SPECS)
def test_a_source_is_read_from_text_and_written_back(text: str, spec: SourceSpec) -> None:
    assert parse_spec(text) == spec
    assert str(spec) == text


def test_short_forms_mean_the_first_one() -> None:
    assert parse_spec("screen") == ScreenSpec(1)
    assert parse_spec("camera") == CameraSpec("0")


def test_a_password_in_an_address_is_never_shown() -> None:
    assert parse_spec("rtsp://user:secret@camera.local/stream").name == "rtsp://camera.local/stream"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "screen:0",
        "screen:left",
        "region:1,2",
        "region:0,0,5x5",
        "window: ",
        "camera:",
        "ftp://host/video",
    ],
)
def test_what_names_nothing_is_said_with_what_would(text: str) -> None:
    with pytest.raises(SourceSpecError, match="Use demo, a video file, screen") as caught:
        raise_with_hint(text)
    assert caught.value.bad_use


def raise_with_hint(text: str) -> None:
    try:
        parse_spec(text)
    except SourceSpecError as error:
        error.args = (error.line,)
        raise
