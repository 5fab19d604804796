"""What a broadcaster says: patterns of wording for everything that the commentator tells.

Knows wording only; which moment calls for which section is the commentator's business (commentate.py).

Slots: {p} who does it, {o} the second person, {t} his team, {u} the other team, {H} and {V} home and visitors, {L} who
leads; {s} the score as a clause, {n} as a bare phrase, {f} with both teams named, {r} as numbers alone, the leader's
first. What stands behind "|" is a second thought, said only if there is nothing to tell.

House rules, so that a listener can tell who did what and a small model can learn it:
- A sentence that tells of an event names somebody, before or right after its first trigger whoever did it. It holds
  triggers (lexicon.py) of that kind of event and of no other. The first trigger is among its first four words.
- Small talk is at most four words long, what names who has the ball at most three, a second thought at most four.
- Numbers stand in scores only.
"""

import re
from functools import cache

from training.demo_league.lexicon import NUMBER_WORDS, normalise

_SLOT = re.compile(r"\{\w\}")


def _patterns(block: str) -> tuple[str, ...]:
    return tuple(" ".join(block.split()).split(" / "))


_GOAL = """
    Goal! {p} scores, {s}! / Goal! {p} scores for the {t}, {s}! / Goal! It's {p}, {s}! /
    Goal! {p} does it, {s}! / Goal! {p} finds a way, {s}! / Goal! {p} makes no mistake, {s}! /
    Goal! {p} with the finish, {s}! / Goal! {p} slots it home, {s}! / Goal! {p} puts it away, {s}! /
    Goal! {p} beats {o}, {s}! / Goal for the {t}! {p} scores, {s}! / Goal for the {t}, {p} with it, {s}!
    / Goal for {p} and the {t}, {s}! / Goal, {p}! And it's {n}! / Goal, {t}! {p} scores, {s}! /
    Goal! Scored by {p}, {s}! / Goal! The scorer is {p}, {s}! / {p} scores! {s}! /
    {p} scores! Goal for the {t}, {s}! / {p} scores for the {t}, {s}! / {p} scores, and it's {n}! /
    {p} has scored! {s}! / {p} has scored for the {t}, {s}! / {p} nets it! {s}! /
    {p} nets it for the {t}, {s}! / In the net! {p} scores, {s}! / It's in! Goal for {p}, {s}! /
    What a goal, {p}! And it's {n}! / What a goal from {p}, {s}! / A goal for the {t}! {p} scores, {s}!
    / Yes, {p} scores! {s}! / Oh, what a goal from {p}! It's {n}! /
    Goal! {p} scores, {s}! | The {t} are delighted. / Goal! {p} scores, {s}! | What a finish! /
    Goal! {p} scores, {s}! | The crowd love it! / Goal! {p} does it, {s}! | No chance for {u}. /
    {p} scores! {s}! | Beaten all the way. / {p} scores! {s}! | They run to him. /
    {p} nets it! {s}! | The {u} look stunned. / Goal! {p} finishes it, {s}! / Goal! {p} taps it in, {s}!
    / Goal! {p} rolls it in, {s}! / Goal! Brilliant from {p}, {s}! / Goal! Superb from {p}, {s}! /
    Goal! Lovely stuff from {p}, {s}! / Goal! {p}, what a finish, {s}! / {p} scores! Brilliant! {s}! /
    {p} scores! Wonderful! {s}! / Goal! {p} scores, {s}! | Superb play. /
    {p} scores for the {t}, {s}! | The bench erupts. / Goal! {p} does it, {s}! | What a moment.
"""

_GOAL_LEVEL = """
    Goal! {p} scores, the {t} level, {r}! / Goal! {p} levels, {r}! / {p} scores, and we are level! {s}!
    / {p} scores the equaliser! {s}! / Goal! {p} equalises for the {t}, {s}! /
    The equaliser! {p} scores, {s}!
"""

_GOAL_LEAD = """
    Goal! {p} puts {t} in front, {r}! / {p} scores, and the {t} lead {r}! /
    Goal! {p} gives {t} the lead, {r}! / Goal! {t} go ahead through {p}, {r}!
"""

