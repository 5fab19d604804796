"""The nudge towards the title's names: which words they are, and which ids are raised at each moment of a phrase."""

import random

import pytest
import torch

from engine import LoadedModel, SamplingSettings, StreamingSession, StreamSettings
from engine.names import MAX_EDGES, NameNudge, names_in
from engine.runtime import RuntimeSettings
from tests.engine.conftest import make_chunk, scored

CPU = torch.device("cpu")
BIAS = 2.5


def nudge(*spellings: tuple[int, ...]) -> NameNudge:
    made = NameNudge(BIAS, CPU)
    made.take(spellings)
    return made


def raised(nudge: NameNudge, vocab_size: int = 32) -> set[int]:
    added_V = nudge.raised(torch.zeros(vocab_size))
    assert set(added_V.unique().tolist()) <= {0.0, BIAS}, (
        "an id is raised once, whatever number of names it serves"
    )
    return set(added_V.nonzero()[:, 0].tolist())


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
    assert raised(names, MAX_EDGES + 5) == set(range(MAX_EDGES))


def after(said: tuple[int, ...], token_id: int, spellings: set[tuple[int, ...]]) -> tuple[int, ...]:
    """What of a name has been said, if `said` was and now this id is."""
    for begun in ((*said, token_id), (token_id,)):
        if any(name[: len(begun)] == begun != name for name in spellings):
            return begun
        if begun in spellings:
            return ()
    return ()


def test_any_names_and_any_words_are_followed_as_by_hand() -> None:
    chance = random.Random(4)
    for _ in range(50):
        spellings = {
            tuple(chance.randrange(6) for _ in range(chance.randint(1, 4)))
            for _ in range(chance.randint(1, 6))
        }
        names = nudge(*spellings)
        said: tuple[int, ...] = ()
        for _ in range(40):
            going_on = {
                name[len(said)] for name in spellings if len(name) > len(said) and name[: len(said)] == said
            }
            assert raised(names) == going_on
            token_id = chance.randrange(7)
            names.note(torch.tensor([token_id]))
            said = after(said, token_id, spellings)


@pytest.mark.parametrize("decoder", ["eager", "static"])
def test_a_streams_names_are_those_of_its_title_and_change_with_it(tiny: LoadedModel, decoder: str) -> None:
    sampling = SamplingSettings(max_new_tokens=6, seed=3, name_bias=20.0, temperature=2.0)
    runtime = RuntimeSettings(decoder=decoder)  # type: ignore[arg-type]  # either of the two
    session = StreamingSession(tiny, StreamSettings(sampling=sampling, title="Nobody"), runtime)
    encode = tiny.prompt.encode
    for title, names in (("Lions of Okafor", ("Lions", "Okafor")), ("Bears", ("Bears",))):
        session.reset(title=title)
        scores, _ = scored(session, make_chunk(0))
        raw_V, penalised_V = scores[0]
        firsts = {encode(form)[0] for name in names for form in (name, f" {name}")}
        assert set((penalised_V - raw_V > 10).nonzero()[:, 0].tolist()) == firsts
        said = "".join(session.step(make_chunk(number)).result.text for number in range(1, 4))
        assert any(name[:2] in said for name in names)
