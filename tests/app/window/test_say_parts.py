"""The question bar, the form under What is this?, and the panel of personas, by keyboard."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.window.preset_panel import PresetPanel
from tests.app.window.conftest import Desk


async def open_panel(desk: Desk) -> PresetPanel:
    desk.state.page_wanted.emit("say")
    page = desk.window.settings_page.window
    assert page is not None
    await desk.until(lambda: page.findChild(PresetPanel) is not None)
    panel = page.findChild(PresetPanel)
    assert isinstance(panel, PresetPanel)
    return panel


def type_into(widget: QWidget, text: str) -> None:
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(widget, Qt.Key.Key_Delete)
    QTest.keyClicks(widget, text)


def test_a_question_is_typed_asked_and_the_keyboard_goes_back(desk: Desk) -> None:
    async def go() -> None:
        await desk.open()
        desk.controller.start()
        await desk.until(lambda: bool(desk.state.transcript.rows))
        desk.window.transport.start_button.setFocus()
        QTest.keyClick(desk.window.transport.start_button, Qt.Key.Key_A)
        bar = desk.window.say.question
        assert bar.isVisible()
        assert bar.box.hasFocus()
        QTest.keyClicks(bar.box, "Who has the ball, and where? ")
        assert desk.state.session.is_busy  # the spaces went into the line
        QTest.keyClick(bar.box, Qt.Key.Key_Return)
        assert bar.box.text() == ""
        assert "answer" in bar.words.text()
        await desk.until(lambda: any("You asked: Who has" in row.text for row in desk.state.transcript.rows))
        QTest.keyClick(bar.box, Qt.Key.Key_Escape)
        assert not bar.isVisible()
        assert desk.window.transport.start_button.hasFocus()

    desk.run(go())


def test_the_form_tells_names_and_shows_what_the_commentator_is_told(desk: Desk, tmp_path: object) -> None:
    async def go() -> None:
        await desk.open()
        button, form = desk.window.top_bar.details_button, desk.window.say.form
        QTest.keyClick(button, Qt.Key.Key_Space)
        assert form.isVisible()
        assert form.boxes["title"].hasFocus()
        type_into(form.boxes["title"], "Cup final")
        type_into(form.boxes["people"], "7 Okafor")
        assert desk.window.top_bar.title_box.text() == "Cup final"
        assert "told: Cup final 7 Okafor" in form.note.text()
        QTest.keyClick(form.boxes["people"], Qt.Key.Key_Escape)
        assert not form.isVisible()
        assert not button.isChecked()

    desk.run(go())


def test_a_persona_is_changed_saved_as_new_and_reset(desk: Desk) -> None:
    async def go() -> None:
        await desk.open()
        panel, saying = await open_panel(desk), desk.controller.saying
        type_into(panel.temperature, "lots")
        QTest.keyClick(panel.save_button, Qt.Key.Key_Space)
        assert "'lots'" in panel.problem.text()
        type_into(panel.temperature, "0,4")
        type_into(panel.query, "Call it like radio.")
        QTest.keyClick(panel.save_button, Qt.Key.Key_Space)
        assert not panel.problem.isVisibleTo(panel)
        assert (saying.preset.temperature, saying.preset.query) == (0.4, "Call it like radio.")
        assert panel.chooser.currentText() == "Sports caster (changed)"
        QTest.keyClick(panel.copy_button, Qt.Key.Key_Space)
        assert saying.preset.name == "My sports caster"
        assert panel.reset_button.text() == "Delete"
        assert desk.window.top_bar.preset_chooser.text() == "My sports caster"
        QTest.keyClick(panel.reset_button, Qt.Key.Key_Space)
        assert saying.preset.key == "sports"
        QTest.keyClick(panel.reset_button, Qt.Key.Key_Space)
        assert saying.preset.query == ""
        assert desk.controller.settings.presets == ()

    desk.run(go())
