"""Colours that can be read, and the numbers of the design."""

from __future__ import annotations

import pytest

from app.theme import tokens
from app.theme.tokens import PALETTES, Palette, contrast_ratio, mix

ALL = pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)


@ALL
def test_words_are_read_at_seven_to_one_and_quiet_ones_at_four_and_a_half(palette: Palette) -> None:
    for ground in (palette.window, palette.panel, palette.hover, palette.pressed, palette.found):
        assert contrast_ratio(palette.text, ground) >= 7, ground
    for ground in (palette.window, palette.panel, palette.hover):
        assert contrast_ratio(palette.quiet_text, ground) >= 4.5, ground
    assert contrast_ratio(palette.on_accent, palette.accent) >= 4.5
    assert contrast_ratio(palette.accent, palette.window) >= 3
    assert contrast_ratio(palette.accent, palette.panel) >= 3


@ALL
def test_captions_can_be_read_over_the_brightest_picture_even_dim(palette: Palette) -> None:
    behind = mix("#FFFFFF", palette.caption_band, palette.caption_band_opacity)
    assert contrast_ratio(palette.caption_text, behind) >= 7
    # The outline is as dark as the band itself, so dim words stand on that.
    dim = mix(palette.caption_band, palette.caption_text, palette.caption_dim_opacity)
    assert contrast_ratio(dim, palette.caption_band) >= 7


def test_the_tokens_are_those_of_the_design() -> None:
    light, dark, high = (PALETTES[name] for name in ("light", "dark", "high-contrast"))
    assert (light.window, light.panel, light.line) == ("#F7F7F8", "#FFFFFF", "#DDDEE3")
    assert (dark.window, dark.panel, dark.line) == ("#121316", "#1B1D22", "#2C2F36")
    assert (light.text, light.quiet_text, light.accent) == ("#16181D", "#5A606B", "#C4320A")
    assert (dark.text, dark.quiet_text, dark.accent) == ("#F2F3F5", "#A2A8B4", "#FF6A3D")
    assert (high.window, high.text, high.accent, high.caption_text) == (
        "#000000",
        "#FFFFFF",
        "#FFD400",
        "#FFD400",
    )
    assert (tokens.SMALL_TEXT_PX, tokens.BODY_TEXT_PX, tokens.HEADING_TEXT_PX) == (13, 15, 20)
    assert (tokens.CAPTION_TEXT_PX, tokens.CAPTION_OUTLINE_PX, tokens.CORNER_PX) == (28, 3, 8)


def test_contrast_is_measured_as_the_web_does() -> None:
    assert contrast_ratio("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast_ratio("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
