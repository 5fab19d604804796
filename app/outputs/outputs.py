"""All outputs of a window: which of them run, fed from its state, as the settings say.

Knows what each setting starts and stops, and how what fails is said once. Knows no Qt, no widget and no worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.captions import Phrase
from app.errors import CaptionEndingError, CaptionFileError, RingsideError
from app.outputs.browser_source import BrowserSource, new_token, prepare
from app.outputs.caption_feed import CaptionFeed
from app.outputs.file_keeper import FileKeeper
from app.outputs.obs import ObsLink, ObsPhase, ObsPlace, ObsStatus
from app.session.journal import How
from app.settings import UserSettings
from app.theme.caption_style import caption_style
from app.theme.tokens import DARK, Palette
from app.window.background import Background
from app.window.state.app import AppState
from app.window.state.messages import Message
from app.window.state.record import Session

_log = logging.getLogger("ringside.app.outputs")

_BROWSER = {"is_browser_source_on", "browser_port", "browser_token"}
_OBS = {"is_obs_on", "obs_host", "obs_port", "obs_password", "obs_text_source", "obs_sends_captions"}
_LIVE = {"live_files", "live_text_has_times"}


class Outputs:
    """One per window. Everything is called on the loop's thread; `open` and `close` bracket its work."""

    def __init__(
        self,
        state: AppState,
        background: Background,
        settings: Callable[[], UserSettings],
        remember: Callable[..., None],
        own_folder: Path,
    ) -> None:
        """`own_folder` is where sessions are kept if the person chose no other place."""
        self._state = state
        self._background = background
        self._settings = settings
        self._remember = remember
        self._own_folder = own_folder
        self._palette = DARK
        self._feed = CaptionFeed(state.captions, caption_style(settings(), self._palette), background.loop)
        self._files = FileKeeper(lambda topic, error: background.post(self._on_file_news, topic, error))
        self._page = BrowserSource(self._page_state)
        self._obs: ObsLink | None = None
        self._page_change = asyncio.Lock()
        self._is_open = False
        self._feed.changed.subscribe(self._show)
        state.record.began.subscribe(self._begin)
        state.record.said.subscribe(self._say)
        state.record.ended.subscribe(self._end)

    @property
    def session_folder(self) -> Path:
        """Where sessions are kept."""
        chosen = self._settings().session_folder
        return Path(chosen).expanduser() if chosen else self._own_folder

    @property
    def num_pages(self) -> int:
        """How many browser sources follow."""
        return self._page.num_pages

    def open(self) -> None:
        """Start what the settings ask for."""
        self._is_open = True
        self._files.start()
        self.apply(frozenset(_BROWSER | _OBS | {"text_num_lines"}))

    async def close(self) -> None:
        """End everything; what was said is on the disk then."""
        self._is_open = False
        self._feed.close()
        await self._page.stop()

    def shut(self) -> None:
        """The part of the end that waits for threads; not on the loop."""
        path = self._settings().text_file
        if path:
            # Nobody says it any more.
            self._files.show(Path(path), "")
        self._files.close()
        if self._obs is not None:
            self._obs.close()

    def set_palette(self, palette: Palette) -> None:
        """The theme's colours, for captions whose colours nobody chose."""
        self._palette = palette
        self._restyle()

    def apply(self, changed: frozenset[str]) -> None:
        """These settings have other values."""
        if not self._is_open:
            return
        settings = self._settings()
        if (
            any(name.startswith(("caption_", "overlay_")) for name in changed)
            or "text_scale_percent" in changed
        ):
            self._restyle()
        if changed & {"text_num_lines", "text_line_characters"}:
            self._feed.reshape(settings.text_num_lines, settings.text_line_characters)
        if changed & _BROWSER:
            self._background.spawn(self._serve_page())
        if changed & _OBS:
            self._link_obs()
        if changed & _LIVE and self._state.record.is_running:
            said = self._state.record.sessions[-1].phrases
            self._files.follow(settings.live_files, said, has_times=settings.live_text_has_times)
        if "text_file" in changed:
            self._show()

    def make_obs_source(self) -> None:
        """Make the text source in OBS."""
        if self._obs is not None:
            self._obs.make_source()

    def _begin(self, session: Session) -> None:
        settings = self._settings()
        self._state.messages.take_back("live-files")
        self._files.begin(
            self.session_folder, session.head, settings.live_files, has_times=settings.live_text_has_times
        )

    def _say(self, phrase: Phrase) -> None:
        self._files.say(phrase)
        if self._obs is not None:
            self._obs.caption(phrase.text)

    def _end(self, how: How) -> None:
        self._files.end(how)

    def _show(self) -> None:
        path = self._settings().text_file
        if path and self._is_open:
            self._files.show(Path(path), self._feed.text)
        if self._obs is not None:
            self._obs.show(self._feed.text)
        self._page.tell()

    def _restyle(self) -> None:
        self._feed.restyle(caption_style(self._settings(), self._palette))
        self._page.tell()

    def _page_state(self) -> dict[str, Any]:
        settings = self._settings()
        state = self._feed.page_state()
        state["style"]["margin_px"] = settings.overlay_crop_margin_px
        state["style"]["position"] = (
            "bottom" if settings.overlay_position == "free" else settings.overlay_position
        )
        return state

    async def _serve_page(self) -> None:
        async with self._page_change:
            settings = self._settings()
            if not settings.is_browser_source_on:
                await self._page.stop()
                self._state.messages.take_back("browser-source")
                self._state.outputs.update(browser_address="")
                return
            if not settings.browser_token:
                self._remember(browser_token=new_token())
                return  # which brings us here again
            if self._page.port == settings.browser_port and settings.browser_token in self._page.address:
                return
            await self._page.stop()
            await self._background.in_thread(prepare)
            try:
                await self._page.start(settings.browser_port, settings.browser_token)
            except RingsideError as error:
                self._state.outputs.update(browser_address="")
                self._state.messages.show(Message(text=error.line, topic="browser-source"))
                return
            self._state.outputs.update(browser_address=self._page.address)
            self._state.messages.take_back("browser-source")
            if self._page.port != settings.browser_port:
                self._state.messages.show(
                    Message(
                        text=f"Port {settings.browser_port} is taken by another program, so the browser source is at "
                        f"port {self._page.port} from now on. Give OBS its new address.",
                        is_error=False,
                        action="Copy address",
                        act=self._state.outputs.copy_wanted.emit,
                        topic="browser-source",
                    )
                )
                self._remember(browser_port=self._page.port)

    def _link_obs(self) -> None:
        settings = self._settings()
        self._state.messages.take_back("obs")
        if not settings.is_obs_on:
            link, self._obs = self._obs, None
            if link is not None:
                self._background.start_in_thread(link.close)
            return
        if self._obs is None:
            self._obs = ObsLink(lambda status: self._background.post(self._on_obs_news, status))
        self._obs.show(self._feed.text)
        self._obs.start(
            ObsPlace(
                host=settings.obs_host.strip(),
                port=settings.obs_port,
                password=settings.obs_password,
                text_source=settings.obs_text_source.strip(),
                sends_captions=settings.obs_sends_captions,
            )
        )

    def _on_obs_news(self, status: ObsStatus) -> None:
        former = self._state.outputs.obs
        self._state.outputs.update(obs=status)
        if status.problem and status.problem != former.problem:
            can_make = status.phase is ObsPhase.CONNECTED
            self._state.messages.show(
                Message(
                    text=status.problem,
                    topic="obs",
                    action="Make it in OBS" if can_make else "Try again",
                    act=self.make_obs_source if can_make else self._link_obs,
                )
            )
        elif status.phase is ObsPhase.WAITING and former.phase is not ObsPhase.WAITING:
            self._state.messages.take_back("obs")
            self._state.messages.show(Message(text=status.sentence, is_error=False, topic="obs"))
        elif not status.problem and status.phase is not ObsPhase.WAITING:
            self._state.messages.take_back("obs")

    def _on_file_news(self, topic: str, error: RingsideError | None) -> None:
        if error is None:
            self._state.messages.take_back(topic)
            return
        _log.warning("%s: %s", topic, error.line)
        if isinstance(error, CaptionFileError | CaptionEndingError):
            topic = f"{topic}/{error.path}"  # another file's problem is another one
        self._state.messages.show(Message(text=error.line, topic=topic))