_GOAL_MORE = """
    Goal! {p} adds another, {s}! / {p} scores again for the {t}, {s}! / Goal! {p} makes it {n}! /
    Another goal for the {t}! {p} scores, {s}!
"""

_GOAL_BACK = """
    Goal! {p} pulls the {t} back into it, {n}! / {p} scores, and the {t} have hope! {s}! /
    Goal! {p} scores, but the {u} still lead {r}!
"""

_SHOT = """
    {p} shoots! / {p} shoots low! / {p} shoots hard! / {p} shoots early! / {p} fires! / {p} fires away!
    / {p} fires it! / {p} drills it! / {p} blasts it! / {p} cracks it! / {p} thumps it! /
    {p} smashes it! / {p} hammers it! / {p} rifles it! / {p} curls it! / {p} strikes! / {p} strikes it!
    / {p} lets fly! / {p} lets rip! / {p} takes aim! / {p}, a shot! / {p}, the shot! / {p} unleashes it!
    / {p} now shoots! / Shot, {p}! / Strike, {p}! / And {p} shoots! / And {p} fires! / Here {p} shoots!
    / Now {p} shoots! / Oh, {p} shoots!
"""

_MISS = """
    Wide! / Just wide! / Well wide. / It's wide. / Off target. / Past the post! / Wide of the post. /
    No, it's wide. / That's off target. / And it's wide. / Missed the target. / Just past the post! /
    Not far away. / Wide from {p}! / {p} misses! / {p} puts it wide. / {p} drags it wide. /
    {p} pulls it wide. / Wide, from {p}. / So close, {p}. / Inches wide!
"""

_SAVE = """
    Saved by {p}! / Saved by {p}! | {o} so close. / Saved by {p}! | Still {r}. /
    Saved by {p}! | {u} so close. / Saved by {p}! | What a moment. / Saved, and by {p}! / {p} saves! /
    {p} saves it! / {p} saves it! | Still {r}. / {p} saves well! | No way through. /
    {p} saves well from {o}! / {p} saves from {o}! / {p} denies {o}! / {p} denies {o}! | Still {r}. /
    {p} denies the {u}! / {p} stops it! / {p} stops it! | Good hands. / {p} stops {o}! /
    Stopped by {p}! | Still {r}. / Stopped by {p}! | Big moment. / Save by {p}! / Good save, {p}! /
    Great save, {p}! / Super save, {p}! | {o} can't believe it. / Fine save by {p}! /
    Lovely save from {p}! / Brave save by {p}! / What a save, {p}! / What a save by {p}! | Still {r}. /
    {p} makes the save! | The {t} survive. / {p} with the save! | Still {r}. / {p} keeps it out! /
    {p} keeps it out! | {o} so close. / {p} turns it away! / {p} pushes it away! / {p} beats it away! /
    {p} parries it! / {p} palms it! / {p} blocks it! / {p} smothers it! | Calm as anything. /
    A save from {p}! / Denied by {p}! | {o} can't believe it. / Blocked by {p}! / Oh, saved by {p}! /
    But {p} saves! | {u} want more. / No, {p} saves it! / Superb save, {p}! / Brilliant save by {p}! /
    Saved well by {p}! | {u} groan. / {p} stops {o}! | Superb. / Oh, {p} saves! | Still {r}.
"""

