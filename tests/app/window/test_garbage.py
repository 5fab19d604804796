"""Objects that only refer to each other end on the window's thread, however busy the others are."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.window.garbage import GarbageCollector
from app.window.state.session import ModelState, SessionState


class Knot:
    """Refers to itself, and to a timer as a page of the window would."""

    def __init__(self) -> None:
        self.timer = QTimer(interval=1)
        self.timer.start()
        self.itself = self


@pytest.fixture
def session() -> SessionState:
    state = SessionState()
    state.update(model=ModelState(name="demo", is_ready=True))
    return state


@pytest.fixture
def collector(qapp: QObject, session: SessionState) -> Iterator[GarbageCollector]:
    gc.enable()  # as in a program that has just begun
    collector = GarbageCollector(session)
    collector.start()
    yield collector
    collector.stop()
    assert gc.isenabled()
    gc.unfreeze()


def make_much() -> None:
    """What sets off Python's own collections, of all generations."""
    for _ in range(40):
        kept = [[number] for number in range(20_000)]
        del kept


def knot_that_tells(ended_in: list[str]) -> weakref.ref[Knot]:
    knot = Knot()
    weakref.finalize(knot, lambda: ended_in.append(threading.current_thread().name))
    return weakref.ref(knot)


def test_a_busy_thread_ends_nothing_of_the_windows(qtbot: QtBot, collector: GarbageCollector) -> None:
    ended_in: list[str] = []
    knot = knot_that_tells(ended_in)
    worker = threading.Thread(target=make_much, name="ringside-engine")
    worker.start()
    worker.join()
    assert knot() is not None
    qtbot.waitUntil(lambda: knot() is None, timeout=60_000)
    assert ended_in == [threading.main_thread().name]


def test_without_it_the_busy_thread_would(qapp: QObject) -> None:
    """Guards the test above: what it makes is enough for Python to look. (No timer here: the program would die of it.)"""
    ended_in: list[str] = []
    knot = type("Plain", (), {})()
    knot.itself = knot
    weakref.finalize(knot, lambda: ended_in.append(threading.current_thread().name))
    gc.enable()
    del knot
    worker = threading.Thread(target=make_much, name="ringside-engine")
    worker.start()
    worker.join()
    gc.disable()
    assert ended_in == ["ringside-engine"]


def test_old_objects_are_looked_at_too(qtbot: QtBot, collector: GarbageCollector) -> None:
    knot_of = Knot()
    knot = weakref.ref(knot_of)
    for _ in range(3):
        gc.collect(1)  # now it is old
    del knot_of
    for _ in range(31):
        collector.look()
    assert knot() is None


def test_while_a_model_loads_nobody_looks(
    qtbot: QtBot, session: SessionState, collector: GarbageCollector
) -> None:
    session.update(model=ModelState(name="7b", doing="Reading the weights"))
    knot = knot_that_tells([])
    collector.look()
    assert knot() is not None
    session.update(model=ModelState(name="7b", has_failed=True))
    collector.look()
    assert knot() is None
