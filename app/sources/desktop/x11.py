"""X11: which windows there are, where ours lie, and what lies behind them.

Knows the X protocol through python-xlib, and the Composite extension, which keeps the picture of every window whole while
others cover it: a place that our own window covers is put together from the windows behind it. Without that extension
such a place is grey. Knows no screenshot: mss takes those.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from Xlib import X, Xatom, error
from Xlib.display import Display
from Xlib.ext import composite

from app.sources.desktop.base import Desktop, Pixels, WindowInfo, fill
from app.sources.desktop.redirection import redirection
from app.sources.errors import NoScreenError, WindowGoneError, WindowHiddenError
from app.sources.own_windows import OwnWindows, own_windows
from app.sources.rect import Rect

_log = logging.getLogger("ringside.app.sources")

_STRIP_BYTES = 128 * 1024
"""python-xlib puts an answer together piece by piece; pieces of a small one fit into the processor's cache."""

_SMALLEST_WINDOW_PX = 64
_DEEPEST_FRAME = 4
_ALPHA_DEPTH = 32


@dataclasses.dataclass(frozen=True)
class _Top:
    """A window right on the desktop: a program's own, or the frame that a window manager put around it."""

    rect: Rect
    """With its border."""
    is_shown: bool
    is_drawn: bool
    """Not one that only catches clicks."""


