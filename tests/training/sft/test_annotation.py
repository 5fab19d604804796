"""The published JSONL form and the cutting of chunks, on examples worked by hand."""

from pathlib import Path

import pytest

from training.errors import AnnotationError
from training.sft.annotation import Chunk, CutSettings, cut, from_line, read, to_line, words_of_second

WORDS = [
    (0.1, 0.5, "Lions"),
    (0.6, 1.0, "kick"),
    (1.1, 1.9, "off."),
    (4.2, 4.6, "Okafor"),
    (5.0, 5.99, "shoots!"),
]


def test_a_word_belongs_to_the_second_in_which_it_ends() -> None:
    assert words_of_second(WORDS, 0, 1) == ["Lions"]
    assert words_of_second(WORDS, 1, 2) == ["kick", "off."]
    assert words_of_second(WORDS, 2, 3) == []
    assert words_of_second(WORDS, 5, 6) == ["shoots!"]


def test_chunks_overlap_and_carry_what_was_said_before() -> None:
    settings = CutSettings(chunk_s=4, stride_s=2, min_words_per_s=0)
    chunks = list(cut(WORDS, title="Lions in red.", duration_s=7.9, settings=settings, video="a.mp4"))
    assert [(chunk.start_s, chunk.end_s) for chunk in chunks] == [(0, 4), (2, 6)]
    assert chunks[0].previous == "Lions in red."
    assert [word for _, _, word in chunks[0].words] == ["Lions", "kick", "off."]
    assert chunks[1].previous == "Lions in red. Lions kick off."
    assert [word for _, _, word in chunks[1].words] == ["Okafor", "shoots!"]


def test_chunks_with_too_few_words_are_left_out() -> None:
    settings = CutSettings(chunk_s=2, stride_s=2, min_words_per_s=1.5)
    chunks = cut(WORDS, title="", duration_s=6, settings=settings)
    assert [chunk.start_s for chunk in chunks] == [0]


def test_the_protocols_cut_is_24_s_every_12_s_and_2_words_a_second() -> None:
    words = [(k / 2, k / 2 + 0.4, "word") for k in range(120)]
    chunks = list(cut(words, title="t", duration_s=60, settings=CutSettings()))
    assert [chunk.start_s for chunk in chunks] == [0, 12, 24, 36]
    assert {len(chunk.words) for chunk in chunks} == {48}
    assert not list(cut(words[::2], title="t", duration_s=60, settings=CutSettings()))


def test_a_line_reads_back_as_it_was_written() -> None:
    chunk = Chunk(
        video="a/b.mp4",
        start_s=12.0,
        end_s=36.0,
        previous="Löwen in red.",
        words=((12.5, 13.0, "Okafor"), (13.0, 13.4, "shoots!")),
        questions=((14.0, 15.0, "Who shot?", "Okafor."),),
    )
    assert from_line(to_line(chunk)) == chunk


def test_content_spread_over_several_parts_is_read() -> None:
    line = (
        '[{"role": "user", "content": [{"type": "video", "video": "v.mp4", "video_start": 0, "video_end": 24},'
        ' {"type": "text", "text": "", "previous": "before"}]},'
        ' {"role": "assistant", "content": [{"type": "text_stream", "text_stream": [[1, 2, "b"], [0, 1, "a"]]}]}]'
    )
    chunk = from_line(line)
    assert (chunk.video, chunk.previous, chunk.duration_s) == ("v.mp4", "before", 24)
    assert [word for _, _, word in chunk.words] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ('[{"role": "user", "content": []}]', "one assistant message"),
        (
            '[{"role": "user", "content": {"video": "v"}}, {"role": "assistant", "content": {"text_stream": []}}]',
            "video_start",
        ),
        (
            '[{"role": "user", "content": {"video": "v", "video_start": 9, "video_end": 2}},'
            ' {"role": "assistant", "content": {"text_stream": []}}]',
            "before it starts",
        ),
        (
            '[{"role": "user", "content": {"video": "v", "video_start": 0, "video_end": 2}},'
            ' {"role": "assistant", "content": {"text_stream": [[1, "x"]]}}]',
            "wrong kind",
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text("\n" + line + "\n", encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"train\.jsonl, line 2") as caught:
        list(read(file))
    assert says in str(caught.value)


def test_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="can't be read"):
        list(read(tmp_path / "none.jsonl"))