_TACKLE = """
    {p} wins it. / {p} wins it off {o}. / {p} wins it off {o}. | {t} have it. / {p} wins it from {o}. /
    {p} wins it back. | {t} ball. / {p} wins it for {t}. / {p} wins it well. | Clean as anything. /
    {p} wins the ball. / {p} wins the ball. | {t} on top. / {p} wins it, {t} ball. / {p} tackles {o}. /
    {p} tackles {o}. | {t} have it. / {p} tackles well. | {t} ball. / {p} robs {o}. /
    {p} robs {o}. | Off they go. / {p} robs {o}. | Good work. / {p} steals it. / {p} steals it from {o}.
    / {p} steals it off {o}. / {p} steals it. | {t} on the ball. / {p} nicks it. / {p} nicks it off {o}.
    / {p} nicks it from {o}. | Clever. / {p} nicks the ball. | {t} ball. / {p} takes it off {o}. /
    {p} takes it off them. / {p} dispossesses {o}. / {p} with the tackle. /
    {p} with the tackle. | {t} ball. / {p} with that tackle. / Tackle by {p}. /
    Tackle by {p}. | {t} have it. / Tackle from {p} on {o}. / Good tackle, {p}. /
    Good tackle by {p}. | {t} ball. / Great tackle from {p}. / Fine tackle by {p}. /
    Strong tackle from {p}. / Clean tackle by {p}. | No foul. / Lovely tackle, {p}. | Well read. /
    What a tackle, {p}. / What a tackle by {p}. / Super challenge from {p}. / Strong challenge by {p}. /
    {p}, good tackle. / {p}, fine challenge. / {p} with a tackle. / Tackled by {p}. / Robbed by {p}. /
    Dispossessed by {p}. / Challenge from {p}. / Challenge by {p}. | {t} have it. / Perfect tackle, {p}.
    / Crunching tackle from {p}. / {p} takes it off {o}. | Easy.
"""

_CORNER = """
    Corner, {p}. / Corner to the {t}. / Corner to the {t}, {p} to take. /
    Corner to the {t}, {p} will take it. / Corner to the {t}, {p} over it. /
    Corner for the {t}, {p} to take. / Corner for the {t}, {p} is there. /
    Corner, {t}. | {p} will take it. / Corner, {t} ball, {p}. / Corner, {p} to take it. /
    Corner, {p} will take it. / A corner for the {t}, {p} has it. / A corner for {p}. /
    It's a corner, {p}. / It's a corner, {p} will take it now. / So a corner, {p}. / {p} has the corner.
    / {p} takes the corner. / {p} takes the corner for the {t}. / {p} with the corner. /
    {p} with the corner. | Bodies in there. / {p} with the corner for the {t}. / {p} over the corner. /
    {p} over the corner. | Who wants it? / {t} have a corner. / {t} win a corner. /
    {t} with a corner, {p} over it. / Now a corner, {p}. / Now a corner for the {t}, {p} takes. /
    Out for a corner, {p} over it now. / {p} has the corner. | Who wants it? /
    Corner, {p}. | They all come up. / So, corner to the {t}.
"""

_KICK_OFF = """
    The {t} kick off. / The {t} kick off, {p} on the ball. / {t} kick off through {p}. /
    {t} get us going. / {p} kicks off. / {p} kicks off for {t}. / {p} gets us going. /
    {p} with the kick-off. / Kick-off for the {t}. / Kick-off, {t} ball. /
    Kick-off, {p} for the {t}. / Kick-off by {p}. / We're under way, {t} ball. / Under way, {p} for {t}.
"""

_KICK_OFF_FIRST = """
    And we're under way, {t}. / {t} kick off this match. / {p} kicks off the match. /
    {p} kicks off the match for the {t}. / The {t} kick off, and away we go. / Under way, the {t} start.
"""

_KICK_OFF_SECOND = """
    The {t} kick off the second half. / {p} kicks off, second half. / {p} kicks off. | The second half.
    / The {t} restart. / The {t} restart. | The second half. / Under way again, {t} ball. /
    {p} restarts for the {t}.
"""

_KICK_OFF_AGAIN = """
    The {t} kick off again. / {p} kicks off again. / The {t} restart. / The {t} restart through {p}. /
    {p} restarts for the {t}. / Back under way, {t} ball. / Under way again, {t} ball. /
    {p} gets us going again. / And {t} kick off.
"""

_OPENING = """
    Welcome! {H} against {V}. / Good evening, {H} against {V}. / Hello, {H} against {V}. /
    {H} against {V}. / {H} against {V} tonight. / It's {H} against {V}. / {H} and {V}, then. /
    Ready here, {H} against {V}. / Here, {H} against {V}. / Big night, {H} against {V}.
"""

