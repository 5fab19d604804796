"""A streaming session: one chunk of frames in, one phrase out, for as long as the stream runs.

Knows: the order of a step (pixels, vision, eviction, rotation, prefill, decoding), and how a step ends
however it is left.
Does not know: what stays in the context and how it is kept, where frames come from, what becomes of the text.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch

from engine.chunk import FrameChunk
from engine.clock import StepClock
from engine.context import StreamContext
from engine.decoder import Decoder, EagerDecoder, StaticDecoder
from engine.detokenizer import PhraseDecoder
from engine.encoder import FrameEncoder
from engine.errors import SessionError
from engine.memory import naming_memory
from engine.model import LoadedModel, Progress
from engine.names import name_ids, names_in
from engine.pacer import Pacer
from engine.rope import VisionSpan, temporal_step
from engine.runtime import RuntimeSettings
from engine.sampling import Sampler
from engine.settings import StreamSettings
from engine.step import StepResult, StepStream
from engine.streams import LentStream

OnScores = Callable[[int, torch.Tensor, torch.Tensor], None]
"""Called with a token's number in its phrase, its raw logits and its penalised ones, both (V,) float32."""

_MOST_REHEARSED_S = 5.0  # by then every kind of work has been done; what is left are lengths


class StreamingSession:
    """One stream on one model. Use it from one thread at a time.

    ``runtime`` says how to run it; the default suits the device. ``context``, made of the same model and settings,
    takes the place of the usual one in experiments. Raises SettingsError for what cannot run there.
    """

    def __init__(
        self,
        model: LoadedModel,
        settings: StreamSettings,
        runtime: RuntimeSettings | None = None,
        context: StreamContext | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._runtime = model.resolve(runtime or RuntimeSettings())
        self._context = context or StreamContext(model, settings)
        self._sampler = Sampler(settings.sampling, model.config.text.vocab_size, model.device)
        self._decoder: Decoder | None = None
        self._lent: LentStream | None = None
        self._stream: torch.cuda.Stream | None = None
        if model.device.type == "cuda":
            priority = 0 if self._runtime.politeness.low_priority else -1  # -1 goes first in this process
            self._lent = LentStream(model.device, use="step", priority=priority)
            self._stream = self._lent.stream
            self._stream.wait_stream(torch.cuda.current_stream(model.device))
        self._pacer = Pacer(self._runtime.politeness, functools.partial(_wait_for, self._stream))
        self._encoder = FrameEncoder(model, settings.resize, self._runtime, self._pacer)
        self._active: StepStream | None = None
        if settings.sampling.name_bias:
            with self._on_stream():
                self._sampler.lean(name_ids(model.tokenizer, model.config.text.vocab_size))
        self._favour_names()

    @property
    def model(self) -> LoadedModel:
        """The model it runs on."""
        return self._model

    @property
    def settings(self) -> StreamSettings:
        """The settings in force."""
        return self._settings

    @property
    def longest_stretches_ms(self) -> dict[str, float]:
        """How long the present or last step worked between two pauses at most, in milliseconds, by what it did last.

        Empty for a session that makes none.
        """
        return dict(self._pacer.longest_ms)

    @property
    def avoided_hz(self) -> float | None:
        """The rate of another program's frames that pauses keep out of the way of, in hertz. None where none was found."""
        beat = self._pacer.beat
        return 1 / beat.period_s if beat else None

    @property
    def context(self) -> StreamContext:
        """What the model sees at present; to look at, not to change."""
        return self._context

    def reset(self, title: str | None = None, query: str | None = None) -> None:
        """Forget the stream and begin another, with a new title and query where given; storage is kept.

        A given seed starts anew as well: the same chunks then bring the same words.
        """
        self._end_active()
        old = self._settings
        self._settings = dataclasses.replace(
            old,
            title=old.title if title is None else title,
            query=old.query if query is None else query,
        )
        self._sampler.reset()
        self._favour_names()
        self._context.restart(self._settings)

    def state(self) -> dict[str, Any]:
        """Where the stream is between two steps, for ``restore``: plain values, and tensors in the CPU's memory.

        A few hundred megabytes for a model of 7 billion parameters. What was seen and has left the context still shapes
        the keys and values of what has stayed, so that the last steps alone, shown again, would not bring it back.
        A step that is still in progress is ended first. Raises SessionError after one that failed in the middle.
        """
        self._end_active()
        with torch.inference_mode(), self._on_stream():
            return {"context": self._context.state(), "sampler": self._sampler.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where a session of the same model and settings was: the same chunks then bring the same words.

        Raises OutOfMemoryError.
        """
        self._end_active()
        with self._naming_memory(), torch.inference_mode(), self._on_stream():
            self._context.restore(state["context"])
            self._sampler.state = state["sampler"]

    def close(self) -> None:
        """Give up what was recorded. The session's and the model's memory is then free as soon as nobody holds them.

        Without this it is free at some later garbage collection, because recordings hold what they record.
        """
        self._end_active()
        self._encoder.close()
        if self._decoder:
            self._decoder.close()
            self._decoder = None
        if self._lent:
            self._lent.give_back()

    def prepare(self, chunk: FrameChunk) -> None:
        """Look at the next chunk ahead of its step, while the present one is being answered.

        On CUDA this runs beside the answer, elsewhere at once. It changes nothing that is said: ``step`` takes what was
        prepared if it is given the very same chunk, and looks at any other chunk anew. Raises ChunkError for frames of
        an impossible shape, OutOfMemoryError.

        A session that pauses for others does not: work on a second stream would go on through its pauses.
        """
        if self._pacer.pauses:
            return
        with self._naming_memory():
            self._encoder.prepare(chunk)

    def warm_up(
        self,
        frame_size: tuple[int, int],
        progress: Progress | None = None,
        *,
        rehearses: bool | None = None,
    ) -> None:
        """Do beforehand what the first steps would otherwise wait for: storage, recordings, compiling, tuning.

        ``frame_size``: height and width of the frames to come. ``progress(fraction, text)`` is called as it goes on.
        ``rehearses``: whether steps are run, and forgotten, until the windows are full; None: on a GPU, where kernels are
        compiled or chosen for each new shape (a processor's first step takes as long as any). Changes nothing that is
        said. Raises as a step does, and SessionError after a step that failed in the middle.
        """
        self._end_active()
        report = progress or (lambda fraction, text: None)
        report(0.0, "Making room")
        shape = (self._settings.window.frames_per_chunk, *frame_size, 3)
        still = FrameChunk(frames=np.zeros(shape, dtype=np.uint8), start_s=0.0, end_s=1.0)
        with self._naming_memory(), torch.inference_mode(), self._on_stream():
            vision = self._vision_span(self._encoder.grid_of(still))
            self._context.make_room(vision)
            report(0.1, "Preparing the eyes")
            self._encoder.warm_up(shape)
            report(0.4, "Preparing the voice")
            decoder = self._ready_decoder()
            if isinstance(decoder, StaticDecoder):
                decoder.warm_up()
        if rehearses or (rehearses is None and self._model.device.type == "cuda"):
            report(0.7, "Rehearsing")
            self._rehearse(still, vision, lambda part: report(0.7 + 0.3 * part, "Rehearsing"))
        report(1.0, "Ready")

    def step(
        self,
        chunk: FrameChunk,
        question: str | None = None,
        forced_ids: Sequence[int] | None = None,
        on_scores: OnScores | None = None,
    ) -> StepStream:
        """Show the next chunk and say what comes of it.

        ``question`` is put into this chunk's turn. ``forced_ids`` are said instead of the sampler's
        choices, for replay and scoring; the closing <|im_end|> may be left out. ``on_scores`` sees the
        logits of each token. A step that is still in progress is ended first.

        Raises SessionError for forced_ids that go on after the phrase's end. As the step runs: ChunkError
        for frames of an impossible shape, WindowError if the windows do not fit the model,
        OutOfMemoryError.
        """
        forced = None if forced_ids is None else self._sayable(forced_ids)
        self._end_active()
        results: list[StepResult] = []
        self._active = StepStream(self._run(chunk, question, forced, on_scores, results), results)
        return self._active

    def _run(
        self,
        chunk: FrameChunk,
        question: str | None,
        forced: Sequence[int] | None,
        on_scores: OnScores | None,
        results: list[StepResult],
    ) -> Generator[str, None, None]:
        model, context = self._model, self._context
        with self._on_stream():
            clock = StepClock(model.device)
        self._pacer.start(chunk.end_s - chunk.start_s)
        phrase = PhraseDecoder(model.prompt.decode, model.prompt.special.ellipsis, model.stop_ids)
        text: list[str] = []
        limit = self._settings.sampling.max_new_tokens if forced is None else len(forced)
        try:
            with self._naming_memory(), self._on_stream():
                tokens = self._begin(chunk, question, forced, on_scores, clock)
            for index in range(limit):
                with self._naming_memory(), self._on_stream():
                    token_id = self._take(tokens, index, index == limit - 1, on_scores)
                clock.mark_first_token()
                context.say(token_id)
                text.append(phrase.push(token_id))
                if text[-1]:
                    with clock.paused():
                        yield text[-1]
                if token_id in model.stop_ids:
                    break
            text.append(phrase.finish())
            if text[-1]:
                with clock.paused():
                    yield text[-1]
        finally:  # whether the phrase has ended, was left, or failed: its turn is closed
            if context.is_answering:
                if self._decoder:
                    self._decoder.end()
                said = context.end_answer()
                with self._on_stream():
                    clock.lap("decode_ms")
                self._pacer.end()
                results.append(
                    StepResult(
                        text="".join(text).strip(),
                        token_ids=said,
                        start_s=chunk.start_s,
                        end_s=chunk.end_s,
                        num_context_tokens=context.num_tokens,
                        timings=clock.timings(),
                    )
                )

    @torch.inference_mode()
    def _begin(
        self,
        chunk: FrameChunk,
        question: str | None,
        forced: Sequence[int] | None,
        on_scores: OnScores | None,
        clock: StepClock,
    ) -> Decoder:
        """Everything up to the first token; returns what hands out the tokens."""
        model, context, encoder = self._model, self._context, self._encoder
        vision = self._vision_span(encoder.grid_of(chunk))
        context.make_room(vision)
        encoded = encoder.encode(chunk, lambda: clock.lap("preprocess_ms"))
        clock.lap("vision_ms")
        context.evict(self._rest("evict"))
        clock.lap("evict_ms")
        context.rotate()
        clock.lap("rotate_ms")
        self._pacer.rest("rotate")
        texts = [self._settings.query if context.is_new else "", question or ""]
        user = model.prompt.user_turn_parts(
            chunk.start_s, chunk.end_s, vision.length, " ".join(text for text in texts if text)
        )
        in_parts = self._runtime.prefill == "cudnn"
        logits_V = context.prefill(
            user, vision, encoded.embedded_MO, self._rest("prefill"), in_parts=in_parts
        )
        encoder.release()
        decoder = self._ready_decoder()
        if isinstance(decoder, StaticDecoder):
            decoder.reads_behind = on_scores is None and not self._pacer.pauses
        assert context.coming is not None, "prefill leaves the answer's rotations"
        self._pacer.rest("head")
        decoder.begin(logits_V, context.coming, context.distinct_ids, forced)
        clock.lap("prefill_ms")
        return decoder

    @torch.inference_mode()
    def _take(self, decoder: Decoder, index: int, is_last: bool, on_scores: OnScores | None) -> int:
        token_id = decoder.take(index, is_last=is_last)
        if index:
            self._context.count_cached()
        if on_scores:
            on_scores(index, *decoder.scores())
        self._pacer.rest("pick")
        return token_id

    def _rehearse(self, still: FrameChunk, vision: VisionSpan, report: Callable[[float], None]) -> None:
        """Steps of every length of context there will be, up to the first words; afterwards everything is as before."""
        window, context = self._settings.window, self._context
        before, kept = self.state(), context.kept
        num_steps = max(window.vision_rounds, window.text_rounds) + 2
        until_s = time.perf_counter() + _MOST_REHEARSED_S
        try:
            for number in range(num_steps):
                start_s = number * window.chunk_s
                chunk = dataclasses.replace(still, start_s=start_s, end_s=start_s + window.chunk_s)
                step = self.step(chunk)
                next(step, "")
                step.close()
                report((number + 1) / num_steps)
                if number and time.perf_counter() > until_s:
                    break
        finally:
            self.restore(before)
            self._pacer.forget()  # these ended at their first word
            context.kept = kept
            with self._naming_memory(), torch.inference_mode(), self._on_stream():
                context.make_room(vision)

    def _ready_decoder(self) -> Decoder:
        if self._decoder is None:
            language, cache, sampler = self._model.language, self._context.cache, self._sampler
            if self._runtime.decoder == "static":
                num_most = self._settings.sampling.max_new_tokens
                rest = self._rest("token") if self._pacer.pauses else None
                self._decoder = StaticDecoder(language, cache, sampler, num_most, self._runtime, rest)
            else:
                self._decoder = EagerDecoder(language, cache, sampler)
        return self._decoder

    def _rest(self, after: str) -> Callable[[], None]:
        """Called between two pieces of work of one kind."""
        return functools.partial(self._pacer.rest, after)

    def _favour_names(self) -> None:
        """Those of the title, as they are spelt at the beginning of a phrase and within one."""
        if not self._settings.sampling.name_bias:
            return
        encode = self._model.prompt.encode
        names = names_in(self._settings.title)
        with self._on_stream():
            self._sampler.favour([encode(form) for name in names for form in (name, f" {name}")])

    def _sayable(self, forced_ids: Sequence[int]) -> list[int]:
        """The forced ids up to the phrase's end; what closes it is added by the step itself."""
        most = self._settings.sampling.max_new_tokens
        stops = [place for place, token_id in enumerate(forced_ids) if token_id in self._model.stop_ids]
        length = min(most, stops[0] + 1 if stops else len(forced_ids))
        if list(forced_ids[length:]) not in ([], [self._model.prompt.special.im_end]):
            raise SessionError(
                f"{len(forced_ids)} forced ids go on after the phrase's end at {length} (at most {most} are said)."
            )
        return list(forced_ids[:length])

    def _vision_span(self, grid: tuple[int, int, int]) -> VisionSpan:
        model = self._model
        step = temporal_step(
            self._settings.window.fps,
            model.patches.temporal_patch_size,
            model.config.vision.tokens_per_second,
        )
        merge = model.patches.merge_size
        return VisionSpan(grid[0], grid[1] // merge, grid[2] // merge, step)

    def _end_active(self) -> None:
        if self._active:
            self._active.close()
            self._active = None

    def _on_stream(self) -> contextlib.AbstractContextManager[object]:
        """The session's own CUDA stream, where there is any."""
        return torch.cuda.stream(self._stream) if self._stream else contextlib.nullcontext()

    def _naming_memory(self) -> contextlib.AbstractContextManager[None]:
        return naming_memory("this step", self._model.device)


def _wait_for(stream: torch.cuda.Stream | None) -> None:
    if stream:
        stream.synchronize()
