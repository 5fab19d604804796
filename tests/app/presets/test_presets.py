"""Presets, what is watched, and languages, as they reach the model."""

from __future__ import annotations

import pytest

from app.models.catalogue import CATALOGUE, find_model
from app.presets import BUILT_IN, Brief, Preset, PresetBook, PresetError, honest_note, stream_settings
from engine.settings import SamplingSettings, StreamSettings

DEMO = find_model("demo")
QWEN = find_model("Qwen/Qwen2.5-VL-3B-Instruct")
STREAMING = find_model("mit-han-lab/StreamingVLM")
BY_KEY = {preset.key: preset for preset in BUILT_IN}
BRIEF = Brief(
    title="Cup final, Lions v Bears.", teams="Lions in red, Bears in blue", people="7 Okafor, 9 Lind"
)


@pytest.mark.parametrize("preset", BUILT_IN, ids=lambda preset: preset.key)
def test_every_persona_makes_a_title_of_whatever_is_known(preset: Preset) -> None:
    full = preset.title(BRIEF.values)
    assert "Cup final" in full and "Okafor" in full and "Lions in red" in full  # noqa: PT018 - one fact: nothing is lost
    for text in (full, preset.title(Brief().values), preset.title(Brief(people="Ada").values)):
        assert not set("[]{}") & set(text)
        assert ".." not in text
        assert ": ." not in text
        assert "  " not in text


def test_a_title_says_only_what_was_told() -> None:
    assert BY_KEY["sports"].title(Brief().values) == ""
    assert BY_KEY["sports"].title(Brief(teams="Reds").values) == "Teams: Reds."
    assert BY_KEY["tutorial"].title(Brief(title="how to add a chart").values) == (
        "A screen recording that shows how to add a chart."
    )


def test_braces_in_what_a_person_writes_stay_text() -> None:
    assert BY_KEY["sports"].title(Brief(title="The {title} [final]").values) == "The {title} [final]."


def test_the_sports_caster_leaves_a_model_as_it_was_trained() -> None:
    usual = StreamSettings(query="Call it", sampling=SamplingSettings(temperature=0.3, top_p=0.9))
    made = stream_settings(usual, model=QWEN, preset=BY_KEY["sports"], brief=BRIEF)
    assert (made.query, made.sampling, made.window) == (usual.query, usual.sampling, usual.window)
    assert (
        made.title
        == "Cup final, Lions v Bears. Teams: Lions in red, Bears in blue. People: 7 Okafor, 9 Lind."
    )


def test_a_persona_and_a_language_reach_a_model_that_follows_requests() -> None:
    made = stream_settings(
        StreamSettings(), model=QWEN, preset=BY_KEY["describer"], brief=BRIEF, language="German"
    )
    assert made.query.startswith("Describe what happens")
    assert made.query.endswith("Speak German.")
    assert made.sampling.temperature == 0.4
    assert made.title.startswith("Audio description of Cup final")


def test_the_demo_model_gets_what_it_was_trained_with_whatever_is_wished() -> None:
    usual = StreamSettings(query="Commentate on this match", sampling=SamplingSettings(temperature=0.3))
    brief = Brief(title="Lions in red: 7 Okafor, 9 Lind.")
    made = stream_settings(usual, model=DEMO, preset=BY_KEY["nature"], brief=brief, language="German")
    assert made == StreamSettings(query=usual.query, sampling=usual.sampling, title=brief.title)
    assert "football in English only" in honest_note(DEMO, BY_KEY["nature"], "")
    assert "football in English only" in honest_note(DEMO, BY_KEY["sports"], "German")
    assert honest_note(DEMO, BY_KEY["sports"], "") == ""
    assert "only on the demo match" in honest_note(DEMO, BY_KEY["sports"], "", watches_demo_match=False)
    assert honest_note(QWEN, BY_KEY["sports"], "", watches_demo_match=False) == ""


def test_it_is_said_when_a_model_was_not_taught_a_language() -> None:
    assert "taught in English" in honest_note(STREAMING, BY_KEY["sports"], "German")
    assert honest_note(QWEN, BY_KEY["sports"], "German") == ""
    assert all(model.languages[0] == "English" for model in CATALOGUE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": " "}, "name"),
        ({"form": "{score}"}, "{score}"),
        ({"form": "{title"}, "form"),
        ({"form": "{}"}, "form"),
        ({"query": "x" * 601}, "601"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": "warm"}, ""),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"top_p": 2.0}, "top_p"),
    ],
)
def test_what_cannot_work_is_said_in_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(PresetError) as failure:
        Preset(**{"key": "own-1", "name": "Mine", **values})  # type: ignore[arg-type] # wrong on purpose
    assert words in failure.value.message


class Shelf:
    """Keeps lines as the settings do."""

    def __init__(self) -> None:
        self.lines: tuple[str, ...] = ()

    def keep(self, lines: tuple[str, ...]) -> None:
        self.lines = lines

    def book(self) -> PresetBook:
        return PresetBook(lambda: self.lines, self.keep)


def test_a_changed_preset_is_kept_and_can_be_reset() -> None:
    shelf = Shelf()
    changed = Preset(key="sports", name="Radio", query="Call it like radio.", temperature=0.5)
    shelf.book().save(changed)
    book = shelf.book()
    assert book.find("sports") == changed
    assert [preset.key for preset in book.presets] == [preset.key for preset in BUILT_IN]
    assert book.is_changed("sports")
    book.reset("sports")
    assert shelf.book().find("sports") == BY_KEY["sports"]
    assert shelf.lines == ()


def test_own_presets_stand_after_the_others_and_can_be_deleted() -> None:
    shelf = Shelf()
    one = shelf.book().copy(BY_KEY["nature"], "My zoo")
    two = shelf.book().copy(BY_KEY["nature"], "My other zoo")
    assert [preset.name for preset in shelf.book().presets[-2:]] == ["My zoo", "My other zoo"]
    assert one.query == BY_KEY["nature"].query
    shelf.book().reset(one.key)
    assert shelf.book().find(one.key).key == "sports"
    assert shelf.book().copy(BY_KEY["sports"], "Third").key == one.key
    assert shelf.book().find(two.key) == two


def test_damaged_lines_cost_only_themselves() -> None:
    shelf = Shelf()
    own = shelf.book().copy(BY_KEY["sports"], "Mine")
    shelf.lines = (
        "{",
        '{"key": "own-9"}',
        '{"key": "sports", "name": "x", "temperature": -1}',
        "[]",
        *shelf.lines,
    )
    assert [preset.key for preset in shelf.book().presets] == [*BY_KEY, own.key]