_HALF_TIME = """
    Half-time, {f}. / Half-time, and it's {f}. / So that's half-time, {f}. / And it's half-time, {f}. /
    And that's half-time, {f}. / And half-time here, {f}. / It's half-time here, {f}. /
    Half-time it is, {f}. / There's the half-time whistle, {f}. / Half-time, {f}. | Time for a breather.
    / Half-time, {f}. | A good half, that. / Half-time, {f}. | Back in a moment. /
    And half-time here, {f}. | Drinks all round. / Half-time it is, {f}. | What a half. /
    Half-time, {f}. | Plenty to discuss. / Half-time, {f}. | Stay with us.
"""

_FULL_TIME = """
    Full-time, {f}. / Full-time, and it's {f}. / So that's full-time, {f}. / And that's full-time, {f}.
    / And full-time here, {f}. / It's full-time here, {f}. / There's the final whistle, {f}.
"""

_THROW_IN = """
    Throw-in, {p}. / Throw-in to the {t}. / Throw-in for {p}. / Throw-in, {t} ball. / Throw to the {t}.
    / Throw for the {t}. / Throw by {p}. / {p} takes the throw. / {p} with the throw. /
    {p} has the throw. / {p} will throw it. / A throw, {p}. / A throw to the {t}.
"""

_PASS = """
    {p}. / {p} now. / Now {p}. / On to {p}. / To {p}. / Here's {p}. / And {p}. / Over to {p}. /
    {p} has it. / {p} on it. / {p} receives. / {p} takes over. / Finds {p}. / Played to {p}. /
    And to {p}. / Now to {p}. / {p} in space. / {p}, {t} ball. / {t} ball, {p}. / {o} to {p}. /
    {o} finds {p}. / {o} feeds {p}. / {o} sees {p}. / {o} plays {p}. / {p} with time. / {p} gets it. /
    {o} releases {p}. / {o} spots {p}. / Lovely touch, {p}. / {p} takes it.
"""

_PASS_BACK = """
    Back to {p}. / Back with {p}. / Back again, {p}. / {o} back, {p}. / Rolled back, {p}. /
    Safely to {p}. / Backwards to {p}.
"""

_PASS_FORWARD = """
    Forward to {p}. / Up to {p}. / Through to {p}. / Into {p}. / On towards {p}. / {o} forward, {p}. /
    {p} up front. / {p} further up. / Good ball, {p}. / Nice pass, {p}. / Straight up, {p}. /
    {o} through, {p}.
"""

_PASS_ACROSS = """
    Across to {p}. / Out to {p}. / Wide to {p}. / Switched to {p}. / {o} across, {p}. /
    {o} switches, {p}. / {p} out wide. / Long ball, {p}.
"""

_PICK_UP = """
    {p} collects. / {p} collects it. / {p} is there. / {p} gets it. / {p} gathers. / {p} has it. /
    Loose ball, {p}. / {p} comes away. / {t} ball, {p}. / Now the {t}. / {p} steps in. / {p} mops up. /
    Picked up, {p}.
"""

_CARRY = """
    {p} goes on. / {p} drives on. / {p} carries on. / {p} runs. / {p} runs on. / {p} still. / Still {p}.
    / {p} keeps going. / {p} moving. / {p} looks up. / {p} looks around. / {p} moves inside. /
    {p}, head up. / {p} at pace. / {p} has options. / On goes {p}. / {p} waits. / {p} pushes on. /
    {p} presses on. / {p} strides on. / {p} turns. / {p} in traffic. / {p} all alone. /
    {p} weaves inside. / Go on, {p}. / {p} searching.
"""

