"""The first start: what this machine can do, and four steps to commentary of one's own.

Knows the steps, which of them are done, and that all of it goes for good when a person has seen it. Knows no model and no
source: whoever owns those is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.models.catalogue import CATALOGUE
from app.models.fit import Fit, judge
from app.models.machine import Machine, look
from app.settings import DEMO
from app.theme.theme import Theme
from app.theme.tokens import SPACE_4, SPACE_8, SPACE_12, SPACE_16
from app.window.announcer import Announcer
from app.window.controller import Controller
from app.window.flow import FlowLayout
from app.window.icon_button import IconButton
from app.window.state.session import Phase

_ROOMY_PX = 620
"""Height of the window, at usual text size, from which on all steps are shown."""
_TIGHT_PX = 200
_TIGHT_PICTURES_PX = 210
"""From the sum on, there is room for a step and for the choice of what to watch: words grow with the text, pictures and
gaps do not."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to do at the first start."""

    words: str
    sentence: str
    icon: str
    act: Callable[[], object]


def verdict_on(machine: Machine) -> str:
    """The largest model that keeps up on the machine."""
    fitting = [model for model in CATALOGUE if judge(model, machine).fit is Fit.FITS]
    best = max(fitting, key=lambda model: judge(model, machine).needed_bytes, default=None)
    if best is None:
        return "Commentary will be slow here."
    if best.repo == DEMO:
        return "The demo model runs well here; larger ones need a graphics card."
    return f"{best.name} fits."


def machine_in_words(machine: Machine) -> str:
    """What the machine has, and the largest model that keeps up on it."""
    words = machine.words if machine.gpus else f"{machine.words[:1].lower()}{machine.words[1:]}"
    return f"This computer: {words}. {verdict_on(machine)}"


