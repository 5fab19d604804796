"""The demo model's recipe. Knows numbers; loads nothing."""

from engine.settings import ResizeSettings
from training.demo_model.architecture import MAX_PIXELS, MIN_PIXELS, STREAMING
from training.sft.annotation import CutSettings
from training.sft.settings import OptimizerSettings, PromptSettings, SftSettings


def demo(*, num_steps: int = 4000) -> SftSettings:
    """From scratch on one GPU: the protocol's chunks, scaled sink and window, and a rate that falls at the end."""
    window = STREAMING["window"]
    return SftSettings(
        # Quiet spells are part of the league, so a chunk of few words is kept: silence must be learnt too.
        cut=CutSettings(min_words_per_s=0.0),
        prompt=PromptSettings(
            fps=window["fps"],
            text_sink=window["text_sink"],
            text_window=window["text_window"],
            query_share=0.5,
        ),
        resize=ResizeSettings(min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS),
        optimizer=OptimizerSettings(
            learning_rate=1e-3,
            weight_decay=0.05,
            beta2=0.95,
            warmup_share=0.03,
            schedule="warmup_stable_decay",
            decay_share=0.4,
            batch_chunks=64,
            num_steps=num_steps,
        ),
        max_tokens=2944,
        train_vision=True,
        pixel_noise=6.0,
        device_batch_chunks=32,
        compile_layers=True,
        num_workers=15,
    )
