"""What is said: personas, what is watched, languages and questions, from the window to the model and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.window.state.session import Phase
from engine.settings import StreamSettings
from tests.app.window.conftest import Desk


def test_a_question_is_answered_in_the_stream_and_marked_in_the_transcript(desk: Desk) -> None:
    async def ask() -> None:
        await desk.open()
        desk.controller.start()
        await desk.until(lambda: bool(desk.state.transcript.rows))
        assert desk.controller.saying.ask("  Who has\n the ball? ")
        assert desk.state.question.is_waiting
        assert "next pictures" in desk.state.question.words
        rows = desk.state.transcript.rows
        await desk.until(lambda: any(row.text.startswith("You asked") for row in rows))
        place = next(index for index, row in enumerate(rows) if row.text.startswith("You asked"))
        assert rows[place].text == "You asked: Who has the ball?"
        assert not desk.state.question.is_waiting
        await desk.until(lambda: len(rows) > place + 2 or desk.state.session.phase is Phase.FINISHED)
        answers = [row for row in rows if row.text.startswith(("Answer: ", "No answer"))]
        assert len(answers) == 1
        assert answers[0] is rows[place + 1]
        assert answers[0].start_s == rows[place].start_s
        assert not desk.state.question.words or "Answered" in desk.state.question.words

    desk.run(ask())


def test_a_question_while_nothing_runs_says_what_to_do(desk: Desk) -> None:
    async def ask() -> None:
        await desk.open()
        assert not desk.controller.saying.ask("Who?")
        message = desk.state.messages.current
        assert message is not None
        assert "Start first" in message.text
        assert not desk.controller.saying.ask("   ")

    desk.run(ask())


def test_persona_language_and_names_reach_the_next_run_and_the_next_start(
    make_desk: Callable[[], Desk], tiny_model: Path, small_video: Path, tmp_path: Path
) -> None:
    other_video = tmp_path / "other.mp4"
    other_video.symlink_to(small_video)
    first = make_desk()

    async def choose() -> None:
        await first.open()
        controller = first.controller
        controller.choose_model(str(tiny_model))
        controller.choosing.file(str(small_video))
        controller.set_title("Cup final")
        controller.saying.set_details(teams="Lions, Bears", people="7 Okafor")
        controller.saying.choose_preset("esports")
        controller.remember(language="German")
        made = controller.saying.compose(StreamSettings())
        assert made.title == "Cup final. Teams: Lions, Bears. Players: 7 Okafor."
        assert made.query.endswith("Speak German.")
        controller.start()
        await first.until(lambda: first.state.session.phase is Phase.RUNNING)
        await first.close()

    first.run(choose())
    second = make_desk()

    async def look() -> None:
        await second.open()
        saying = second.controller.saying
        assert saying.preset.key == "esports"
        assert saying.brief.teams == "Lions, Bears"
        # Another video is about something else.
        second.controller.choosing.file(str(other_video))
        assert saying.brief.line == ""
        # The demo has its own line-up, and keeps nothing of ours.
        second.controller.choosing.demo()
        assert saying.brief.line.startswith("Lions in red")

    second.run(look())


def test_the_demo_model_says_once_what_it_cannot_do(desk: Desk) -> None:
    said: list[str] = []
    messages = desk.state.messages
    messages.changed.subscribe(lambda: messages.current and said.append(messages.current.text))
    desk.controller.saying.choose_preset("nature")
    assert len(said) == 1
    assert "football in English only" in said[0]
    desk.controller.saying.choose_preset("sports")
    assert messages.current is None
    desk.controller.remember(language="French")
    assert "English only" in said[-1]


def test_the_demo_model_says_what_it_makes_of_other_pictures_and_leads_to_the_models(
    make_desk: Callable[[], Desk], tiny_model: Path
) -> None:
    first = make_desk()

    def told(desk: Desk) -> bool:
        return "trained only on the demo match" in desk.window.message_bar.words.text() and (
            desk.window.message_bar.isVisible()
        )

    async def choose() -> None:
        await first.open()
        assert not told(first)
        first.window.picker.screen_card.click()
        assert told(first)
        assert "trained only" in first.window.top_bar.preset_chooser.toolTip()
        await first.close()

    first.run(choose())
    second = make_desk()

    async def go_on() -> None:
        # It watches the screen again: told again, until another model or the demo match is chosen.
        await second.open()
        assert told(second)
        second.controller.choosing.demo()
        assert not told(second)
        second.window.picker.screen_card.click()
        assert told(second)
        second.window.message_bar.action_button.click()
        page = second.window.settings_page.window
        assert page is not None
        assert page.page == "models"
        second.controller.choose_model(str(tiny_model))
        second.window.picker.screen_card.click()
        assert not told(second)

    second.run(go_on())


def test_a_hub_model_that_is_not_here_is_not_downloaded_behind_ones_back(desk: Desk, tmp_path: Path) -> None:
    async def choose() -> None:
        await desk.open()
        wanted: list[str] = []
        desk.state.page_wanted.subscribe(wanted.append)
        desk.controller.remember(models_folder=str(tmp_path / "models"))
        desk.controller.choose_model("mit-han-lab/StreamingVLM")
        await desk.until(lambda: desk.state.session.model.has_failed)
        message = desk.state.messages.current
        assert message is not None
        assert "not on this computer" in message.text
        assert message.act is not None
        message.act()
        assert wanted == ["models"]

    desk.run(choose())
