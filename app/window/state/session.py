"""The state of watching: source, model, phase and figures, and the one line of words that says it all.

Knows what each phase is called and how figures become a status. Knows no Qt, no threads and no worker.
"""

import dataclasses
import enum
from dataclasses import dataclass

from app.sources.news import Signal, SourceNews
from app.sources.spec import SourceSpec
from app.window.state.event import Event

LIVE_WITHIN_S = 2.0
"""Commentary that is later than this is called behind."""


class Phase(enum.Enum):
    """Where watching is."""

    IDLE = "idle"
    STARTING = "starting"
    """Start was asked for; model or source are not there yet."""
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    """The source has come to its end."""


class StatusKind(enum.Enum):
    """What the status says; each has a shape of its own."""

    EMPTY = "empty"
    LOADING = "loading"
    READY = "ready"
    LIVE = "live"
    BEHIND = "behind"
    NO_SIGNAL = "no-signal"
    PAUSED = "paused"
    FINISHED = "finished"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state in words."""

    kind: StatusKind
    words: str
    """A word or two: "live", "loading 42%"."""
    sentence: str
    """What it means."""
    fraction: float | None = None
    """0-1 while something loads."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well it goes. None: not known yet."""

    frames_per_s: float | None = None
    """Frames a second that the model has seen lately."""
    behind_s: float | None = None
    """From the end of a chunk of video to the last word about it, in seconds."""
    step_ms: float | None = None
    """What the model took for the last chunk, in milliseconds."""
    num_dropped: int = 0
    """Chunks that were skipped to keep up."""


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """The model that comments."""

    name: str = ""
    is_ready: bool = False
    fraction: float = 0.0
    """Of loading, 0-1."""
    doing: str = ""
    """What loading does just now."""
    device: str = ""
    has_failed: bool = False
    is_lent: bool = False
    """Its memory is somebody else's for a while; it is loaded again by itself."""


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """What is done between opening a source and its first second."""

    fraction: float
    """0-1."""
    doing: str
    """What just now: "Preparing the eyes"."""


@dataclass(frozen=True, kw_only=True)
class StepEnded:
    """The model is done with one chunk."""

    took_ms: float
    """The step itself."""
    captured_at_s: float | None
    """When the chunk's last frame was taken, on `time.monotonic`."""
    has_words: bool
    """Whether anything was said about it."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is watched."""

    kind: str
    """"demo", "file", or one of the live ones: "screen", "region", "window", "camera", "stream"."""
    name: str
    """As the source chooser shows it."""
    path: str = ""
    """Of a file; "" for a live source."""
    spec: SourceSpec | None = None
    """What exactly is watched; None means the file at `path`."""


class SessionState:
    """All of the above, with one event for any change."""

    def __init__(self) -> None:
        self.changed: Event[()] = Event()
        self.step_ended: Event[StepEnded] = Event()
        """Told before the last words about the chunk are shown."""
        self.source: Source | None = None
        self.model = ModelState()
        self.phase = Phase.IDLE
        self.figures = Figures()
        self.has_signal = True
        self.warm_up: WarmUp | None = None
        """How far the run that starts is; None before and after."""
        self.news: SourceNews | None = None
        """What a live source told last in this run."""

    def update(
        self,
        *,
        phase: Phase | None = None,
        model: ModelState | None = None,
        figures: Figures | None = None,
        has_signal: bool | None = None,
    ) -> None:
        """Set what is given and tell the listeners if anything is new."""
        before = (self.phase, self.model, self.figures, self.has_signal)
        self.phase = phase or self.phase
        self.model = model or self.model
        self.figures = figures or self.figures
        self.has_signal = self.has_signal if has_signal is None else has_signal
        if before != (self.phase, self.model, self.figures, self.has_signal):
            self.changed.emit()

    def tell_warm_up(self, warm_up: WarmUp | None) -> None:
        """The run that starts gets ready; None when it is."""
        if warm_up != self.warm_up:
            self.warm_up = warm_up
            self.changed.emit()

    def tell(self, news: SourceNews | None) -> None:
        """A live source has something to say; None for a run that has just begun."""
        if news != self.news:
            self.news = news
            self.changed.emit()

    def choose(self, source: Source | None) -> None:
        """Watch something else from now on."""
        if source != self.source:
            self.source = source
            self.changed.emit()

    @property
    def is_busy(self) -> bool:
        """Whether a session is under way, so that the one button means stop."""
        return self.phase in (Phase.STARTING, Phase.RUNNING, Phase.PAUSED)

    @property
    def can_start(self) -> bool:
        """Whether there is something to start."""
        return self.source is not None and not self.is_busy and not self.model.has_failed

    @property
    def status(self) -> Status:
        """The state in words."""
        match self.phase:
            case Phase.PAUSED:
                return Status(
                    kind=StatusKind.PAUSED, words="paused", sentence="Picture and commentary are on hold."
                )
            case Phase.RUNNING:
                return self._running_status()
            case Phase.FINISHED:
                return Status(
                    kind=StatusKind.FINISHED,
                    words="finished",
                    sentence="The video is over. Start plays it again.",
                )
            case _:
                return self._waiting_status()

    def _running_status(self) -> Status:
        behind_s = self.figures.behind_s or 0.0
        signal = self.news.signal if self.news is not None else Signal.GOOD
        if self.news is not None and signal is not Signal.GOOD:
            words = "no signal" if signal is Signal.LOST else "picture stands still"
            return Status(kind=StatusKind.NO_SIGNAL, words=words, sentence=self.news.words)
        if not self.has_signal:
            return Status(
                kind=StatusKind.NO_SIGNAL,
                words="no signal",
                sentence="The source sends no pictures just now. Ringside goes on when they come back.",
            )
        if behind_s >= LIVE_WITHIN_S:
            return Status(
                kind=StatusKind.BEHIND,
                words=f"behind {behind_s:.0f} s",
                sentence="The model is slower than the video. Seconds are skipped so that it catches up.",
            )
        return Status(kind=StatusKind.LIVE, words="live", sentence="Commentary keeps up with the picture.")

    def _waiting_status(self) -> Status:
        if self.model.has_failed:
            return Status(
                kind=StatusKind.PROBLEM, words="no model", sentence="The model could not be loaded."
            )
        if self.model.is_lent:
            return Status(
                kind=StatusKind.LOADING,
                words="model lent",
                sentence="A narrated video needs the graphics card. The model comes back when the video is there.",
            )
        if not self.model.is_ready:
            return Status(
                kind=StatusKind.LOADING,
                words=f"loading {self.model.fraction:.0%}",
                sentence=f"The model is loading: {self.model.doing or 'starting'}.",
                fraction=self.model.fraction,
            )
        if self.phase is Phase.STARTING and self.warm_up is not None:
            return Status(
                kind=StatusKind.LOADING,
                words=f"getting ready {self.warm_up.fraction:.0%}",
                sentence=f"The model gets ready for this picture: {self.warm_up.doing.lower()}.",
                fraction=self.warm_up.fraction,
            )
        if self.phase is Phase.STARTING:
            return Status(
                kind=StatusKind.LOADING, words="starting", sentence="What you watch is being opened."
            )
        if self.source is None:
            return Status(
                kind=StatusKind.EMPTY, words="nothing chosen", sentence="Choose what to watch, then start."
            )
        return Status(
            kind=StatusKind.READY, words="ready", sentence="Everything is there. Start when you like."
        )


def loading(model: ModelState, fraction: float, doing: str) -> ModelState:
    """The same model, further on."""
    return dataclasses.replace(model, fraction=fraction, doing=doing, is_ready=False, has_failed=False)
