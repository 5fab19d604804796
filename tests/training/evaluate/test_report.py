"""Reports: the same figures in Markdown and on a page that needs nothing but itself."""

import base64
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from training.evaluate.errors import DataFileError
from training.evaluate.report.contents import Plot, Report, Series, Table, read_report, write_report
from training.evaluate.report.measures import run_plots, run_table
from training.evaluate.report.page import write_pages
from training.evaluate.report.votes import warnings

REPORT = Report(
    title="Lions <v> Hawks",
    summary=("Ours gets 66.18% of the votes.",),
    command="python -m training.evaluate judge --a 'x y'",
    settings={"fps": 2.0, "query": "Say <what> & why"},
    warnings=("This judge favours what it is shown first.",),
    tables=(
        Table(
            title="Scores",
            columns=("measure", "value"),
            rows=(("F1", 0.5), ("ms", 123.456), ("share, %", 41.666), ("none", None), ("a|b", 3)),
            note="A note.",
        ),
    ),
    plots=(
        Plot(
            title="Stability",
            kind="lines",
            x_label="fifth",
            y_label="share",
            series=(
                Series(
                    name="ours", x=(1, 2, 3), y=(0.5, None, 0.7), low=(0.4, None, 0.6), high=(0.6, None, 0.8)
                ),
                Series(name="theirs", x=(1, 2, 3), y=(0.4, 0.4, 0.3)),
            ),
        ),
        Plot(
            title="Lengths",
            kind="bars",
            x_label="words",
            y_label="share",
            series=(Series(name="x", x=(1, 2), y=(1, 2)),),
        ),
    ),
    failures=(("bad.mp4", "it can't be decoded"),),
)