_KEEP = """
    The {t} keep it. / The {t} stay patient. / The {t} build slowly. / The {t} look around. /
    The {t} wait. / The {t} hold it. / The {t} probe. / Patient, the {t}. / Patient from the {t}. /
    Calm from the {t}. / Calm play, {t}. / Tidy from the {t}. / Tidy play, {t}. / No rush, {t}. /
    No hurry, {t}. / No hurry for {t}. / Still the {t}. / All {t} now. / {t} ball still. /
    {t} on the ball. / {t} in control. / {t} in possession. / {t} keep it moving. / {t} take their time.
    / {t} build from deep. / {t} pass it around. / {t} look for space. / Slow build, {t}. /
    Easy for the {t}. / Nice and calm, {t}. / {u} sit back. / {u} sit and wait. / {u} drop off. /
    {u} stay in shape. / {u} wait their turn. / {u} let them play. / {t} in charge here. /
    {t} working it around. / {t} recycle it. / {t} start again. / Plenty of time, {t}. /
    {u} chasing shadows. / {u} hold their line. / Nothing on yet, {t}. / Side to side, {t}.
"""

_SCORE = """
    Still {n}. / Still {r}. / It's {n}. / It's still {r}. / And it's {r}. / And still {r}. /
    It stays {r}. / It remains {r}. / The score, {r}. / A reminder, {r}. / {n}. / {f}. / So {r}.
"""

_LED = """
    {L} lead {r}. / {L} ahead, {r}. / {L} in front, {r}. / {L} lead, {r}.
"""

_LEVEL = """
    All square, {r}. / Level, {r}. / Level here, {r}. / Still level, {r}. / Nothing in it, {r}. /
    Nobody ahead, {r}.
"""

SECTIONS: dict[str, tuple[str, ...]] = {
    name: _patterns(block)
    for name, block in {
        "goal": _GOAL,
        "goal-level": _GOAL_LEVEL,
        "goal-lead": _GOAL_LEAD,
        "goal-more": _GOAL_MORE,
        "goal-back": _GOAL_BACK,
        "shot": _SHOT,
        "miss": _MISS,
        "save": _SAVE,
        "tackle": _TACKLE,
        "corner": _CORNER,
        "kick-off": _KICK_OFF,
        "kick-off-first": _KICK_OFF_FIRST,
        "kick-off-second": _KICK_OFF_SECOND,
        "kick-off-again": _KICK_OFF_AGAIN,
        "opening": _OPENING,
        "half-time": _HALF_TIME,
        "full-time": _FULL_TIME,
        "throw-in": _THROW_IN,
        "pass": _PASS,
        "pass-back": _PASS_BACK,
        "pass-forward": _PASS_FORWARD,
        "pass-across": _PASS_ACROSS,
        "pick-up": _PICK_UP,
        "carry": _CARRY,
        "keep": _KEEP,
        "score": _SCORE,
        "led": _LED,
        "level": _LEVEL,
    }.items()
}
"""Patterns by what they tell."""

SCORE_LED = ("{a} {b} to the {L}", "{H} {h}, {V} {v}")
"""{n} when one team leads: {L} by {a} to {b}; home and visitors are {H} and {V}, with {h} and {v} goals."""
SCORE_LED_CLAUSE = (
    *SCORE_LED,
    "it's {a} {b} to the {L}",
    "the {L} lead {a} {b}",
    "{L} lead {a} {b}",
    "the {L} are {a} {b} up",
)
"""{s} when one team leads."""
SCORE_LEVEL = ("{a} all", "{H} {h}, {V} {v}")
"""{n} when it's level."""
SCORE_LEVEL_CLAUSE = (*SCORE_LEVEL, "it's {a} all", "level at {a} all", "all square, {a} all")
"""{s} when it's level."""
SCORE_FULL = "{H} {h}, {V} {v}"
"""{f}"""


@cache
def vocabulary() -> frozenset[str]:
    """Every word that commentary is made of besides names: lower case, no punctuation."""
    forms = [*SCORE_LED_CLAUSE, *SCORE_LEVEL_CLAUSE, SCORE_FULL]
    texts = [pattern for patterns in SECTIONS.values() for pattern in patterns] + forms
    words = {bare for text in texts for word in _SLOT.sub(" ", text).split() for bare in normalise(word)}
    return frozenset(words | set(NUMBER_WORDS))
