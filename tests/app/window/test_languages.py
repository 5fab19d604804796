"""Commentary in other scripts, in the real window: over the picture, in the overlay, in the transcript, read aloud."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QTextCursor

from app.settings import UserSettings
from app.window.commentary import Commentary
from app.window.state.app import AppState
from app.window.state.captions import CaptionWord
from tests.app.window.conftest import Desk

SAID = {
    "Chinese": ["狮队夺回球权，", "奥卡福带球推进，", "射门——球进了！", "狮队 1:0 领先，", "全场沸腾。"],
    "Japanese": ["ライオンズがボールを", "奪い返した。", "「ゴール！」"],
    "Arabic": ["الأسود يستعيدون الكرة،", "Okafor يسدد", "والهدف!", "هل رأيتم", "هذا الهدف؟"],
    "Korean": ["사자 팀이", "공을 되찾았습니다.", "골입니다!"],
}
SENTENCES = {
    "Chinese": ["狮队夺回球权，奥卡福带球推进，射门——球进了！", "狮队 1:0 领先，全场沸腾。"],
    "Japanese": ["ライオンズがボールを奪い返した。", "「ゴール！」"],
    "Arabic": ["الأسود يستعيدون الكرة، Okafor يسدد والهدف!", "هل رأيتم هذا الهدف؟"],
    "Korean": ["사자 팀이 공을 되찾았습니다.", "골입니다!"],
}


@pytest.mark.parametrize("language", SAID)
def test_sentences_are_shown_kept_found_and_read_aloud_in_every_script(desk: Desk, language: str) -> None:
    async def play() -> None:
        await desk.open()
        desk.controller.remember(announces_captions=True, caption_num_lines=6, caption_size_px=20)
        announced: list[str] = []
        desk.window.announcer.announced.connect(announced.append)
        desk.window.transport.overlay_button.click()
        await desk.until(lambda: desk.window.overlay.window is not None)
        overlay = desk.window.overlay.window
        assert overlay is not None
        await desk.until(overlay.isVisible)
        announced.clear()
        commentary = desk.controller._commentary
        for second, phrase in enumerate(SAID[language]):
            for character in f" {phrase}":
                commentary.push_piece(float(second), character)
            commentary.end_phrase(float(second), phrase)
        assert desk.state.speech.last == SENTENCES[language][-1]
        assert [row.text for row in desk.state.transcript.rows] == SENTENCES[language]
        assert announced == SENTENCES[language]
        for band in (desk.window.stage.band, overlay.band):
            assert band.text.replace(" ", "") == "".join(SENTENCES[language]).replace(" ", "")
            is_right_to_left = language == "Arabic"
            assert {word.is_right_to_left for word in band.lines.lately} == {is_right_to_left}
        view = desk.window.transcript.view
        middle = view.viewport().width() / 2
        for row in range(len(SENTENCES[language])):
            first = view.cursorRect(QTextCursor(view.document().findBlockByNumber(row)))
            assert (first.x() > middle) is is_right_to_left
        # Also where one phrase ends and the next begins.
        across = SENTENCES[language][0][-16:-2]
        desk.window.transcript.find_box.setText(across)
        assert desk.window.transcript.found == "1 of 1"

    desk.run(play())


@pytest.mark.parametrize(("language", "from_right"), [("Arabic", True), ("Chinese", False), ("", False)])
def test_a_name_that_begins_a_session_stands_where_its_language_begins(
    language: str, from_right: bool
) -> None:
    state = AppState()
    settings = UserSettings(language=language, model="Qwen/Qwen2.5-VL-3B-Instruct")
    commentary = Commentary(state, lambda *_: None, lambda _: None, lambda: settings)
    said: list[CaptionWord] = []
    state.captions.word_added.subscribe(said.append)
    commentary.begin("")
    commentary.push_piece(0.0, "Okafor ")
    # What is really said decides in the end.
    commentary.push_piece(1.0, "shoots and it is in! ")
    assert [word.is_right_to_left for word in said] == [from_right, from_right, False, False, False, False]
    commentary.close()
