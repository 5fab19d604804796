"""Judging over HTTP, against a loopback judge whose preference and faults are known."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.evaluate.judge_server import Answer, Body, JudgeServer, places, prefers
from training.evaluate.contest import write_contest
from training.evaluate.errors import CourierError, EvaluationError, JudgeRefusedError
from training.evaluate.judge.courier import NUM_ATTEMPTS, ApiSettings, Bill, Courier
from training.evaluate.judge.forms import INF_STREAMS
from training.evaluate.judge.pairs import Pair, Verdict
from training.evaluate.judge.panel import ApiJudge, hear
from training.evaluate.judge.shares import count


def pairs(num_games: int = 4, num_clips: int = 5) -> list[Pair]:
    return [
        Pair(
            video=f"game{game}.mp4",
            start_s=100.0 * clip,
            end_s=100.0 * clip + 100,
            title="Cup",
            reference=f"people said {game} {clip}",
            text_a=f"ours {game} {clip}",
            text_b=f"theirs {game} {clip}",
        )
        for game in range(num_games)
        for clip in range(num_clips)
    ]


async def judged(
    server: JudgeServer, cache: Path, some: list[Pair] | None = None, **settings: Any
) -> tuple[list[Verdict], Bill]:
    quick = {"first_wait_s": 0.01, "num_tries": 6, "timeout_s": 20.0, **settings}
    async with Courier(ApiSettings(url=server.url, cache=str(cache), **quick)) as courier:
        verdicts = await hear(pairs() if some is None else some, ApiJudge(courier, "judge-1", INF_STREAMS))
    return verdicts, courier.bill


async def test_a_judge_who_always_prefers_ours(tmp_path: Path) -> None:
    with JudgeServer(prefers("ours")) as server:
        verdicts, bill = await judged(server, tmp_path)
    votes = count(verdicts)
    assert votes["share"] == 1.0
    assert votes["interval"] == [1.0, 1.0]
    assert votes["agreement"] == 1.0
    assert votes["clips"] == {"won": 20, "equal": 0, "lost": 0}
    assert not votes["place"]["is_flagged"]
    assert (bill.num_paid, bill.num_cached) == (40, 0)
    assert bill.row(2.0, 10.0)["cost"] == pytest.approx((40 * 100 * 2.0 + 40 * 2 * 10.0) / 1e6)
    assert server.num_paid == 40
    body = server.bodies[0]
    assert (body["model"], body["temperature"]) == ("judge-1", 0.0)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert {frozenset(places(body)) for body in server.bodies} == {
        frozenset((pair.text_a, pair.text_b)) for pair in pairs()
    }


async def test_a_judge_who_always_prefers_the_first_place_gives_half_and_is_flagged(tmp_path: Path) -> None:
    with JudgeServer(lambda body, seen: "A") as server:
        verdicts, _ = await judged(server, tmp_path)
    votes = count(verdicts)
    assert votes["share"] == 0.5
    assert votes["interval"] == [0.5, 0.5]
    assert votes["agreement"] == 0.0
    assert votes["clips"] == {"won": 0, "equal": 20, "lost": 0}
    assert votes["place"] == {
        "share_first": 1.0,
        "num_first_both_times": 20,
        "num_second_both_times": 0,
        "p_value": round(2 / 2**20, 6),
        "is_flagged": True,
    }


async def test_a_random_judge_is_counted_as_it_voted(tmp_path: Path) -> None:
    def coin(body: Body, seen: int) -> str:
        return "AB"[sum(body["messages"][1]["content"].encode()) % 2]

    with JudgeServer(coin) as server:
        verdicts, _ = await judged(server, tmp_path)
    for_ours = 0
    for body in server.bodies:
        first, _ = places(body)
        for_ours += (coin(body, 0) == "A") == first.startswith("ours")
    assert count(verdicts)["share"] == round(for_ours / 40, 4)


def sometimes(fault: "str | tuple[int, str]", times: int) -> Answer:
    """A judge who prefers ours, after failing so often at each question."""
    right = prefers("ours")

    def answer(body: Body, seen: int) -> "str | tuple[int, str]":
        return fault if seen < times else right(body, seen)

    return answer


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_rate_limits_and_outages_are_waited_out(tmp_path: Path, status: int) -> None:
    with JudgeServer(sometimes((status, "later"), 2), headers={"Retry-After": "0.02"}) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(2, 2))
    assert count(verdicts)["share"] == 1.0
    assert server.num_paid == 8
    assert server.num_requests == 24
    assert bill.num_retries == 16


async def test_answers_that_cannot_be_read_are_asked_for_again_and_never_guessed(tmp_path: Path) -> None:
    def stammers(body: Body, seen: int) -> "str | tuple[int, str]":
        first, _ = places(body)
        question = body["messages"][1]["content"]
        earlier = sum(other["messages"][1]["content"] == question for other in server.bodies) - 1
        if first.startswith("ours 0"):
            return "I like both"  # never answers on game 0
        faults = ["Hmm, hard to say", "C"]
        return faults[earlier] if earlier < 2 else prefers("ours")(body, seen)

    with JudgeServer(stammers) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(2, 2))
    votes = count(verdicts)
    assert votes["num_clips"] == 2
    assert votes["num_unanswered"] == 2
    assert votes["share"] == 1.0
    unread = [verdict.ab for verdict in verdicts if verdict.pair.video == "game0.mp4"]
    assert all(ballot.place is None and "I like both" in ballot.reason for ballot in unread)
    assert all(verdict.ab.num_malformed == 2 for verdict in verdicts[2:])
    assert bill.num_paid == server.num_paid == 8 * NUM_ATTEMPTS


async def test_an_api_that_stays_down_leaves_clips_unanswered_and_the_next_run_asks_again(
    tmp_path: Path,
) -> None:
    with JudgeServer(lambda body, seen: (503, "down")) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(2, 1), num_tries=2)
        assert count(verdicts)["num_unanswered"] == 2
        assert bill.num_unanswered == 4
        assert "down" in verdicts[0].ab.reason
        server.answer = prefers("ours")
        verdicts, _ = await judged(server, tmp_path, pairs(2, 1))
    assert count(verdicts)["share"] == 1.0
    assert server.num_paid == 4


GPT5 = {
    "message": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is.",
    "type": "invalid_request_error",
    "param": "temperature",
    "code": "unsupported_value",
}


@pytest.mark.parametrize(
    ("body", "refuses", "changes", "left"),
    [
        ({"temperature": 0.0}, [("temperature", GPT5)], {"temperature 0.0 left out"}, {}),
        (
            {"temperature": 0, "seed": 42, "top_p": 1},
            [("seed", "seed: Extra inputs are not permitted"), ("temperature", GPT5)],
            {"temperature 0 left out", "seed 42 left out"},
            {"top_p": 1},
        ),
        (
            {"max_tokens": 9},
            [
                (
                    "max_tokens",
                    {"message": "'max_tokens' is not supported. Use 'max_completion_tokens' instead."},
                )
            ],
            {"max_tokens sent as max_completion_tokens"},
            {"max_completion_tokens": 9},
        ),
        (
            {"max_completion_tokens": 9},
            [("max_completion_tokens", "Unrecognized request argument supplied: max_completion_tokens")],
            {"max_completion_tokens sent as max_tokens"},
            {"max_tokens": 9},
        ),
    ],
)
async def test_a_parameter_that_a_model_does_not_take_is_left_out_and_told_of(
    tmp_path: Path, body: Body, refuses: list[tuple[str, Any]], changes: set[str], left: Body
) -> None:
    def answer(asked: Body, seen: int) -> "str | tuple[int, str]":
        for name, error in refuses:
            if name in asked:
                return 400, json.dumps({"error": error})
        return "A"

    with JudgeServer(answer) as server:
        for _ in range(2):
            async with Courier(ApiSettings(url=server.url, cache=str(tmp_path))) as courier:
                for number in range(3):
                    reply = await courier.ask({"model": "gpt-5", "messages": [number], **body})
                    assert reply.answer is not None
                assert courier.changes == changes  # from the store as well
        asked = server.bodies[-1]
    assert {name: value for name, value in asked.items() if name not in ("model", "messages")} == left
    assert server.num_paid == 3
    assert server.num_requests == 3 + len(refuses)  # what has helped once is done at once


async def test_a_clip_that_the_judge_does_not_take_costs_that_clip_alone(tmp_path: Path) -> None:
    right = prefers("ours")

    def filters(body: Body, seen: int) -> "str | tuple[int, str]":
        text = body["messages"][1]["content"]
        for clip, refusal in (
            ("1 0", (400, '{"error": {"code": "content_filter"}}')),
            ("1 1", (413, "too long")),
        ):
            if f"people said {clip}" in text:
                return refusal
        if "people said 0 1" in text:
            return 403, "Your input was flagged by moderation"
        return right(body, seen)

    with JudgeServer(filters) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(2, 2))
        assert server.num_requests == 8
    votes = count(verdicts)
    assert (votes["num_clips"], votes["share"]) == (1, 1.0)
    assert votes["lacking"] == {"unreadable": 0, "refused": 3, "unanswered": 0}
    assert (bill.num_unanswered, bill.num_refused) == (6, 6)
    assert [verdict.ab.lack for verdict in verdicts] == [None, "refused", "refused", "refused"]
    assert "400" in verdicts[2].ab.reason
    assert "content_filter" in verdicts[2].ab.reason
    assert verdicts[3].ab.reason == "the API does not take it (413: too long)"


async def test_a_judge_who_takes_nothing_ends_the_run_with_what_it_said(tmp_path: Path) -> None:
    error = '{"error": {"message": "temperature and pictures, no"}}'
    with JudgeServer(lambda body, seen: (400, error)) as server:
        async with Courier(ApiSettings(url=server.url, cache=str(tmp_path))) as courier:
            for number in range(3):
                reply = await courier.ask({"model": "x", "messages": [number], "temperature": 0})
                assert reply.is_refused
            with pytest.raises(JudgeRefusedError, match=r"answered 400: temperature and pictures, no"):
                courier.check()
    assert server.num_requests == 6  # leaving the temperature out is tried, and does not help


@pytest.mark.parametrize(
    "error", ["<html>proxy</html>", '{"error": "upstream overloaded"}', '{"choices": []}']
)
async def test_what_is_no_chat_completion_is_never_kept(tmp_path: Path, error: str) -> None:
    with JudgeServer(sometimes((200, error), 2)) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(1, 1))
        assert count(verdicts)["share"] == 1.0
        assert (bill.num_paid, bill.num_retries, verdicts[0].ab.num_malformed) == (2, 4, 0)
        server.answer = lambda body, seen: (200, error)
        verdicts, _ = await judged(server, tmp_path / "other", pairs(1, 1), num_tries=2)
        assert verdicts[0].ab.lack == "unanswered"
        assert "no chat completion came" in verdicts[0].ab.reason
        server.answer = prefers("ours")
        verdicts, bill = await judged(server, tmp_path / "other", pairs(1, 1))
    assert (count(verdicts)["share"], bill.num_paid) == (1.0, 2)


async def test_unreadable_answers_are_kept_and_asked_again_where_that_is_wanted(tmp_path: Path) -> None:
    with JudgeServer(lambda body, seen: "I like both") as server:
        verdicts, _ = await judged(server, tmp_path, pairs(1, 1))
        assert verdicts[0].ab.lack == "unreadable"
        assert server.num_requests == 2 * NUM_ATTEMPTS
        verdicts, _ = await judged(server, tmp_path, pairs(1, 1), asks_again=True)
        assert server.num_requests == 4 * NUM_ATTEMPTS
        server.answer = prefers("ours")
        verdicts, _ = await judged(server, tmp_path, pairs(1, 1))
        assert count(verdicts)["share"] is None
        assert server.num_requests == 4 * NUM_ATTEMPTS
        for asks_again in (True, False):  # what has been read at last is found again
            verdicts, _ = await judged(server, tmp_path, pairs(1, 1), asks_again=asks_again)
            assert count(verdicts)["share"] == 1.0
            assert server.num_requests == 4 * NUM_ATTEMPTS + 2
    assert verdicts[0].ab.num_malformed == 2 * NUM_ATTEMPTS


async def test_an_address_where_nobody_answers(tmp_path: Path) -> None:
    with JudgeServer(prefers("ours")) as server:
        url = server.url
    settings = ApiSettings(url=url, cache=str(tmp_path), num_tries=2, first_wait_s=0.01)
    async with Courier(settings) as courier:
        reply = await courier.ask({"model": "x", "messages": []})
    assert reply.answer is None
    assert "Connect" in reply.reason


@pytest.mark.parametrize("url", ["http://localhost:80a/v1", "http://[::1/v1"])
async def test_an_address_that_is_none_is_said(tmp_path: Path, url: str) -> None:
    async with Courier(ApiSettings(url=url, cache=str(tmp_path), num_tries=2, first_wait_s=0.01)) as courier:
        reply = await asyncio.wait_for(courier.ask({"model": "x", "messages": []}), 20)
    assert reply.answer is None
    assert "can't be sent" in reply.reason


async def test_nothing_is_paid_twice(tmp_path: Path) -> None:
    with JudgeServer(prefers("ours")) as server:
        first, _ = await judged(server, tmp_path)
        again, bill = await judged(server, tmp_path)
        assert again == first
        assert server.num_requests == 40
        assert (bill.num_paid, bill.num_cached, bill.num_tokens_in, bill.num_tokens_in_all) == (
            0,
            40,
            0,
            4000,
        )
        twins = [*pairs(1, 1), *pairs(1, 1)]
        await judged(server, tmp_path / "other", twins)
        assert server.num_requests == 42


async def test_two_runs_at_once_share_what_they_pay_for(tmp_path: Path) -> None:

    with JudgeServer(prefers("ours"), delay_s=0.05) as server:
        (one, bill_one), (two, bill_two) = await asyncio.gather(
            judged(server, tmp_path), judged(server, tmp_path)
        )
    assert one == two
    assert server.num_paid == 40 == bill_one.num_paid + bill_two.num_paid
    assert max(server.paid.values()) == 1


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RINGSIDE_TEST_KEY", "open sesame")
    return "RINGSIDE_TEST_KEY"


async def test_a_refusal_ends_the_run_with_what_the_api_said(tmp_path: Path, key: str) -> None:
    with (
        JudgeServer(lambda body, seen: (401, "no such key")) as server,
        pytest.raises(JudgeRefusedError, match=r"answered 401: no such key\. Check the address"),
    ):
        await judged(server, tmp_path, key_variable=key)
    assert server.authorizations == {"Bearer open sesame"}
    assert not any("sesame" in path.read_text() for path in tmp_path.rglob("*.json"))


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(EvaluationError, match="must begin with http"):
        ApiSettings(url="api.example.com", cache="x")
    with pytest.raises(EvaluationError, match="at least 1"):
        ApiSettings(url="http://x", cache="x", num_tries=0)


async def test_votes_are_written_in_the_published_form(tmp_path: Path) -> None:
    def mixed(body: Body, seen: int) -> str:
        first, _ = places(body)
        if "0 0" in first:
            return "A"  # the first place, in both orders
        return "A" if first.startswith("theirs 1" if "1 " in first else "ours") else "B"

    with JudgeServer(mixed) as server:
        verdicts, _ = await judged(server, tmp_path / "cache", pairs(1, 2))
    write_contest(tmp_path, verdicts, "judge-1")
    rows = [json.loads(line) for line in (tmp_path / "score_segments.jsonl").read_text().splitlines()]
    assert rows[0] == {
        "video": "game0.mp4",
        "title": "Cup",
        "start": 0.0,
        "end": 100.0,
        "winner": "equal",
        "votes": {"A": 1, "B": 1},
        "judge": {"model": "judge-1", "vote_ab": "A", "vote_ba": "B"},
    }
    assert rows[1]["winner"] == "A"
    summary = json.loads((tmp_path / "score_results.json").read_text())
    assert summary["global"] == {"A": 3, "B": 1, "win_rate_A": 0.75, "win_rate_B": 0.25}
    assert summary["per_video"] == {"game0.mp4": summary["global"]}


async def test_a_courier_that_dies_is_told_of_and_nobody_waits_for_it(tmp_path: Path) -> None:
    with JudgeServer(lambda body, seen: "A", delay_s=0.5) as server:
        settings = ApiSettings(url=server.url, cache=str(tmp_path))
        async with Courier(settings) as courier:
            asking = asyncio.create_task(courier.ask({"model": "x", "messages": [], "n": 1}))
            while not server.num_requests:
                await asyncio.sleep(0.02)
            process = courier._process
            assert process is not None
            process.kill()
            with pytest.raises(CourierError, match="ended with code -9"):
                await asking
            with pytest.raises(CourierError):
                await courier.ask({"model": "x", "messages": [], "n": 2})


async def test_a_store_that_cannot_be_written_to_is_told_of(tmp_path: Path) -> None:
    for prefix in range(256):
        (tmp_path / f"{prefix:02x}").write_text("a file where a folder should be")
    with JudgeServer(prefers("ours")) as server:
        verdicts, bill = await judged(server, tmp_path, pairs(1, 1))
    assert count(verdicts)["num_unanswered"] == 1
    assert "can't be kept" in verdicts[0].ab.reason
    assert bill.num_unanswered == 2
