"""The log file: it rotates, keeps secrets, hands on faults, and its absence breaks nothing."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.system import log as logs
from app.system.log import LogFile


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path / "state" / "ringside")
    file.open()
    yield file
    file.close()


def written(file: LogFile) -> str:
    return file.path.read_text(encoding="utf-8")


def test_private_texts_home_passwords_and_tokens_are_left_out(log_file: LogFile) -> None:
    log_file.formatter.hide(["/videos/it's secret.mp4", "it's secret.mp4", "it's secret", "ab"])
    logger = logging.getLogger("ringside.app.test")
    logger.info("cannot read %s: %r", "/videos/it's secret.mp4", Path("/videos/it's secret.mp4"))
    logger.info("settings in %s", Path.home() / ".config" / "x")
    logger.info("opens rtsp://me:pass@host/live and http://host/v.m3u8?token=abc with hf_abcdefghijklmnop")
    try:
        raise ValueError("damaged: it's secret.mp4")
    except ValueError:
        logger.exception("failed")
    text = written(log_file)
    assert "secret" not in text.replace("test_private", "")
    assert "~/.config/x" in text
    assert "me:pass" not in text
    assert "token=abc" not in text
    assert "hf_abcdef…" in text
    assert "ValueError: damaged: ‹private›" in text
    logger.debug("too much detail")
    assert "too much detail" not in written(log_file)


def test_it_rotates_and_keeps_a_few_old_ones(log_file: LogFile) -> None:
    logger = logging.getLogger("ringside.app.test")
    line = "x" * 10_000
    for _ in range(logs.MAX_BYTES * (logs.NUM_OLD + 2) // len(line)):
        logger.info(line)
    files = sorted(log_file.path.parent.glob("ringside.log*"))
    assert len(files) == 1 + logs.NUM_OLD
    assert all(file.stat().st_size <= logs.MAX_BYTES for file in files)


def test_faults_are_written_and_handed_on_with_details_that_can_be_copied(log_file: LogFile) -> None:
    told: list[tuple[str, str]] = []
    log_file.tell_errors(lambda line, details: told.append((line, details)))
    logging.getLogger("ringside.app.test").error("only words")
    assert told == []

    def fail() -> None:
        raise LookupError("what is not there")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except LookupError as error:
        sys.excepthook(LookupError, error, error.__traceback__)
    assert len(told) == 2
    for line, details in told:
        assert line.startswith("LookupError")
        assert "what is not there" in details
        assert "Traceback" in details
    assert written(log_file).count("Traceback") == 2


def test_after_its_end_everything_is_as_before(tmp_path: Path) -> None:
    former = (sys.excepthook, threading.excepthook, tuple(logging.getLogger("ringside").handlers))
    file = LogFile(tmp_path)
    file.open(is_verbose=True)
    file.close()
    file.close()
    assert (sys.excepthook, threading.excepthook, tuple(logging.getLogger("ringside").handlers)) == former


def test_without_a_place_for_it_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    file = LogFile(tmp_path / "file" / "logs")
    file.open()
    logging.getLogger("ringside.app.test").info("to nobody")
    file.close()
