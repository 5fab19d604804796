"""Text grows by whole characters and without its closing."""

import pytest

from engine import LoadedModel
from engine.detokenizer import PhraseDecoder


def pieces(model: LoadedModel, ids: list[int]) -> list[str]:
    decoder = PhraseDecoder(model.prompt.decode, model.prompt.special.ellipsis, model.stop_ids)
    return [*(decoder.push(token_id) for token_id in ids), decoder.finish()]


@pytest.mark.parametrize("text", ["Tor für Zürich!", "守门员扑救", "⚽ goal 🥅 ...", "naïve", "a\u0301"])
def test_pieces_join_to_the_text_and_never_hold_half_a_character(tiny: LoadedModel, text: str) -> None:
    found = pieces(tiny, [*tiny.prompt.encode(text), tiny.prompt.special.im_end])
    assert "".join(found) == text.removesuffix(" ...")
    assert all("\ufffd" not in piece for piece in found)


def test_a_plain_token_is_told_at_once(tiny: LoadedModel) -> None:
    ids = tiny.prompt.encode(" goal goal")
    assert pieces(tiny, ids) == [" goal", " goal", ""]


def test_the_closing_is_not_told(tiny: LoadedModel) -> None:
    assert "".join(pieces(tiny, tiny.prompt.assistant_content(" goal"))) == " goal"
    assert "".join(pieces(tiny, tiny.prompt.assistant_content(""))) == ""


def test_an_ellipsis_in_the_middle_is_told_when_it_turns_out_to_be_one(tiny: LoadedModel) -> None:
    ellipsis = tiny.prompt.special.ellipsis
    goal = tiny.prompt.encode(" goal")
    assert pieces(tiny, [*goal, ellipsis, *goal, ellipsis]) == [" goal", "", " ... goal", "", ""]
    assert "".join(pieces(tiny, [ellipsis, ellipsis, tiny.prompt.special.im_end])) == " ..."


def test_a_character_that_the_limit_cut_is_dropped(tiny: LoadedModel) -> None:
    ids = tiny.prompt.encode("é⚽")
    assert "".join(pieces(tiny, ids[:-1])) == "é"
