"""Speech and narrated videos from the window: heard in a private sound server, decoded from the file that was made."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.models.machine import Gpu, Machine
from app.narrate.child import NarrationChild
from app.window.controller import Controller
from app.window.narrating import NarrationRequest
from app.window.speak_panel import SpeakPanel
from app.window.state.session import Phase
from tests.app.narrate.listening import subtitles_of
from tests.app.speech.sound_server import recording, sound_server
from tests.app.videos import write_video
from tests.app.window.conftest import Desk

LOUD, SILENT = 200.0, 2.0

needs_sound = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("pulseaudio", "parec", "pactl")),
    reason="PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils libasound2-plugins)",
)


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A sound server that this process finds."""
    with sound_server(tmp_path) as environment:
        monkeypatch.setenv("XDG_RUNTIME_DIR", environment["XDG_RUNTIME_DIR"])
        yield environment


def press(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(desk.window, key, modifier)


@needs_sound
def test_keys_repeat_and_silence_and_the_test_button_is_heard(
    sound: dict[str, str], make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    desk = make_desk()

    async def work() -> None:
        await desk.open()
        state = desk.state.speech
        state.last = "Okafor shoots from a long way out, and the keeper of the Bears can only watch it go in."
        with recording(sound, tmp_path) as heard:
            press(desk, Qt.Key.Key_R)
            await desk.until(lambda: state.is_speaking)
            await desk.until(lambda: heard.level(0.3) > LOUD)
            press(desk, Qt.Key.Key_Escape)
            await desk.until(lambda: not state.is_speaking)
            await desk.until(lambda: heard.level(0.3) < SILENT)
            panel = SpeakPanel(desk.controller)
            QTest.mouseClick(panel.test_button, Qt.MouseButton.LeftButton)
            await desk.until(lambda: heard.level(0.3) > LOUD)
            QTest.mouseClick(panel.silence_button, Qt.MouseButton.LeftButton)
            await desk.until(lambda: heard.level(0.3) < SILENT)
            panel.deleteLater()
        assert not state.is_on, "hearing one sentence does not switch speech on"
        await desk.close()

    desk.run(work())


@needs_sound
def test_describe_now_asks_the_model_and_speaks_the_answer(
    sound: dict[str, str], make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    desk = make_desk()

    async def work() -> None:
        await desk.open()
        with recording(sound, tmp_path) as heard:
            press(desk, Qt.Key.Key_D)
            await desk.until(lambda: heard.level(0.3) > LOUD)  # "Nothing is being watched."
            press(desk, Qt.Key.Key_Escape)
            await desk.until(lambda: heard.level(0.3) < SILENT)
            desk.controller.choosing.demo()
            press(desk, Qt.Key.Key_Space)
            await desk.until(lambda: desk.state.session.phase is Phase.RUNNING)
            press(desk, Qt.Key.Key_D)
            await desk.until(lambda: desk.state.speech.is_speaking)
            await desk.until(lambda: heard.level(0.3) > LOUD)
        await desk.close()

    desk.run(work())


@needs_sound
def test_a_video_sounds_while_it_is_watched_holds_with_it_and_goes_to_another_output(
    make_desk: Callable[[], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_video(tmp_path / "sounding.mp4", seconds=30, size=(64, 64), fps=15, sound_s=30)
    with sound_server(tmp_path, ["headphones"]) as environment:
        monkeypatch.setenv("XDG_RUNTIME_DIR", environment["XDG_RUNTIME_DIR"])
        desk = make_desk()

        async def work() -> None:
            await desk.open()
            controller, session = desk.controller, desk.state.session
            controller.choosing.file(str(video))
            with (
                recording(environment, tmp_path) as usual,
                recording(environment, tmp_path, "headphones") as headphones,
            ):
                controller.start()
                await desk.until(lambda: usual.level(0.4) > LOUD)
                assert session.phase is Phase.RUNNING
                press(desk, Qt.Key.Key_P)
                await desk.until(lambda: usual.level(0.3) < SILENT)
                press(desk, Qt.Key.Key_P)
                await desk.until(lambda: usual.level(0.4) > LOUD)
                controller.remember(speech_output="pulse:headphones")
                await desk.until(lambda: headphones.level(0.4) > LOUD and usual.level(0.4) < SILENT)
                controller.start_or_stop()
                await desk.until(lambda: headphones.level(0.3) < SILENT)
            await desk.close()

        desk.run(work())


def test_the_panel_offers_the_voices_of_this_machine_and_remembers_what_is_chosen(
    make_desk: Callable[[], Desk],
) -> None:
    desk = make_desk()

    async def work() -> None:
        await desk.open()
        desk.window.settings_page.open("speak")
        window = desk.window.settings_page.window
        assert window is not None
        await desk.until(lambda: bool(window.findChildren(SpeakPanel)))
        (panel,) = window.findChildren(SpeakPanel)
        await desk.until(lambda: panel.voice_box.count() > 1)
        chosen = panel.voice_box.itemData(2)
        panel.voice_box.setFocus()
        panel.voice_box.setCurrentIndex(2)
        panel.voice_box.activated.emit(2)
        assert desk.controller.settings.speech_voice == chosen
        panel.engine_box.setCurrentIndex(1)
        panel.engine_box.activated.emit(1)
        assert desk.controller.settings.speech_engine == "natural"
        assert desk.controller.settings.speech_voice == chosen
        if panel.note.text():
            assert "system's voice speaks" in panel.note.text()
        for widget in [panel, *panel.findChildren(QWidget)]:
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                assert widget.accessibleName()
        # The switch on the same page is the one under S.
        desk.controller.remember(is_speech_on=True)
        assert desk.state.speech.is_on
        desk.controller.remember(is_speech_on=False)
        assert not desk.state.speech.is_on
        await desk.close()

    desk.run(work())


async def comment_on_the_demo(desk: Desk, controller: Controller) -> None:
    controller.choosing.demo()
    controller.start()
    await desk.until(lambda: desk.state.session.phase is Phase.FINISHED)


def test_what_was_said_becomes_a_narrated_video_by_keyboard(
    short_match: None, make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    desk = make_desk()

    async def work() -> None:
        await desk.open()
        controller = desk.controller
        controller.remember(plays_source_sound=False, export_folder=str(tmp_path))
        await comment_on_the_demo(desk, controller)
        latest = desk.state.record.latest
        assert latest is not None
        press(desk, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        dialog = desk.window.speaking.dialog
        assert dialog is not None
        assert "What was said about" in dialog.words_box.currentText()
        output = Path(dialog.file_box.text())
        assert output == tmp_path / "match-narrated.mp4"
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        assert controller.narrating.state.is_running
        assert dialog.cancel_button.isEnabled()
        await desk.until(lambda: not controller.narrating.state.is_running)
        message = desk.state.messages.current
        assert message is not None
        assert message.text.startswith("match-narrated.mp4 is ready."), message.text
        assert [text for _, _, text in subtitles_of(output)] == [phrase.text for phrase in latest.phrases]
        # The next one gets another name, and giving it up leaves nothing.
        dialog.close()
        desk.window.speaking.open_dialog()
        dialog = desk.window.speaking.dialog
        assert dialog is not None
        assert dialog.file_box.text().endswith("match-narrated-2.mp4")
        dialog.words_box.setCurrentIndex(1)
        QTest.mouseClick(dialog.make_button, Qt.MouseButton.LeftButton)
        await desk.until(lambda: controller.narrating.state.fraction > 0)
        QTest.mouseClick(dialog.cancel_button, Qt.MouseButton.LeftButton)
        await desk.until(lambda: not controller.narrating.state.is_running)
        message = desk.state.messages.current
        assert message is not None
        assert "Nothing was written" in message.text
        assert [file.name for file in tmp_path.glob("*narrated*")] == ["match-narrated.mp4"]
        dialog.close()
        await desk.close()

    desk.run(work())


def test_a_narrated_demo_is_not_offered_to_lie_among_what_ships(
    make_desk: Callable[[], Desk], tmp_path: Path, small_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, own = tmp_path / "home", tmp_path / "own"
    for folder in (home, own):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    desk = make_desk()

    def offered() -> Path:
        desk.window.speaking.open_dialog()
        dialog = desk.window.speaking.dialog
        assert dialog is not None
        path = Path(dialog.file_box.text())
        dialog.close()
        return path

    async def work() -> None:
        await desk.open()
        desk.controller.choosing.demo()
        assert offered() == home / "match-narrated.mp4"
        (home / "Videos").mkdir()
        assert offered() == home / "Videos" / "match-narrated.mp4"
        video = own / "cup.mp4"
        video.symlink_to(small_video)
        desk.controller.choosing.file(str(video))
        assert offered() == own / "cup-narrated.mp4"
        desk.controller.remember(export_folder=str(tmp_path / "gone"))
        assert offered() == own / "cup-narrated.mp4"
        desk.controller.remember(export_folder=str(home))
        assert offered() == home / "cup-narrated.mp4"

    desk.run(work())


def test_closing_the_window_ends_a_video_that_is_being_made(
    make_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    desk = make_desk()

    async def work() -> None:
        await desk.open()
        desk.controller.choosing.demo()
        desk.controller.remember(export_folder=str(tmp_path))
        desk.window.speaking.open_dialog()
        dialog = desk.window.speaking.dialog
        assert dialog is not None
        QTest.mouseClick(dialog.make_button, Qt.MouseButton.LeftButton)
        await desk.until(lambda: desk.controller.narrating.state.fraction > 0)
        await desk.close()
        assert not list(tmp_path.glob("*narrated*"))
        assert not list(tmp_path.glob(".*narrated*"))

    desk.run(work())


class RecordedChild(NarrationChild):
    """The real process, and what it was started with."""

    started: ClassVar[list[Sequence[str]]] = []

    def __init__(self, arguments: Sequence[str], *rest: Any, **more: Any) -> None:
        self.started.append(arguments)
        super().__init__(arguments, *rest, **more)


def test_a_video_is_watched_as_the_window_would_and_its_model_makes_room(
    make_desk: Callable[[], Desk], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    monkeypatch.setattr("app.window.narrating.NarrationChild", RecordedChild)
    RecordedChild.started.clear()

    async def work() -> None:
        controller, session = desk.controller, desk.state.session
        controller.remember(model=str(tiny_model), preset="describer", export_folder=str(tmp_path))
        await desk.open()
        controller.choosing.demo()
        await desk.until(lambda: session.model.is_ready)
        # A card that has no room for two, as far as anybody asks from here.
        full = Gpu(name="RTX 3090", free_bytes=0, total_bytes=24 * 2**30)
        machine = Machine(free_bytes=60 * 2**30, total_bytes=64 * 2**30, gpus=(full,))
        monkeypatch.setattr("app.models.request.look", lambda: machine)

        def make() -> None:
            desk.window.speaking.open_dialog()
            dialog = desk.window.speaking.dialog
            assert dialog is not None
            dialog.words_box.setCurrentIndex(dialog.words_box.findData("watch"))
            QTest.mouseClick(dialog.make_button, Qt.MouseButton.LeftButton)

        # What runs is not taken away: that is a person's own choice.
        controller.start()
        await desk.until(lambda: session.phase is Phase.RUNNING)
        controller.pause_or_resume()
        make()
        await desk.until(lambda: not controller.narrating.state.is_running)
        message = desk.state.messages.current
        assert message is not None
        assert "Stop the commentary" in message.text
        assert not RecordedChild.started
        controller.start_or_stop()
        assert session.model.is_ready

        make()
        await desk.until(lambda: session.status.words == "model lent")
        await desk.until(lambda: bool(RecordedChild.started))
        assert controller._runner._worker._model is None
        arguments = RecordedChild.started[-1]
        assert f"--model={tiny_model}" in arguments
        assert {"--device=auto", "--precision=auto", "--temperature=0.4"} <= set(arguments)
        controller.start()  # waits for the model, and then begins
        assert session.phase is Phase.STARTING
        await desk.until(lambda: controller.narrating.state.fraction > 0)
        controller.narrating.cancel()
        await desk.until(lambda: session.model.is_ready)
        assert not controller.narrating.state.is_running
        await desk.until(lambda: session.phase in (Phase.RUNNING, Phase.FINISHED))
        controller.start_or_stop()
        await desk.close()

    desk.run(work())


def test_a_precision_that_was_chosen_is_that_of_the_narrated_video_too(
    make_desk: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    card = Gpu(name="RTX 3090", free_bytes=20 * 2**30, total_bytes=24 * 2**30)
    machine = Machine(free_bytes=60 * 2**30, total_bytes=64 * 2**30, gpus=(card, card))
    request = NarrationRequest(
        video="match.mp4", output="told.mp4", phrases=None, sampling={"max_new_tokens": 7}
    )

    def arguments() -> list[str]:
        narrating = desk.controller.narrating
        return narrating._arguments(request, narrating._request_model())

    desk.controller.remember(precision="int8", device="cuda:1")
    monkeypatch.setattr("app.models.request.look", lambda: machine)
    assert {"--precision=int8", "--device=cuda:1", "--max-tokens=7"} <= set(arguments())
    # Without a card the window loads the model as it is, and so does the video.
    monkeypatch.setattr("app.models.request.look", lambda: dataclasses.replace(machine, gpus=()))
    assert {"--precision=auto", "--device=auto"} <= set(arguments())
    desk.controller.narrating.close()
