"""Files as they come: longer sound, names in old letters, pictures that change their size, ends that are missing."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from engine import LoadedModel, WindowSettings
from tests.training.evaluate.conftest import FPS, game_row, write_lines
from training.errors import VideoError
from training.evaluate.__main__ import main
from training.evaluate.video import chunks, length_s, spread_frames

WINDOW = WindowSettings()


def write(
    path: Path,
    seconds: float,
    *,
    size: tuple[int, int] = (112, 84),
    sound_s: float = 0.0,
    first_s: int = 0,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "TITLE-OF-A-GAME"
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = FPS
        sound = container.add_stream("pcm_s16le", rate=8000) if sound_s else None
        for index in range(round(seconds * FPS)):
            pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = first_s * FPS + index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            for second in range(round(sound_s)):
                heard = AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
                heard.sample_rate, heard.pts, heard.time_base = 8000, second * 8000, Fraction(1, 8000)
                container.mux(sound.encode(heard))
            container.mux(sound.encode(None))
    return path


def with_old_letters(path: Path) -> Path:
    """Its title holds bytes that are Latin-1, and no UTF-8."""
    content = path.read_bytes()
    assert b"TITLE-OF-A-GAME" in content
    path.write_bytes(content.replace(b"TITLE-OF-A-GAME", "Königsklasse éé".encode("latin-1")))
    return path


def of_two_sizes(path: Path) -> Path:
    """A broadcast of 5 s that then goes on with larger pictures."""
    first = write(path.with_name("first.ts"), 5).read_bytes()
    path.write_bytes(first + write(path.with_name("second.ts"), 5, size=(168, 112), first_s=5).read_bytes())
    return path


def test_a_video_is_as_long_as_its_pictures(tmp_path: Path) -> None:
    for name in ("longer.mkv", "longer.mp4", "longer.mov"):
        suffix_has_pcm = not name.endswith(".mp4")
        path = write(tmp_path / name, 6, sound_s=11 if suffix_has_pcm else 0)
        assert length_s(path) == pytest.approx(6.0, abs=1 / FPS), name
        assert len(list(chunks(path, start_s=1, end_s=length_s(path), window=WINDOW))) == 5
    with pytest.raises(VideoError, match="can't be opened"):
        length_s(tmp_path / "gone.mkv")


def test_names_in_old_letters_do_no_harm(tmp_path: Path) -> None:
    path = with_old_letters(write(tmp_path / "latin.mkv", 4))
    assert length_s(path) == pytest.approx(4.0, abs=1 / FPS)
    assert len(list(chunks(path, start_s=1, end_s=4, window=WINDOW))) == 3


def test_pictures_that_change_their_size_are_said(tmp_path: Path) -> None:
    path = of_two_sizes(tmp_path / "two.ts")
    with pytest.raises(VideoError, match="change from 112x84 to 168x112"):
        list(chunks(path, start_s=0, end_s=9, window=WINDOW))
    with pytest.raises(VideoError, match="change from 112x84 to 168x112"):
        spread_frames(path, start_s=0, end_s=9, fps=2, max_frames=16)


@pytest.mark.parametrize("mode", ["endless", "chunks"])
def test_what_was_said_until_a_video_ends_is_kept_and_the_rest_is_named(
    tmp_path: Path,
    tiny_folder: Path,
    tiny: LoadedModel,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    videos = tmp_path / "videos"
    write(videos / "short.mkv", 6, sound_s=12)
    of_two_sizes(videos / "two.ts")
    with_old_letters(write(videos / "latin.mkv", 12))
    games = [game_row(name, 12) for name in ("short.mkv", "two.ts", "latin.mkv")]
    metadata = write_lines(tmp_path / "games.jsonl", games)
    out = tmp_path / "out"
    command = [
        "inf-streams",
        "--metadata",
        str(metadata),
        "--videos",
        str(videos),
        "--model",
        str(tiny_folder),
    ]
    command += ["--out", str(out), "--start-s", "1", "--mode", mode, "--segment-s", "3", "--device", "cpu"]
    assert main(command) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["left_out"] == []
    said = {row["video"]: row for row in map(json.loads, (out / "merged_result.jsonl").open())}
    assert {name: row["chunk_end"] for name, row in said.items()} == {
        "short.mkv": 6,
        "two.ts": 5,
        "latin.mkv": 11,
    }
    assert len(said["short.mkv"]["items"]) == 5
    assert [line.split(":")[0] for line in summary["warnings"]] == [
        "short.mkv is commented on until 6 s only, 5 s less than its words last",
        "two.ts is commented on until 5 s only, 6 s less than its words last",
    ]
    assert "its pictures end at 6.0 s" in summary["warnings"][0]
    assert "112x84 to 168x112" in summary["warnings"][1]

    # As long as the file is the same there is nothing to do; put right, it is commented on anew.
    kept = (out / "merged_result.jsonl").read_bytes()
    monkeypatch.setattr("engine.load_model", None)
    assert main(command) == 0
    assert (out / "merged_result.jsonl").read_bytes() == kept
    monkeypatch.undo()
    write(videos / "short.mkv", 12)
    capsys.readouterr()
    assert main(command) == 0
    assert [line.split()[0] for line in json.loads(capsys.readouterr().out)["warnings"]] == ["two.ts"]
