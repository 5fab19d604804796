"""What stays in the context: examples worked by hand, and random streams against the slow protocol."""

from __future__ import annotations

import random

import pytest

from engine import EngineError, LoadedModel, PromptBuilder
from engine.ledger import Ledger
from engine.prompt import PrefixParts, UserTurnParts
from engine.rope import TextSpan, VisionSpan
from tests.engine.slow_protocol import SlowContext

# Hand-made ids: 1 opens a turn, 2 closes one, 3 is a line break, 9 a header word; 50 and 51 enclose vision pads 5.
PREFIX = PrefixParts(head=(1, 9, 3), previous=(100, 101, 102), tail=(2, 3))
BLOCK = VisionSpan(1, 1, 2, 2.0)
HEADER = (1, 8, 3)
ELLIPSIS, END = 7, 2


def user_turn(step: int) -> UserTurnParts:
    return UserTurnParts(head=(1, 10, 3), time=(60, 200 + step), vision=(50, 5, 5, 51), tail=(2, 3))


def speak(ledger: Ledger, step: int, phrase: list[int], num_pending: int = 1) -> None:
    """One round in which everything but the last ``num_pending`` ids gets cached."""
    ledger.begin_round(user_turn(step), BLOCK, HEADER, (3,))
    for token_id in [*phrase, END]:
        ledger.say(token_id)
    ledger.num_cached = ledger.num_tokens - num_pending


def run(
    num_steps: int, vision: int, text: int, *, sink: int = 100, window: int = 100
) -> tuple[Ledger, list[list[int]]]:
    """A stream in which step n says 300 + n and " ..."; the context after each eviction."""
    ledger = Ledger(PREFIX, vision_rounds=vision, text_rounds=text, text_sink=sink, text_window=window)
    contexts = []
    for step in range(num_steps):
        ledger.evict()
        contexts.append(ledger.token_ids)
        speak(ledger, step, [300 + step, ELLIPSIS])
    return ledger, contexts


def turn(step: int, *, time: bool = True, vision: bool = True) -> list[int]:
    return [1, 10, 3, *([60, 200 + step] if time else []), *([50, 5, 5, 51] if vision else []), 2, 3]


def answer(step: int, *, last: bool = False) -> list[int]:
    return [*HEADER, 300 + step, ELLIPSIS, END, *([] if last else [3])]


def previous(*ids: int) -> list[int]:
    return [1, 9, 3, 100, 101, 102, *ids, 2, 3]


def test_nothing_leaves_before_the_windows_are_full() -> None:
    _, contexts = run(3, vision=3, text=3)
    assert contexts[0] == previous()
    assert contexts[2] == [*previous(), *turn(0), *answer(0), *turn(1), *answer(1, last=True)]


def test_equal_windows_drop_whole_rounds_and_keep_the_words() -> None:
    _, contexts = run(4, vision=2, text=2)
    assert contexts[2] == [*previous(300), *turn(1), *answer(1, last=True)]
    assert contexts[3] == [*previous(300, 301), *turn(2), *answer(2, last=True)]


def test_a_shorter_vision_window_drops_pictures_and_keeps_turns() -> None:
    _, contexts = run(5, vision=1, text=3)
    assert contexts[1] == [*previous(), *turn(0, vision=False), *answer(0, last=True)]
    assert contexts[3] == [
        *previous(300),
        *turn(1, vision=False),
        *answer(1),
        *turn(2, vision=False),
        *answer(2, last=True),
    ]


def test_a_longer_vision_window_keeps_pictures_without_their_times() -> None:
    _, contexts = run(5, vision=3, text=1)
    assert contexts[1] == [*previous(300), *turn(0, time=False)]
    assert contexts[2] == [*previous(300, 301), *turn(0, time=False), *turn(1, time=False)]
    assert contexts[3] == [*previous(300, 301, 302), *turn(1, time=False), *turn(2, time=False)]


def test_with_one_round_nothing_is_left_pending() -> None:
    ledger, _ = run(1, vision=1, text=1)
    ledger.evict()
    assert ledger.token_ids == previous(300)
    assert ledger.num_cached == ledger.num_tokens


def test_previous_text_keeps_its_sink_and_one_less_than_its_window() -> None:
    _, contexts = run(8, vision=1, text=1, sink=2, window=3)
    assert contexts[0] == previous()
    assert contexts[1] == previous(300)  # four tokens are sink + window - 1: nothing to cut
    assert contexts[2] == [1, 9, 3, 100, 101, 300, 301, 2, 3]
    assert contexts[7] == [1, 9, 3, 100, 101, 305, 306, 2, 3]


@pytest.mark.parametrize(("sink", "window", "kept"), [(0, 1, []), (0, 2, [306]), (3, 0, [100, 101, 102])])
def test_sink_or_window_may_be_nothing(sink: int, window: int, kept: list[int]) -> None:
    _, contexts = run(8, vision=1, text=1, sink=sink, window=window)
    assert contexts[7] == [1, 9, 3, *kept, 2, 3]


