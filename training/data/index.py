"""Step 1: which videos there are, what they are called and how long they are.

Knows folders, side files with titles, and lists of links. Knows nothing of what is said in a video.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.data.errors import DataError, MissingExtraError, UnavailableError, UnusableError
from training.data.manifest import Manifest, digest_of
from training.data.probing import probe
from training.data.steps import StepReport, Task, in_thread, run_step
from training.evaluate.files import write_text

STEP = "index"
_MISSING = "missing"
"""Digest of a video that is not there: whatever comes in its place is another one."""
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
    found = {task.key for task in tasks}
    if not tasks:
        endings = ", ".join(sorted(VIDEO_ENDINGS))
        raise DataError(
            f"No video was found in {folder}. Files with these endings are looked for: {endings}."
        )
    twins = _twins(manifest, tasks)
    missing = _mark_missing(manifest, found)
    report = asyncio.run(
        run_step(manifest, STEP, [task for task in tasks if task.key not in twins], num_parallel=num_parallel)
    )
    return _with_skipped(report, {str(folder / key): reason for key, reason in twins.items()} | missing)


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
    missing = _mark_missing(manifest, set())
    report = asyncio.run(run_step(manifest, STEP, tasks, num_parallel=num_parallel))
    return _with_skipped(report, {key: why for key, why in missing.items() if key not in wanted})


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


def _twins(manifest: Manifest, tasks: Sequence[Task]) -> dict[str, str]:
    """Videos that have the name of another one, from another folder, that is indexed and there: nothing is overwritten."""
    rows = manifest.done(STEP)
    twins = {}
    for task in tasks:
        row = rows.get(task.key)
        if row is None or row.digest == task.digest or row.facts["path"] == task.fresh["path"]:
            continue
        if manifest.video(task.key).exists():
            twins[task.key] = (
                f"another video of that name is indexed already ({row.facts['path']}): index a folder that holds both, "
                "or give another --out"
            )
    return twins


def _mark_missing(manifest: Manifest, found: set[str]) -> dict[str, str]:
    """Skip the indexed videos that are neither among those found nor where they were, so that later steps do so too."""
    reason = "the video is not there any more"
    missing = [key for key in manifest.done(STEP) if key not in found and not manifest.video(key).exists()]
    for key in missing:
        manifest.append(replace(manifest.rows(STEP)[key], digest=_MISSING, status="skipped", reason=reason))
    return dict.fromkeys(missing, reason)


def _with_skipped(report: StepReport, problems: Mapping[str, str]) -> StepReport:
    report.counts["skipped"] += len(problems)
    report.problems.update(problems)
    return report


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
        # A folder that is moved takes its finished work along.
        fresh={"path": _place(manifest, path)},
    )


def _facts(manifest: Manifest, path: Path, title: str) -> Mapping[str, Any]:
    if path.is_symlink() and not path.exists():
        raise UnusableError(f"it is a link to {path.readlink()}, which is not there")
    return {"path": _place(manifest, path), "title": title, **probe(path).row()}


def _place(manifest: Manifest, path: Path) -> str:
    """Relative to the workspace, whose annotation files name videos in the same way."""
    return Path(os.path.relpath(path.resolve(), manifest.folder.resolve())).as_posix()


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
