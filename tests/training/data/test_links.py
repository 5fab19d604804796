"""A list of links through yt-dlp, against a web server on the loopback address."""

import functools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.training.data.season import Season
from training.data.__main__ import main


class Site:
    """A folder as a web site, and how often each file was fetched."""

    def __init__(self, folder: Path) -> None:
        self.fetched: Counter[str] = Counter()
        fetched = self.fetched

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                fetched[self.path] += 1
                super().do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def site(season: Season) -> Iterator[Site]:
    site = Site(season.videos)
    thread = threading.Thread(target=site.server.serve_forever, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


def test_links_are_downloaded_once_and_a_dead_one_is_named(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    links = tmp_path / "links.txt"
    good, dead = f"{site.url}/match_0.mp4", f"{site.url}/gone.mp4"
    links.write_text(f"# two of them\n{good}\n\n{dead}\n{good}\n", encoding="utf-8")
    arguments = ["index", "--out", str(tmp_path / "out"), "--links", str(links), "--format", "best"]
    assert main(arguments) == 0, "what is gone for good is not tried again"
    report = json.loads(capsys.readouterr().out)
    assert (report["done"], report["skipped"], report["failed"]) == (1, 1, 0)
    assert "404" in report["problems"][dead]
    num_fetched, num_dead = site.fetched["/match_0.mp4"], site.fetched["/gone.mp4"]

    assert main(arguments) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["finished_before"], again["problems"]) == (2, report["problems"])
    assert site.fetched["/gone.mp4"] == num_dead
    assert site.fetched["/match_0.mp4"] == num_fetched
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    row = next(row for row in rows if row["key"] == good)
    assert (tmp_path / "out" / row["facts"]["path"]).stat().st_size == row["facts"]["num_bytes"]
    assert row["facts"]["duration_s"] == pytest.approx(45, abs=0.5)


def test_a_playlist_costs_no_other_link_and_its_videos_are_listed(
    site: Site, season: Season, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = season.videos / "feed.rss"
    items = "".join(f"<item><title>{n}</title><link>{site.url}/match_{n}.mp4</link></item>" for n in range(3))
    feed.write_text(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>All</title>{items}</channel></rss>'
    )
    links, out = tmp_path / "links.txt", tmp_path / "out"
    playlist, single = f"{site.url}/feed.rss", f"{site.url}/match_0.mp4"
    links.write_text(f"{playlist}\n{single}\n", encoding="utf-8")
    try:
        assert main(["index", "--out", str(out), "--links", str(links), "--format", "best"]) == 0
    finally:
        feed.unlink()
    report = json.loads(capsys.readouterr().out)
    assert (report["done"], report["skipped"]) == (1, 1)
    assert "3" in report["problems"][playlist]
    [listed] = (out / "playlists").iterdir()
    assert str(listed) in report["problems"][playlist]
    assert listed.read_text().split() == [f"{site.url}/match_{number}.mp4" for number in range(3)]
    assert site.fetched["/match_1.mp4"] == 0
