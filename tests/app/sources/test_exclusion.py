"""Our windows are left out of pictures for as long as anyone takes some, however many start and stop meanwhile."""

from __future__ import annotations

import ctypes
import threading

import pytest

from app.sources.desktop.exclusion import Exclusion
from app.sources.desktop.windows import WindowsDesktop
from app.sources.own_windows import OwnWindows
from app.sources.rect import Rect

PLACE = Rect(10, 20, 300, 200)


class System:
    """Windows' user32, as far as it leaves windows out: by number, whether it does."""

    def __init__(self) -> None:
        self.left_out: dict[int, bool] = {}
        self.refuses: set[int] = set()
        self.is_seen_again = threading.Event()

    def SetWindowDisplayAffinity(self, window_id: int, affinity: int) -> int:  # noqa: N802 - the system's name
        if window_id in self.refuses:
            return 0
        self.left_out[window_id] = affinity == 0x11
        if not affinity:
            self.is_seen_again.set()
        return 1

    def leave_out(self, window_id: int, is_left_out: bool) -> bool:
        return bool(self.SetWindowDisplayAffinity(window_id, 0x11 if is_left_out else 0))


def test_one_that_stops_looking_does_not_bring_windows_back_into_anothers_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system, own = System(), OwnWindows()
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: system, raising=False)
    own.put(7, PLACE)
    running = WindowsDesktop(own)
    running.places_to_hide()
    for _ in range(3):  # as pictures of what could be watched come and go while a stream runs
        thumbnail = WindowsDesktop(own)
        thumbnail.places_to_hide()
        thumbnail.close()
        thumbnail.close()
        assert system.left_out == {7: True}
    running.close()


def test_the_last_one_brings_them_back_after_a_while_unless_another_comes() -> None:
    system, own = System(), OwnWindows()
    own.put(7, PLACE)
    exclusion = Exclusion(system.leave_out, own, keep_s=1.0)
    exclusion.take()
    exclusion.places_to_hide()
    exclusion.release()
    assert system.left_out[7]
    exclusion.take()
    assert not system.is_seen_again.wait(1.5)
    exclusion.release()
    assert system.is_seen_again.wait(60)
    assert not system.left_out[7]
    exclusion.take()
    exclusion.places_to_hide()
    assert system.left_out[7]
    exclusion.release()


def test_a_window_is_painted_over_until_the_system_leaves_it_out() -> None:
    system, own = System(), OwnWindows()
    exclusion = Exclusion(system.leave_out, own, keep_s=0)
    exclusion.take()
    own.put(7, PLACE)
    own.put(8, None)
    # Told of just now, it may be in this picture still, and not in the next.
    assert exclusion.places_to_hide() == (PLACE,)
    assert exclusion.places_to_hide() == ()
    assert system.left_out == {7: True, 8: True}
    system.refuses.add(9)
    own.put(9, PLACE)
    for _ in range(2):
        assert exclusion.places_to_hide() == (PLACE,)
    exclusion.release()


def test_a_number_that_another_window_of_ours_gets_is_left_out_anew() -> None:
    system, own = System(), OwnWindows()
    exclusion = Exclusion(system.leave_out, own, keep_s=0)
    exclusion.take()
    own.put(7, PLACE)
    exclusion.places_to_hide()
    own.remove(7)
    exclusion.places_to_hide()
    system.left_out.clear()  # the window is gone, and what the system knew of it
    own.put(7, PLACE)
    exclusion.places_to_hide()
    assert system.left_out == {7: True}
    exclusion.release()


def test_counting_holds_with_many_at_once() -> None:
    system, own = System(), OwnWindows()
    own.put(7, PLACE)
    exclusion = Exclusion(system.leave_out, own, keep_s=0)
    exclusion.take()
    exclusion.places_to_hide()

    def come_and_go() -> None:
        for _ in range(200):
            exclusion.take()
            exclusion.places_to_hide()
            exclusion.release()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not system.is_seen_again.is_set()
    exclusion.release()
    assert system.is_seen_again.wait(60)
