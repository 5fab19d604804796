"""Drills: chunks in which every second reads the picture aloud instead of telling the match.

Knows what the picture says at a moment. Knows nothing of how it is drawn or tokenised.

A drill says the number on the ball panel, the name that the title gives that number, and the score. It teaches reading
and looking names up, the two slowest things, many times a chunk; commentary then only has to use them.
"""

from training.demo_league.records import Match

DRILL_QUERY = "Read the panel"


def drill_words(match: Match) -> list[tuple[float, float, str]]:
    """(start_s, end_s, word) for every second of the match: number, name, home score, away score."""
    words: list[tuple[float, float, str]] = []
    for second in range(int(match.duration_s)):
        # What the second's last frame shows, half a second before it ends.
        tick = min(int((second + 0.5) * match.tick_hz), len(match.last_touch_T) - 1)
        toucher = int(match.last_touch_T[tick])
        said = [str(int(goals)) for goals in match.score_T2[tick]]
        if toucher >= 0:
            player = match.player(toucher)
            said = [str(player.number), player.name, *said]
        for index, word in enumerate(said):
            words.append((second + 0.2 * index, second + 0.2 * index + 0.1, word))
    return words
