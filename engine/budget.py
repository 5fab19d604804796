"""How long a context can get.

Knows: the most tokens and positions that the windows, the prefix and one chunk's size allow; the cache's
storage and the check against the model's limit rest on it.
Does not know: torch, or what is in the context at present.
"""

from __future__ import annotations

import dataclasses
import math

from engine.prompt import PrefixParts, PromptBuilder
from engine.rope import VisionSpan
from engine.settings import StreamSettings

_LONGEST_TIME_S = 999_999.0  # eleven days: as many digits as a stream will need
_NUM_SPARE = 64  # room for a question, so that asking one does not move the storage


@dataclasses.dataclass(frozen=True)
class ContextBudget:
    """Upper bounds of a context."""

    num_tokens: int
    num_positions: int

    @classmethod
    def of(
        cls, prompt: PromptBuilder, prefix: PrefixParts, settings: StreamSettings, vision: VisionSpan
    ) -> ContextBudget:
        """Bounds for a stream whose chunks each make one block ``vision``."""
        window = settings.window
        user = prompt.user_turn_parts(_LONGEST_TIME_S, _LONGEST_TIME_S, vision.length)
        num_user_text = len(user.ids) - vision.length
        num_closing = len(prompt.turn_separator) + 1  # <|im_end|>, appended where the limit cuts a phrase
        num_assistant = len(prompt.assistant_header()) + settings.sampling.max_new_tokens + num_closing
        num_previous = max(len(prefix.previous), window.text_sink + max(window.text_window - 1, 0))
        num_text = (
            len(prefix.head)
            + num_previous
            + len(prefix.tail)
            + len(prompt.encode(settings.query))
            + max(window.vision_rounds, window.text_rounds) * num_user_text
            + window.text_rounds * num_assistant
            + _NUM_SPARE
        )
        extent = max(math.ceil((vision.num_t - 1) * vision.t_step) + 1, vision.num_h, vision.num_w)
        return cls(
            num_tokens=num_text + window.vision_rounds * vision.length,
            num_positions=num_text + window.vision_rounds * extent,
        )
