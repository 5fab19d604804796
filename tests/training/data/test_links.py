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
    assert main(arguments) == 3, "something failed that may work next time"
    report = json.loads(capsys.readouterr().out)
    assert (report["done"], report["failed"]) == (1, 1)
    assert "404" in report["problems"][dead]
    num_fetched = site.fetched["/match_0.mp4"]

    assert main(arguments) == 3
    assert json.loads(capsys.readouterr().out)["finished_before"] == 1
    assert site.fetched["/match_0.mp4"] == num_fetched
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    row = next(row for row in rows if row["key"] == good)
    assert (tmp_path / "out" / row["facts"]["path"]).stat().st_size == row["facts"]["num_bytes"]
    assert row["facts"]["duration_s"] == pytest.approx(45, abs=0.5)
