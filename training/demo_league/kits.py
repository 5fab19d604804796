"""The shirt colours of the league, and which two may meet.

Knows eight colours that stay apart on a small green pitch, and how far apart two of them are. Knows nothing
of teams, names or drawing.
"""

from itertools import permutations

import numpy as np

from training.demo_league.records import Kit

KITS: tuple[Kit, ...] = (
    Kit(name="red", rgb=(214, 32, 40)),
    Kit(name="blue", rgb=(28, 70, 206)),
    Kit(name="white", rgb=(246, 246, 246)),
    Kit(name="yellow", rgb=(250, 218, 30)),
    Kit(name="black", rgb=(26, 26, 30)),
    Kit(name="orange", rgb=(250, 134, 20)),
    Kit(name="purple", rgb=(128, 40, 158)),
    Kit(name="cyan", rgb=(70, 214, 236)),
)

MIN_BRIGHTNESS_GAP = 50.0
"""Of 255, so that the two teams of a match differ in a grey picture too."""
MIN_COLOUR_GAP = 185.0
"""Of 441 (black to white), in plain RGB distance."""


def brightness(kit: Kit) -> float:
    """Luma of a kit, 0 to 255 (Rec. 601 weights)."""
    red, green, blue = kit.rgb
    return 0.299 * red + 0.587 * green + 0.114 * blue


def colour_gap(first: Kit, second: Kit) -> float:
    """Distance of two kits in RGB, 0 to 441."""
    return float(np.linalg.norm(np.subtract(first.rgb, second.rgb)))


def well_apart(first: Kit, second: Kit) -> bool:
    """Whether two teams in these kits can be told apart at a glance."""
    gap = abs(brightness(first) - brightness(second))
    return gap >= MIN_BRIGHTNESS_GAP and colour_gap(first, second) >= MIN_COLOUR_GAP


PAIRS: tuple[tuple[Kit, Kit], ...] = tuple(
    (home, away) for home, away in permutations(KITS, 2) if well_apart(home, away)
)


def distinct_pair(rng: np.random.Generator) -> tuple[Kit, Kit]:
    """Draw the kits of a match, home and away, from all pairs that are well apart."""
    return PAIRS[int(rng.integers(len(PAIRS)))]
