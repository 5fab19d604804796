"""Step 1: which videos there are, what they are called and how long they are.

Knows folders, side files with titles, and lists of links. Knows nothing of what is said in a video.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training.data.errors import DataError, MissingExtraError, UnavailableError, UnusableError
from training.data.manifest import Manifest, digest_of
from training.data.probing import probe
from training.data.steps import StepReport, Task, in_thread, run_step
from training.evaluate.files import write_text

STEP = "index"
VIDEO_ENDINGS = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts", ".flv"})

_GONE = re.compile(
    r"HTTP Error (404|410)|private video|video is private|(has been|was) removed|no longer available|does not exist"
    r"|account .* (terminated|closed)",
    re.IGNORECASE,
)
"""What yt-dlp says of a video that will not come back."""


def index_folder(manifest: Manifest, folder: Path, *, num_parallel: int) -> StepReport:
    """Index every video of a folder and of the folders in it.

    The title comes from a side file with the video's name and the ending .json or .info.json ({"title": ...}, as yt-dlp
    and the demo league write it), else from the file's name.

    Raises DataError where there is no such folder or no video in it.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder} to look for videos in.")
    tasks = [_file_task(manifest, folder, path) for path in _videos_of(folder)]
    if not tasks:
        endings = ", ".join(sorted(VIDEO_ENDINGS))
        raise DataError(
            f"No video was found in {folder}. Files with these endings are looked for: {endings}."
        )
    return asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))


def index_links(manifest: Manifest, links: Path, *, num_parallel: int, format_choice: str) -> StepReport:
    """Download and index a list of links, one a line, with yt-dlp; blank lines and lines with # are left out.

    A download that breaks off goes on in the next run where it was. A video that is gone for good is skipped. A playlist
    is not downloaded: the links of its videos are written to a list of their own, for --links. `format_choice` is
    yt-dlp's -f.

    Raises MissingExtraError where yt-dlp is not installed, DataError where the list can't be read.
    """
    try:
        import yt_dlp  # noqa: F401  # an optional extra: said before any work is begun
    except ImportError as error:
        raise MissingExtraError("yt-dlp", "data") from error
    try:
        lines = links.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{links} can't be read: {error.strerror}.") from error
    wanted = dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    tasks = [
        Task(
            key=link,
            digest=digest_of(STEP, link, format_choice),
            do=in_thread(lambda link=link: _download(manifest, link, format_choice)),  # type: ignore[misc]  # mypy can't see a lambda's default
        )
        for link in wanted
    ]
    return asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))


def title_of(path: Path) -> str:
    """A video's title: from its side file, else its name in words."""
    for side in (path.with_suffix(".json"), path.with_suffix(".info.json")):
        if side.is_file():
            try:
                value = json.loads(side.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(value, dict) and isinstance(value.get("title"), str) and value["title"].strip():
                return str(value["title"]).strip()
    return path.stem.replace("_", " ").strip()


def _videos_of(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in VIDEO_ENDINGS and not name.startswith("."):
                yield Path(parent) / name


def _file_task(manifest: Manifest, folder: Path, path: Path) -> Task:
    title = title_of(path)
    try:
        state = path.stat()
        basis = [state.st_size, state.st_mtime_ns]
    except OSError:
        basis = []  # what is wrong is said by the work itself, as of that video only
    return Task(
        key=path.relative_to(folder).as_posix(),
        digest=digest_of(STEP, *basis, title),
        do=in_thread(lambda: _facts(manifest, path, title)),
    )


def _facts(manifest: Manifest, path: Path, title: str) -> Mapping[str, Any]:
    if path.is_symlink() and not path.exists():
        raise UnusableError(f"it is a link to {path.readlink()}, which is not there")
    # Relative to the workspace, whose annotation files name videos in the same way.
    place = os.path.relpath(path.resolve(), manifest.folder.resolve())
    return {"path": Path(place).as_posix(), "title": title, **probe(path).row()}


def _download(manifest: Manifest, link: str, format_choice: str) -> Mapping[str, Any]:
    import yt_dlp

    options: Any = {
        "format": format_choice,
        "outtmpl": str(manifest.folder / "videos" / "%(extractor)s-%(id)s.%(ext)s"),
        "continuedl": True,
        "merge_output_format": "mp4",
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "retries": 5,
    }
    try:
        with yt_dlp.YoutubeDL(options) as downloader:
            info: Any = downloader.extract_info(link, download=True)
    except yt_dlp.utils.DownloadError as error:
        if _GONE.search(str(error)):
            raise UnusableError(f"it is gone for good ({error})") from error
        raise UnavailableError(f"it can't be downloaded ({error})") from error
    if info.get("_type") in ("playlist", "multi_video"):
        raise UnusableError(_playlist(manifest, link, info))
    path = Path(info["requested_downloads"][0]["filepath"])
    return {**_facts(manifest, path, str(info.get("title") or title_of(path)))}


def _playlist(manifest: Manifest, link: str, info: Mapping[str, Any]) -> str:
    """Write the links of a playlist's videos to a list, and say where it is."""
    links = [entry.get("url") or entry.get("webpage_url") for entry in info.get("entries") or () if entry]
    links = [video for video in links if video]
    if not links:
        return "it is a playlist without videos"
    path = manifest.result("playlists", link, ".txt")
    write_text(path, "".join(f"{video}\n" for video in links))
    return f"it is a playlist: the links of its videos ({len(links)}) are in {path}; index them with --links"