def test_a_long_title_is_cut_from_the_second_step_on() -> None:
    _, contexts = run(2, vision=2, text=2, sink=1, window=2)
    assert contexts[0] == previous()
    assert contexts[1][:8] == [1, 9, 3, 100, 102, 2, 3, 1]


def test_a_silent_or_empty_phrase_leaves_nothing_behind() -> None:
    ledger = Ledger(PREFIX, vision_rounds=1, text_rounds=1, text_sink=9, text_window=9)
    for step, phrase in enumerate([[ELLIPSIS], []]):
        ledger.evict()
        assert ledger.token_ids == previous()
        speak(ledger, step, phrase)


def test_kept_places_follow_the_words_that_moved() -> None:
    ledger, _ = run(2, vision=2, text=2)
    before = ledger.token_ids
    kept = ledger.evict().tolist()
    assert [before[place] for place in kept] == ledger.token_ids[: ledger.num_cached]
    assert kept[:7] == [0, 1, 2, 3, 4, 5, before.index(300)]
    assert kept[7:9] == [6, 7]


def test_a_phrase_cut_by_the_limit_has_two_tokens_pending() -> None:
    ledger = Ledger(PREFIX, vision_rounds=2, text_rounds=2, text_sink=9, text_window=9)
    speak(ledger, 0, [300, 301], num_pending=2)
    kept = ledger.evict().tolist()
    assert len(kept) == ledger.num_cached == ledger.num_tokens - 2


def test_spans_describe_the_context() -> None:
    ledger, _ = run(2, vision=2, text=2)
    spans = ledger.spans()
    assert sum(span.length for span in spans) == ledger.num_tokens
    assert [span for span in spans if isinstance(span, VisionSpan)] == [BLOCK, BLOCK]
    assert all(isinstance(span, TextSpan | VisionSpan) for span in spans)


def test_a_round_that_is_taken_back_leaves_no_trace() -> None:
    ledger, _ = run(2, vision=2, text=2)
    ledger.evict()
    before = (ledger.token_ids, ledger.num_cached, ledger.num_begun)
    ledger.begin_round(user_turn(2), BLOCK, HEADER, (3,))
    ledger.cancel_round()
    assert (ledger.token_ids, ledger.num_cached, ledger.num_begun) == before
    assert ledger.evict().tolist() == list(range(ledger.num_cached))


def test_pads_that_do_not_fill_their_block_are_refused() -> None:
    ledger, _ = run(1, vision=2, text=2)
    with pytest.raises(EngineError, match="2 video tokens"):
        ledger.begin_round(user_turn(1), VisionSpan(1, 1, 3, 2.0), HEADER, (3,))


@pytest.mark.parametrize("seed", range(150))
def test_random_streams_agree_with_the_slow_protocol(tiny: LoadedModel, seed: int) -> None:
    pick = random.Random(seed)
    vision_rounds, text_rounds = pick.randint(1, 6), pick.randint(1, 6)
    sink, window, most = pick.randint(0, 12), pick.randint(1, 12), pick.randint(1, 9)
    title = "The title of a match." * pick.randint(0, 2)
    prompt: PromptBuilder = tiny.prompt
    slow = SlowContext(
        prompt, title, vision_rounds=vision_rounds, text_rounds=text_rounds, sink=sink, window=window
    )
    ledger = Ledger(
        prompt.prefix_parts(title),
        vision_rounds=vision_rounds,
        text_rounds=text_rounds,
        text_sink=sink,
        text_window=window,
    )
    cached: list[int] = []  # serial numbers of the slow tokens that lie in the cache, in its order
    for step in range(25):
        kept = ledger.evict().tolist()
        slow.evict(step)
        assert ledger.token_ids == slow.ids
        known = set(cached)
        assert [cached[place] for place in kept] == [t.serial for t in slow.tokens if t.serial in known]
        block = VisionSpan(pick.randint(1, 2), 1, pick.randint(1, 4), 2.0)
        text = prompt.encode("Why?") if pick.random() < 0.2 else []
        parts = prompt.user_turn_parts(step, step + 1, block.length, prompt.decode(text))
        ledger.begin_round(parts, block, prompt.assistant_header(), prompt.turn_separator)
        slow.begin_step(step, parts.ids)
        phrase = [pick.randint(20, 90) for _ in range(pick.randint(0, most))]
        phrase += [prompt.special.ellipsis] if pick.random() < 0.7 else []
        phrase = phrase[:most]
        if len(phrase) < most:
            phrase.append(pick.choice([prompt.special.im_end, prompt.special.end_of_text]))
        num_pending = 1
        if phrase[-1] != prompt.special.im_end:
            phrase.append(prompt.special.im_end)
            num_pending = 2
        for token_id in phrase:
            ledger.say(token_id)
        slow.add(phrase)
        ledger.num_cached = ledger.num_tokens - num_pending
        cached = [token.serial for token in slow.tokens[: ledger.num_cached]]
