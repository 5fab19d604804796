"""CUDA streams are used again; the streams themselves stand for real ones, which need a GPU (test_cuda_path)."""

from __future__ import annotations

import pytest
import torch

from engine import streams
from engine.streams import LentStream


class NewStream:
    def __init__(self, device: torch.device, *, priority: int) -> None:
        self.kind = (device, priority)


@pytest.fixture(autouse=True)
def made_up_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Stream", NewStream)
    monkeypatch.setattr(streams, "_idle", {})


def test_a_stream_is_lent_to_one_at_a_time_and_then_to_the_next() -> None:
    gpu = torch.device("cuda:0")
    one, other = LentStream(gpu, use="step"), LentStream(gpu, use="step")
    first = one.stream
    assert first is not other.stream
    one.give_back()
    one.give_back()  # twice is once
    again = LentStream(gpu, use="step")
    assert again.stream is first
    assert LentStream(gpu, use="step").stream not in (first, other.stream)
    # Whoever forgets to give it back gives it back by going.
    del again
    assert LentStream(gpu, use="step").stream is first


def test_streams_of_other_gpus_priorities_and_uses_are_others() -> None:
    lent = LentStream(torch.device("cuda:0"), use="step")
    lent.give_back()
    assert LentStream(torch.device("cuda:0"), use="decode").stream is not lent.stream
    for device, priority in (("cuda:1", 0), ("cuda:0", -1)):
        other = LentStream(torch.device(device), use="step", priority=priority)
        assert other.stream is not lent.stream
        assert other.stream.kind == (torch.device(device), priority)  # type: ignore[attr-defined] # NewStream's


def test_a_thousand_sessions_take_no_more_streams_than_one() -> None:
    gpu = torch.device("cuda:0")
    seen = set()
    for _ in range(1000):
        session, vision = LentStream(gpu, use="step", priority=-1), LentStream(gpu, use="step")
        seen |= {session.stream, vision.stream}
        session.give_back()
        vision.give_back()
    assert len(seen) == 2