class Addresses(HTMLParser):
    """Everything on a page that could be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")
        ]


def test_contents_survive_the_disk(tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", REPORT)
    assert read_report(tmp_path / "report.json") == REPORT
    (tmp_path / "report.json").write_text('{"tables": 3}')
    with pytest.raises(DataFileError, match="not a report"):
        read_report(tmp_path / "report.json")


def test_the_page_has_everything_in_it_and_fetches_nothing(tmp_path: Path) -> None:
    page, _ = write_pages(tmp_path, REPORT)
    text = page.read_text(encoding="utf-8")
    parser = Addresses()
    parser.feed(text)
    assert parser.found
    assert all(address.startswith("data:") for address in parser.found)
    assert "script" not in parser.tags
    assert "url(" not in text
    assert "@import" not in text
    for words in (
        "Lions &lt;v&gt; Hawks",
        "66.18% of the votes",
        "favours what it is shown",
        "bad.mp4",
        "Say &lt;what&gt;",
    ):
        assert words in text
    assert re.findall(r"<td>(.*?)</td>", text)[:8] == [
        "F1",
        "0.500",
        "ms",
        "123.5",
        "share, %",
        "41.67",
        "none",
        "–",
    ]
    drawings = [base64.b64decode(data) for data in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)]
    assert len(drawings) == 2
    for drawing in drawings:
        svg = ElementTree.fromstring(drawing)
        links = [v for node in svg.iter() for k, v in node.attrib.items() if k.endswith("href")]
        assert all(link.startswith("#") for link in links)


def test_a_long_reason_is_set_in_lines(tmp_path: Path) -> None:
    reason = "the API does not take it (400: it was <filtered>)"
    table = Table(title="Clips without votes", columns=("clip", "why"), rows=(("one", reason), ("two", "no")))
    page, _ = write_pages(tmp_path, replace(REPORT, tables=(table,)))
    text = page.read_text(encoding="utf-8")
    assert '<td class="words">the API does not take it (400: it was &lt;filtered&gt;)</td>' in text
    assert "<td>no</td>" in text


def test_markdown_tells_the_same(tmp_path: Path) -> None:
    _, markdown = write_pages(tmp_path, REPORT)
    text = markdown.read_text(encoding="utf-8")
    assert "| F1 | 0.500 |" in text
    assert "| a\\|b | 3 |" in text
    assert "| bad.mp4 | it can't be decoded |" in text
    assert "python -m training.evaluate judge --a 'x y'" in text
    for name in re.findall(r"\]\((plots/.*?)\)", text):
        assert (tmp_path / name).is_file()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no browser on this machine")
def test_a_real_browser_shows_it_and_asks_for_nothing_else(tmp_path: Path) -> None:
    page, _ = write_pages(tmp_path, REPORT)
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.headers["Host"], self.path))
            data = page.read_bytes() if self.path == "/report.html" else b""
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    shot = tmp_path / "page.png"
    # Every other address leads to the same server, where it would be seen.
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
        *(
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
        ),
        f"--host-resolver-rules=MAP * 127.0.0.1:{server.server_port}",
        *(f"--user-data-dir={tmp_path / 'browser'}", "--window-size=900,1400", f"--screenshot={shot}"),
        f"http://report.test:{server.server_port}/report.html",
    ]
    try:
        subprocess.run(command, check=True, timeout=90, capture_output=True)
    finally:
        server.shutdown()
        server.server_close()
    # The browser asks its maker for the time and for updates, whatever it shows.
    by_page = [path for host, path in asked if host not in ("clients2.google.com", "update.googleapis.com")]
    assert by_page == ["/report.html"]
    with Image.open(shot) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    # The plots' blue and red lines are there.
    for colour in ((0x1F, 0x6F, 0xEB), (0xC2, 0x41, 0x0C)):
        assert (np.abs(pixels.astype(int) - colour).max(axis=1) < 12).sum() > 200


def test_measures_of_runs_worked_by_hand() -> None:
    row = {
        "start": 0.0,
        "end": 100.0,
        "said": [[float(s), s + 1.0, "two words" if s % 4 == 0 else ""] for s in range(100)],
        "step_ms": [10.0] * 60 + [30.0] * 40,
        "wait_ms": [0.0] * 99 + [200.0],
        "num_tokens": [3] * 100,
        "memory_mb": [[0.0, 500.0, 0.0], [60.0, 510.0, 0.0]],
        "wall_s": 50.0,
    }
    runs = {"ours": {"one.mp4": [row]}}
    table = run_table(runs)
    assert table.rows == (("ours", 1, 1.7, 2.0, 10.0, 30.0, 10.0, 510.0, None, 2.0, 75.0),)
    latency, memory, lengths, silence = run_plots(runs)
    assert (latency.series[0].x, latency.series[0].y) == ((0, 1), (10.0, 30.0))
    assert memory.series[0].y == (500.0, 510.0)
    assert lengths.series[0].y[:3] == (0.0, 1.0, 0.0)
    assert silence.series[0].y == (0.75,) * 5


def test_the_peak_of_the_gpus_memory_is_shown_where_there_is_one(tmp_path: Path) -> None:
    row = {
        "start": 0.0,
        "end": 90.0,
        "said": [[float(s), s + 1.0, "words"] for s in range(90)],
        "step_ms": [10.0] * 90,
        "wait_ms": [0.0] * 90,
        "wall_s": 50.0,
    }
    on_gpu = {**row, "memory_mb": [[0.0, 500.0, 7700.5], [30.0, 500.0, 7650.0], [60.0, 500.0, 7600.0]]}
    on_processor = {**row, "memory_mb": [[0.0, 900.0, 0.0]]}
    runs = {"gpu": {"one.mp4": [on_gpu]}, "processor": {"one.mp4": [on_processor]}}
    plots = {plot.title: plot for plot in run_plots(runs)}
    assert [(series.name, series.x, series.y) for series in plots["GPU memory"].series] == [
        ("gpu", (0, 1), (7700.5, 7600.0))
    ]
    write_pages(tmp_path, replace(REPORT, tables=(run_table(runs),), plots=()))
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and "bad.mp4" not in line
    ][:4]
    assert [row[head.index("GPU memory, peak, MB")] for row in rows] == ["7700.5", "–"]


def test_a_flagged_judge_and_missing_votes_are_warned_of() -> None:
    place = {
        "share_first": 1.0,
        "num_first_both_times": 9,
        "num_second_both_times": 0,
        "p_value": 0.004,
        "is_flagged": True,
    }
    lacking = {"unreadable": 1, "refused": 0, "unanswered": 2}
    told = warnings({"place": place, "num_unanswered": 3, "lacking": lacking})
    assert "favours what it is shown first" in told[0]
    assert told[1] == (
        "3 clips have no vote in both orders and are not counted: 1 because the answers can't be read (they are kept; "
        "--ask-again asks once more); 2 because the judge gave no answer (the same command asks again)."
    )
    assert warnings({"place": {**place, "is_flagged": False}, "num_unanswered": 0}) == []