class FirstStart(QFrame):
    """A strip under the top bar, until its steps are done or it is closed."""

    room_wanted = Signal()
    """What it shows is new: `make_room` should be called."""

    def __init__(
        self,
        controller: Controller,
        theme: Theme,
        announcer: Announcer,
        *,
        choose_source: Callable[[], object],
        choose_model: Callable[[], object],
        choose_preset: Callable[[], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("first-start")
        self.setProperty("role", "bar")
        self.setProperty("edge", "bottom")
        self.setAccessibleName("First steps")
        self._controller = controller
        self._theme = theme
        self._announcer = announcer
        self._done: set[int] = set()
        self._source = controller.settings.source
        self._preset = controller.settings.preset
        self.words = QLabel("Welcome. Ringside looks at this computer…", self)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What this computer can do")
        steps = (
            Step(
                words="1. Watch the demo",
                sentence="Plays a football match that ships with Ringside, with commentary.",
                icon="play",
                act=self._watch_demo,
            ),
            Step(
                words="2. Choose what to watch",
                sentence="Your own video, screen or camera.",
                icon="watch",
                act=choose_source,
            ),
            Step(
                words="3. A model",
                sentence="The demo model was trained only on the demo match; for other pictures choose a larger one.",
                icon="model",
                act=choose_model,
            ),
            Step(
                words="4. A persona",
                sentence="How it should comment: as a sports caster, a narrator, an audio describer.",
                icon="say",
                act=choose_preset,
            ),
        )
        self._steps = steps
        self.buttons = [self._button(theme, step) for step in steps]
        self.close_button = IconButton(theme, "close", "Close the first steps", "Close these steps for good.")
        self.fold_button = IconButton(
            theme,
            "chevron-down",
            "All steps",
            "Shows every step and what this computer can do, or only the next step.",
            role="plain",
            text="All steps",
            parent=self,
        )
        self.fold_button.clicked.connect(self._fold)
        self.verdict = QLabel(self)
        self.verdict.setProperty("role", "quiet")
        self.verdict.setAccessibleName("What this computer can do, in short")
        self._is_folded = False
        self._is_unfolded = False
        flow_holder = QWidget(self)
        flow_holder.setAccessibleName("Steps")
        flow = FlowLayout(flow_holder)
        for button in self.buttons:
            flow.addWidget(button)
        flow.addWidget(self.fold_button)
        flow.addWidget(self.verdict)
        left = QVBoxLayout()
        left.setSpacing(SPACE_4)
        left.addWidget(self.words)
        left.addWidget(flow_holder)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_16, SPACE_8, SPACE_8, SPACE_8)
        row.setSpacing(SPACE_12)
        row.addLayout(left, 1)
        row.addWidget(self.close_button)
        self._flow_holder = flow_holder
        self.close_button.clicked.connect(self._finish)
        controller.state.session.changed.subscribe(self._look_at_session)
        controller.settings_changed.subscribe(self._follow)
        self.setVisible(not controller.settings.has_finished_first_start)

    def open(self) -> None:
        """The window is on the screen: find out what the machine can do."""
        if not self._controller.settings.has_finished_first_start:
            self._controller.aside(look, self._show_machine)

    def make_room(self, height: int, *, is_choosing: bool) -> None:
        """In a window of this height: where there is little room, only the next step is shown until all are asked for, with
        what the computer can do in short, and none in the smallest windows while the stage asks what to watch."""
        is_cramped = height < self._theme.px(_ROOMY_PX)
        is_folded = self._is_folded = is_cramped and not self._is_unfolded
        is_in_the_way = is_choosing and height < self._theme.px(_TIGHT_PX) + _TIGHT_PICTURES_PX
        self.setVisible(not self._controller.settings.has_finished_first_start and not is_in_the_way)
        self.words.setVisible(not is_folded)
        following = next((step for step in range(len(self.buttons)) if step not in self._done), None)
        for step, button in enumerate(self.buttons):
            button.setVisible(not is_folded or step == following)
            # What is not shown is said by the step.
            sentence = self._steps[step].sentence
            button.explain(f"{sentence} {self.words.text()}" if is_folded else sentence)
        self.fold_button.setVisible(is_cramped)
        words = "Fewer steps" if self._is_unfolded else "All steps"
        self.fold_button.setText(words)
        self.fold_button.setAccessibleName(words)
        self.fold_button.set_icon("chevron-up" if self._is_unfolded else "chevron-down")
        self.fold_button.updateGeometry()
        self._flow()

    def _fold(self) -> None:
        self._is_unfolded = not self._is_unfolded
        self.room_wanted.emit()
        shown = [button.text() for button in self.buttons if button.isVisibleTo(self)]
        said = [self.words.text(), *shown] if self._is_unfolded else shown
        self._announcer.announce(" ".join(f"{words.rstrip('.')}." for words in said))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Steps that do not fit in a line go on in the next."""
        super().resizeEvent(event)
        self._flow()

    def _flow(self) -> None:
        steps, row = self._flow_holder.layout(), self.layout()
        assert steps is not None
        assert row is not None
        # From our own width: those inside have theirs of before, until the layout gets to them.
        margins, beside = row.contentsMargins(), self.close_button.sizeHint().width() + row.spacing()
        width = self.width() - margins.left() - margins.right() - beside
        # In short, it is told where that takes no line more.
        self.verdict.setFixedHeight(self.fold_button.sizeHint().height())
        beside_it = [button for button in (*self.buttons, self.fold_button) if not button.isHidden()]
        needed = sum(widget.sizeHint().width() + SPACE_8 for widget in beside_it)
        has_room = needed + self.verdict.sizeHint().width() <= width
        self.verdict.setVisible(self._is_folded and has_room and bool(self.verdict.text()))
        self._flow_holder.setFixedHeight(steps.heightForWidth(width))
        # A label that breaks its lines asks for all of them, but would do with fewer, or take all that is left. It never
        # asks for less than the height it was given before.
        self.words.setMinimumHeight(0)
        self.words.setFixedHeight(self.words.heightForWidth(width))

    def _button(self, theme: Theme, step: Step) -> IconButton:
        button = IconButton(
            theme, step.icon, step.words, step.sentence, role="plain", text=step.words, parent=self
        )
        button.clicked.connect(step.act)
        return button

    def _show_machine(self, machine: Machine) -> None:
        self.words.setText(machine_in_words(machine))
        self.words.setAccessibleDescription(self.words.text())
        self.verdict.setText(f"{verdict_on(machine).partition(';')[0].rstrip('.')}.")
        self.verdict.setToolTip(self.words.text())
        self.verdict.setAccessibleDescription(self.words.text())
        self.room_wanted.emit()
        self._announcer.announce(f"Welcome to Ringside. {self.words.text()}")

    def _watch_demo(self) -> None:
        source = self._controller.state.session.source
        if source is None or source.kind != DEMO:
            self._controller.choosing.demo()
        self._controller.start()

    def _look_at_session(self) -> None:
        session = self._controller.state.session
        if session.phase is Phase.RUNNING and session.source is not None and session.source.kind == DEMO:
            self._do(0)

    def _follow(self, changed: frozenset[str]) -> None:
        settings = self._controller.settings
        if "source" in changed and settings.source not in ("", DEMO):
            self._do(1)
        if "model" in changed:
            self._do(2)
        if "preset" in changed:
            self._do(3)
        if "has_finished_first_start" in changed:
            self.room_wanted.emit()

    def _do(self, step: int) -> None:
        if step in self._done or self._controller.settings.has_finished_first_start:
            return
        self._done.add(step)
        button, words = self.buttons[step], f"{self._steps[step].words}: done"
        button.setText(words)
        button.setAccessibleName(words)
        button.set_icon("tick")
        button.updateGeometry()
        self.room_wanted.emit()
        if len(self._done) == len(self._steps):
            self._finish()

    def _finish(self) -> None:
        self._controller.remember(has_finished_first_start=True)
