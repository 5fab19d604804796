"""The nudge towards the title's names: which words they are, and which ids are raised at each moment of a phrase."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from engine import LoadedModel, SamplingSettings, StreamingSession, StreamSettings
from engine.names import MAX_EDGES, NameNudge, name_ids, names_in
from engine.runtime import RuntimeSettings
from tests.engine.conftest import make_chunk, scored

DEMO_MODEL = Path(__file__).parents[2] / "assets" / "demo_model"
CPU = torch.device("cpu")
BIAS = 2.5


VOCAB_SIZE = 2048


def nudge(*spellings: tuple[int, ...], begin_names: range = range(VOCAB_SIZE)) -> NameNudge:
    made = NameNudge(BIAS, begin_names, VOCAB_SIZE, CPU)
    made.take(spellings)
    return made


def raised(nudge: NameNudge) -> set[int]:
    """Ids that are likelier, by the bias, than one that is in no name."""
    raised_V = nudge.raised(torch.zeros(VOCAB_SIZE))
    added_V = raised_V - raised_V[-1]
    assert all(min(added, abs(added - BIAS)) < 1e-4 for added in added_V.tolist()), "an id is raised once"
    return set((added_V > 1).nonzero()[:, 0].tolist())


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Lions in red: 1 Okafor, 2 N'Golo.", ("Lions", "Okafor", "N'Golo")),
        ("Saint-Étienne at home to Lions; Lions lead", ("Saint-Étienne", "Lions")),
        ("x against Team 7A, OG, I and O’Neill", ("Team", "OG", "O’Neill")),
        ("決勝 東京 対 大阪", ()),
        ("", ()),
    ],
)
def test_names_are_words_with_a_capital(title: str, names: tuple[str, ...]) -> None:
    assert names_in(title) == names


def test_the_beginning_is_raised_until_a_name_has_begun_and_then_what_goes_on_with_it() -> None:
    names = nudge((3, 4, 5), (3, 6), (7,))
    names.begin()
    assert raised(names) == {3, 7}
    names.note(torch.tensor([3]))
    assert raised(names) == {4, 6}
    names.note(torch.tensor([4]))
    assert raised(names) == {5}
    names.note(torch.tensor([5]))
    assert raised(names) == {3, 7}, "the name is whole: another may follow"
    names.note(torch.tensor([3]))
    names.note(torch.tensor([20]))
    assert raised(names) == {3, 7}, "it went on as something else"
    names.note(torch.tensor([3]))
    names.begin()
    assert raised(names) == {3, 7}, "a new phrase begins nowhere in a name"


def test_a_name_that_breaks_off_into_another_goes_on_there() -> None:
    names = nudge((3, 4, 5), (7, 8))
    names.note(torch.tensor([3]))
    names.note(torch.tensor([7]))
    assert raised(names) == {8}


def test_new_names_take_the_place_of_the_old_and_too_many_are_left_out() -> None:
    names = nudge((3, 4))
    names.take([(9,)])
    assert raised(names) == {9}
    names.take([])
    assert raised(names) == set()
    names.take([(number,) for number in range(MAX_EDGES + 5)])
    assert raised(names) == set(range(MAX_EDGES))


def test_what_names_gain_other_names_lose_and_no_other_word() -> None:
    names = nudge((3, 4), (5,), (20,), begin_names=range(10))
    logits_V = torch.randn(VOCAB_SIZE, generator=torch.Generator().manual_seed(1))
    p_V, after_V = (torch.softmax(values_V, 0) for values_V in (logits_V, names.raised(logits_V)))
    torch.testing.assert_close(after_V[:10].sum(), p_V[:10].sum())
    torch.testing.assert_close(after_V[10:], p_V[10:])
    gain = (after_V / p_V)[:10]
    torch.testing.assert_close(gain[[3, 5]] / gain[[4, 6]], torch.full((2,), BIAS).exp())
    names.note(torch.tensor([3]))
    expected_V = logits_V.clone()
    expected_V[4] += BIAS
    torch.testing.assert_close(names.raised(logits_V), expected_V)


def test_ids_that_begin_names_begin_nothing_else() -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(DEMO_MODEL)
    words = [tokenizer.decode([index]).strip() for index in name_ids(tokenizer, 3072)]
    assert {"Okafor", "Lions"} <= set(words)
    assert not {"Goal", "The", "Time", "assistant", "<|im_end|>", ""} & set(words)
    assert all(word[0].isupper() for word in words)


@pytest.mark.parametrize("decoder", ["eager", "static"])
def test_a_streams_names_are_those_of_its_title_and_change_with_it(
    tiny: LoadedModel, decoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = tiny.prompt.encode
    # A vocabulary as small as the test model's has no id for a whole name.
    begin_names = {encode(name)[0] for name in ("Lions", "Okafor", "Bears", "Xu", "Zed")}
    monkeypatch.setattr("engine.session.name_ids", lambda tokenizer, vocab_size: sorted(begin_names))
    sampling = SamplingSettings(max_new_tokens=6, seed=3, name_bias=20.0, temperature=2.0)
    runtime = RuntimeSettings(decoder=decoder)  # type: ignore[arg-type]  # either of the two
    session = StreamingSession(tiny, StreamSettings(sampling=sampling, title="Nobody"), runtime)
    for title, names in (("Lions of Okafor", ("Lions", "Okafor")), ("Bears", ("Bears",))):
        session.reset(title=title)
        scores, _ = scored(session, make_chunk(0))
        raw_V, penalised_V = scores[0]
        firsts = {encode(form)[0] for name in names for form in (name, f" {name}")} & begin_names
        change_V = (penalised_V - raw_V)[sorted(begin_names)]
        gained = {sorted(begin_names)[at] for at in (change_V > change_V.min() + 10).nonzero()[:, 0].tolist()}
        assert gained == firsts != set()