class X11Desktop(Desktop):
    """One connection to an X server."""

    def __init__(self, display: str, own: OwnWindows = own_windows) -> None:
        super().__init__(own)
        try:
            self._display = Display(display)
        except (error.DisplayError, OSError) as failure:
            raise NoScreenError(f"the X server {display} does not answer") from failure
        self._display.set_error_handler(_log_error)
        self._screen = self._display.screen()
        self._root = self._screen.root
        self._tops: dict[int, _Top] = {}
        self._order: list[int] = []
        self._own_tops: frozenset[int] | None = None
        self._own_version = -1
        self._passed: list[tuple[int, Rect]] = []
        self._redirection = redirection(display)
        self._has_pictures: bool | None = None
        with self._answers():
            self._root.change_attributes(event_mask=X.SubstructureNotifyMask)
            self._read_order()

    def close(self) -> None:
        """Disconnect; the server takes back everything that was asked for."""
        if self._has_pictures is not None:
            self._has_pictures = None
            self._redirection.release()
        with contextlib.suppress(OSError, error.ConnectionClosedError, error.DisplayError):
            self._display.close()

    def windows(self) -> list[WindowInfo]:
        """Windows of other programs, the front one first."""
        with self._answers():
            self._follow()
            own = self._find_own()
            listed = [self._described(client) for client in self._clients(own)]
        return [window for window in reversed(listed) if window is not None]

    def own_places(self) -> tuple[Rect, ...]:
        """Where our windows are, and every place where one was since this was asked last."""
        with self._answers():
            was_own = self._own_tops or frozenset()
            self._follow()
            own = self._find_own()
            makers = self._makers()
        tops = [self._tops[top] for top in own if top in self._tops]
        shown = [top.rect for top in tops if top.is_shown and top.is_drawn]
        mask = self._display.display.info.resource_id_mask
        ours = own | was_own
        passed = [rect for number, rect in self._passed if number in ours or number & ~mask in makers]
        self._passed.clear()
        return tuple({*shown, *passed})

    def look_behind(self, pixels: Pixels, area: Rect, places: tuple[Rect, ...]) -> None:
        """Put together what lies behind our windows, from the desktop's ground up."""
        with self._answers():
            hidden = [inside for place in places if (inside := place.common(area)) is not None]
            for inside in hidden:
                fill(pixels, inside.seen_from(area))
                self._paint_ground(pixels, area, inside)
            if not hidden or not self._redirect():
                return
            own = self._find_own()
            for number in self._order:
                top = self._tops.get(number)
                if top is None or number in own or not (top.is_shown and top.is_drawn):
                    continue
                for inside in hidden:
                    if (part := top.rect.common(inside)) is not None:
                        self._paint_window(pixels, area, number, top, part)

    def window_rect(self, window_id: int) -> Rect:
        """The inside of one window."""
        with self._answers():
            return self._inside(window_id)

    def window_pixels(self, window_id: int) -> Pixels | None:
        """The inside of one window, from the picture that the server keeps of it and its frame."""
        with self._answers():
            if not self._redirect():
                return None
            self._follow()
            inside = self._inside(window_id)
            number = self._top_of(window_id)
            top = self._tops.get(number or 0)
            if number is None or top is None:
                raise WindowGoneError(self._title(self._window(window_id)))
            part = inside.common(top.rect)
            if part is None:
                raise WindowHiddenError(self._title(self._window(window_id)))
            kept = self._kept_picture(number, part.seen_from(top.rect))
            return kept[0] if kept is not None else None

    @contextlib.contextmanager
    def _answers(self) -> Iterator[None]:
        """A server that has gone is one error, whatever was asked of it."""
        try:
            yield
        except (error.ConnectionClosedError, error.DisplayError, OSError) as failure:
            raise NoScreenError("the X server has gone") from failure

    def _window(self, number: int) -> Any:
        return self._display.create_resource_object("window", number)

    # What is on the desktop ------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Take in what happened to windows since the last time; asks nothing of the server if nothing did."""
        is_other = False
        self._display.sync()
        # Those that are here now, and not those that come meanwhile: a window that moves all the time sends no end of them.
        for _ in range(self._display.pending_events()):
            event = self._display.next_event()
            is_other = True
            match event.type:
                case X.ConfigureNotify:
                    top = self._tops.get(event.window.id)
                    rect = _bordered(event.x, event.y, event.width, event.height, event.border_width)
                    self._passed.append((event.window.id, rect))
                    if top is not None:
                        self._tops[event.window.id] = dataclasses.replace(top, rect=rect)
                case X.MapNotify | X.UnmapNotify:
                    top = self._tops.get(event.window.id)
                    if top is not None:
                        is_shown = event.type == X.MapNotify
                        self._passed.append((event.window.id, top.rect))
                        self._tops[event.window.id] = dataclasses.replace(top, is_shown=is_shown)
                    self._own_tops = None
                case X.CreateNotify:
                    rect = _bordered(event.x, event.y, event.width, event.height, event.border_width)
                    self._passed.append((event.window.id, rect))
                    self._own_tops = None
                case X.DestroyNotify | X.ReparentNotify:
                    self._own_tops = None
        if is_other:
            self._read_order()

    def _read_order(self) -> None:
        self._order = [window.id for window in self._root.query_tree().children]
        for number in self._order:
            if number not in self._tops:
                top = self._asked(number)
                if top is not None:
                    self._tops[number] = top
        for number in self._tops.keys() - set(self._order):
            del self._tops[number]

    def _asked(self, number: int) -> _Top | None:
        window = self._window(number)
        try:
            place, about = window.get_geometry(), window.get_attributes()
        except (error.BadWindow, error.BadDrawable):
            return None
        return _Top(
            _bordered(place.x, place.y, place.width, place.height, place.border_width),
            is_shown=about.map_state == X.IsViewable,
            is_drawn=about.win_class == X.InputOutput,
        )

    def _find_own(self) -> frozenset[int]:
        """Windows right on the desktop that are ours: made by our connection, or the frame around one of them."""
        version = self._own.version
        if self._own_tops is None or version != self._own_version:
            ids, makers = self._own.ids, self._makers()
            mask = self._display.display.info.resource_id_mask
            found = {number for number in self._tops if number & ~mask in makers}
            framed = {self._top_of(number) for number in ids if number & ~mask in makers}
            self._own_tops = frozenset(found | {number for number in framed if number is not None})
            self._own_version = version
        return self._own_tops

    def _makers(self) -> frozenset[int]:
        """The part that the numbers of all windows of one connection have in common, for ours."""
        mask = self._display.display.info.resource_id_mask
        return frozenset({number & ~mask for number in self._own.ids} - {0})

    def _top_of(self, number: int) -> int | None:
        """The window right on the desktop that holds this one; None if it is gone."""
        with contextlib.suppress(error.BadWindow):
            for _ in range(_DEEPEST_FRAME + 1):
                parent = self._window(number).query_tree().parent
                if not parent:
                    return None
                if parent.id == self._root.id:
                    return number
                number = parent.id
        return None

    def _clients(self, own: frozenset[int]) -> list[int]:
        """Programs' windows from back to front, by the window manager's list or without one by our own."""
        atom = self._display.intern_atom("_NET_CLIENT_LIST_STACKING")
        listed = self._root.get_full_property(atom, Xatom.WINDOW)
        if listed is None:
            return [n for n in self._order if n not in own and (top := self._tops.get(n)) and top.is_shown]
        return [number for number in listed.value if self._top_of(number) not in own]

    def _described(self, number: int) -> WindowInfo | None:
        window = self._window(number)
        try:
            title = self._title(window)
            rect = self._inside(number)
            names = window.get_wm_class()
        except (error.BadWindow, WindowGoneError, WindowHiddenError):
            return None
        if not title or min(rect.width, rect.height) < _SMALLEST_WINDOW_PX:
            return None
        return WindowInfo(number, title, names[1] if names else "", rect)

    def _title(self, window: Any) -> str:
        with contextlib.suppress(error.BadWindow):
            for name, kind in (("_NET_WM_NAME", "UTF8_STRING"), ("WM_NAME", "STRING")):
                text = window.get_full_property(
                    self._display.intern_atom(name), self._display.intern_atom(kind)
                )
                if text is not None and text.value:
                    value = text.value
                    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        return ""

    def _inside(self, number: int) -> Rect:
        window = self._window(number)
        try:
            about, place = window.get_attributes(), window.get_geometry()
            corner = window.translate_coords(self._root, 0, 0)
        except (error.BadWindow, error.BadDrawable):
            raise WindowGoneError(f"{number:#x}") from None
        if about.map_state != X.IsViewable:
            raise WindowHiddenError(self._title(window))
        # The answer is where our corner lies seen from the root, with the sign turned round.
        return Rect(-corner.x, -corner.y, place.width, place.height)

    # What lies behind ------------------------------------------------------------------------------------------------

    def _redirect(self) -> bool:
        """Have the server keep whole pictures of windows, as every compositing desktop has already."""
        if self._has_pictures is None:
            self._has_pictures = self._redirection.take()
        return self._has_pictures

    def _paint_window(self, pixels: Pixels, area: Rect, number: int, top: _Top, part: Rect) -> None:
        kept = self._kept_picture(number, part.seen_from(top.rect))
        if kept is None:
            return
        picture, depth = kept
        room = pixels[part.seen_from(area).slices]
        if depth == _ALPHA_DEPTH:
            # What is seen through is multiplied beforehand, as X's compositors have it.
            rest = 255 - picture[..., 3:4].astype(np.uint16)
            room[...] = np.minimum(picture + room * rest // 255, 255).astype(np.uint8)
        else:
            room[...] = picture

    def _kept_picture(self, number: int, part: Rect) -> tuple[Pixels, int] | None:
        """A part of a window with its border, and its depth in bits; None if the server has no picture of it."""
        catch = error.CatchError(error.BadMatch, error.BadWindow, error.BadAlloc, error.BadAccess)
        pixmap = composite.name_window_pixmap(self._window(number), onerror=catch)
        try:
            return self._read(pixmap, part)
        finally:
            pixmap.free(onerror=error.CatchError())

    def _paint_ground(self, pixels: Pixels, area: Rect, part: Rect) -> None:
        """The desktop's own picture, if it has one."""
        for name in ("_XROOTPMAP_ID", "ESETROOT_PMAP_ID"):
            listed = self._root.get_full_property(self._display.intern_atom(name), Xatom.PIXMAP)
            if listed is not None and listed.value:
                ground = self._display.create_resource_object("pixmap", listed.value[0])
                kept = self._read(ground, part)
                if kept is not None:
                    pixels[part.seen_from(area).slices] = kept[0]
                return

    def _read(self, drawable: Any, part: Rect) -> tuple[Pixels, int] | None:
        strip = max(1, _STRIP_BYTES // (4 * part.width))
        rows = []
        depth = 0
        try:
            for top in range(part.top, part.bottom, strip):
                height = min(strip, part.bottom - top)
                answer = drawable.get_image(part.left, top, part.width, height, X.ZPixmap, 0xFFFFFFFF)
                depth = answer.depth
                rows.append(np.frombuffer(answer.data, np.uint8).reshape(height, part.width, 4))
        except (error.BadMatch, error.BadDrawable, error.BadPixmap, error.BadValue, ValueError):
            # It is being resized or closed just now, or has fewer colours than anyone uses today.
            return None
        return np.concatenate(rows), depth


def _bordered(left: int, top: int, width: int, height: int, border: int) -> Rect:
    return Rect(left, top, width + 2 * border, height + 2 * border)


def _log_error(failure: error.XError, request: object) -> None:
    _log.debug("X: %s (%s)", failure, request)
