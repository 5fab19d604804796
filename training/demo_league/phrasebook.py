"""What a broadcaster says: patterns of wording for everything that the commentator tells.

Knows wording only; which moment calls for which section is the commentator's business (commentate.py).

Slots: {p} who does it, {o} the second person, {t} his team, {u} the other team, {s} the score as a clause of its own,
{n} the score as a bare phrase, {f} the score with both teams named, {r} nothing but its numbers, the leader's first.
What stands behind "|" is said only while nothing else happens. House rules, so that a listener
can tell who did what: the first person or team named in a sentence is the one who does it; a sentence that tells of an
event names somebody and holds triggers (lexicon.py) of that kind of event and of no other; numbers stand in scores only.
"""


def _patterns(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.strip().splitlines())


_GOAL = """
    Goal! {p} scores, {s}!
    Goal! {p} scores for the {t}, {s}!
    Goal! It's {p}, {s}!
    Goal! {p} does it, {s}!
    Goal! {p} finds a way, {s}!
    Goal! {p} makes no mistake, {s}!
    Goal for the {t}! {p} scores, {s}!
    Goal for the {t}, {p} with it, {s}!
    Goal, {p}! And it's {n}!
    Goal, {t}! {p} scores, {s}!
    Goal! Scored by {p}, {s}!
    Goal! The scorer is {p}, {s}!
    {p} scores! {s}!
    {p} scores! Goal for the {t}, {s}!
    {p} scores for the {t}, {s}!
    {p} scores, and it's {n}!
    {p} has scored! {s}!
    {p} has scored for the {t}, {s}!
    {p} nets it! {s}!
    {p} nets it for the {t}, {s}!
    It's in the net! {p} scores, {s}!
    In the net! {p} scores, {s}!
    What a goal, {p}! And it's {n}!
    What a goal from {p}, {s}!
    A goal for the {t}! {p} scores, {s}!
    Yes, {p} scores! {s}!
    Oh, what a goal from {p}! It's {n}!
    Goal! {p} scores, {s}! | The {t} are delighted.
    Goal! {p} scores, {s}! | What a finish!
    Goal! {p} scores, {s}! | The crowd love it!
    Goal! {p} does it, {s}! | {o} had no chance.
    {p} scores! {s}! | {o} was beaten all the way.
    {p} scores! {s}! | And the {t} run to him.
    {p} nets it! {s}! | The {u} look stunned.
"""

_GOAL_LEVEL = """
    Goal! {p} scores, the {t} are level, {r}!
    Goal! {p} levels it, {r}!
    {p} scores, and we are level! {s}!
    {p} scores the equaliser! {s}!
    Goal! {p} equalises for the {t}, {s}!
    The equaliser! {p} scores, {s}!
"""

_GOAL_LEAD = """
    Goal! {p} puts the {t} in front, {r}!
    {p} scores, and the {t} lead {r}!
    Goal! {p} gives the {t} the lead, {r}!
    Goal! The {t} go ahead through {p}, {r}!
"""

_GOAL_MORE = """
    Goal! {p} adds another, {s}!
    {p} scores again for the {t}, {s}!
    Goal! {p} makes it {n}!
    Another goal for the {t}! {p} scores, {s}!
"""

_GOAL_BACK = """
    Goal! {p} pulls the {t} back into it, {n}!
    {p} scores, and the {t} have hope! {s}!
    Goal! {p} scores, but the {u} still lead {r}!
"""

_SHOT = """
    {p} shoots!
    {p} shoots low!
    {p} shoots hard!
    {p} shoots early!
    {p} fires!
    {p} fires away!
    {p} fires it!
    {p} drills it!
    {p} blasts it!
    {p} cracks it!
    {p} thumps it!
    {p} smashes it!
    {p} hammers it!
    {p} rifles it!
    {p} curls it!
    {p} strikes!
    {p} strikes it!
    {p} lets fly!
    {p} lets rip!
    {p} takes aim!
    {p}, a shot!
    {p}, the shot!
    {p} unleashes it!
    {p} now shoots!
    Shot, {p}!
    Strike, {p}!
    And {p} shoots!
    And {p} fires!
    Here {p} shoots!
    Now {p} shoots!
    Oh, {p} shoots!
"""

_MISS = """
    Wide!
    Just wide!
    Well wide.
    It's wide.
    Off target.
    Past the post!
    Wide of the post.
    No, it's wide.
    That's off target.
    And it's wide.
    Missed the target.
    Just past the post!
    Not far away.
"""

_SAVE = """
    Saved by {p}!
    Saved by {p}! | {o} so close.
    Saved by {p}! | It stays {n}.
    Saved by {p}! | The {u} go close.
    Saved by {p}! | {o} holds his head.
    Saved, and {p} was there! | Still {n}.
    {p} saves!
    {p} saves it!
    {p} saves it! | Still {n}.
    {p} saves well! | No way through.
    {p} saves for the {t}! | It stays {n}.
    {p} denies {o}!
    {p} denies {o}! | Still {n}.
    {p} denies the {u}!
    {p} stops it!
    {p} stops it! | Good hands.
    {p} stops {o}!
    Stopped by {p}! | Still {n}.
    Save by {p}!
    Good save, {p}!
    Great save, {p}!
    Super save, {p}! | {o} can't believe it.
    Fine save by {p}!
    Lovely save from {p}!
    What a save, {p}!
    What a save by {p}! | Still {n}.
    {p} makes the save! | The {t} breathe again.
    {p} with the save! | It stays {n}.
    {p} keeps it out!
    {p} keeps it out! | What a moment.
    {p} keeps it out for the {t}!
    {p} turns it away!
    {p} pushes it away!
    {p} beats it away!
    {p} parries it!
    {p} palms it!
    {p} blocks it!
    {p} smothers it! | Calm as you like.
    A save from {p}!
    Denied by {p}! | {o} shakes his head.
    Blocked by {p}!
    Oh, saved by {p}!
    But {p} saves! | The {u} want more.
    No, {p} saves it!
"""

_TACKLE = """
    {p} wins it off {o}.
    {p} wins it off {o}. | The {t} have it.
    {p} wins it from {o}.
    {p} wins it back from {o}.
    {p} wins it for the {t}.
    {p} wins it cleanly from {o}.
    {p} wins the ball.
    {p} wins the ball off {o}.
    {p} wins the ball for the {t}.
    {p} tackles {o}.
    {p} tackles {o}. | And the {t} break.
    {p} tackles {o} and comes away.
    {p} tackles well. | {t} ball.
    {p} robs {o}.
    {p} robs {o}. | Off go the {t}.
    {p} robs {o} of the ball.
    {p} steals it from {o}.
    {p} steals it off {o}.
    {p} steals the ball for the {t}.
    {p} nicks it off {o}.
    {p} nicks it from {o}. | Clever.
    {p} nicks the ball. | {t} ball.
    {p} takes it off {o}.
    {p} takes the ball off {o}.
    {p} dispossesses {o}.
    {p} with the tackle. | {t} ball.
    {p} with the tackle on {o}.
    {p} with a tackle for the {t}.
    {p} with a fine challenge.
    Tackle by {p}.
    Tackle by {p}, and the {t} have it.
    Tackle from {p} on {o}.
    Good tackle, {p}.
    Good tackle by {p}. | {t} ball.
    Great tackle from {p} on {o}.
    Fine tackle by {p}.
    Strong tackle from {p}.
    Clean tackle by {p}. | No foul.
    Lovely tackle, {p}. | He reads it so well.
    What a tackle by {p}.
    Super challenge from {p}.
    Strong challenge by {p} on {o}.
    The {t} win it, {p} with the tackle.
"""

_CORNER = """
    Corner to the {t}.
    Corner to the {t}, {p} takes it.
    Corner to the {t}, {p} will take it.
    Corner to the {t}, {p} over it.
    Corner for the {t}, {p} to take.
    Corner for the {t}, {p} is there.
    Corner, {t} ball, {p} on it.
    Corner, {p} to take it.
    Corner, {p} will take.
    A corner for the {t}, {p} has it.
    A corner for {p} to take.
    It's a corner, {p} with it.
    It's a corner to the {t}, {p} has it.
    So a corner, {p} over the ball.
    {p} has the corner.
    {p} takes the corner.
    {p} takes the corner for the {t}.
    {p} will take the corner.
    {p} over the corner. | Bodies in the middle.
    {p} with the corner.
    {p} with the corner for the {t}.
    {p} stands over the corner.
    The {t} have a corner, {p} takes it.
    The {t} win a corner. | {p} to take.
    The {t} with a corner. | {p} over it.
    Now a corner, {p} to swing it.
    Out for a corner, {p} to take.
    Another chance, {t} corner.
"""

_KICK_OFF = """
    The {t} kick off.
    The {t} kick off, {p} on the ball.
    The {t} kick off through {p}.
    The {t} get us going.
    {p} kicks off.
    {p} kicks off for the {t}.
    {p} gets us going.
    {p} gets us under way.
    {p} with the kick-off.
    Kick-off for the {t}.
    Kick-off, {t} ball.
    Kick-off, {p} for the {t}.
    Kick-off taken by {p}.
    We're under way, {t} ball.
    Under way, {p} for the {t}.
"""

_KICK_OFF_FIRST = """
    And we're under way, {t} ball.
    The {t} kick off the match.
    {p} kicks off the match for the {t}.
    Off we go, the {t} kick off.
    The match is under way, {t} ball.
    Here we go, {p} kicks off.
"""

_KICK_OFF_SECOND = """
    The {t} kick off the second half.
    {p} gets the second half under way.
    Second half, the {t} kick off.
    The {t} restart. | Second half.
    {p} kicks off the second half.
    The second half is under way, {t} ball.
"""

_KICK_OFF_AGAIN = """
    The {t} kick off again.
    {p} kicks off again.
    The {t} restart.
    The {t} restart through {p}.
    {p} restarts for the {t}.
    Back under way, {t} ball.
    {p} gets us going again.
    And the {t} kick off again.
"""

_OPENING = """
    Good evening, {H} against {V}.
    Good evening! {H} against {V}.
    Welcome to {H} against {V}.
    Welcome, it's {H} and {V}.
    Hello, and it's {H} against {V}.
    It's the {H} against the {V}.
    Ready to go, {H} against {V}.
"""

_HALF_TIME = """
    Half-time, {f}.
    Half-time, and it's {f}.
    That's half-time, {f}.
    And it's half-time, {f}.
    And that's half-time, {f}.
    Half-time here, {f}.
    There's half-time, {f}.
    It's half-time, {f}.
    Half-time whistle, {f}.
    Half-time it is, {f}.
    The half-time whistle goes, {f}.
    Half-time, {f}. | Time for a breather.
    Half-time, {f}. | A good half, that.
    Half-time, {f}. | Back in a moment.
    That's half-time, {f}. | Drinks all round.
"""

_FULL_TIME = """
    Full-time, {f}.
    Full-time, and it's {f}.
    That's full-time, {f}.
    And that's full-time, {f}.
    Full-time here, {f}.
    It's full-time, {f}.
    The final whistle, {f}.
    There's the final whistle, {f}.
"""

_THROW_IN = """
    Throw-in, {p}.
    Throw-in to the {t}.
    Throw-in for {p}.
    Throw-in, {t} ball.
    Throw to the {t}.
    Throw for the {t}.
    {p} takes the throw.
    {p} with the throw.
    {p} has the throw.
    {p} will throw it.
    A throw, {p} takes.
    A throw to the {t}.
    Out for a throw, {p} takes it.
"""

_PASS = """
    {p}.
    {p} now.
    Now {p}.
    On to {p}.
    To {p}.
    Here's {p}.
    And {p}.
    Over to {p}.
    {p} has it.
    {p} on it.
    {p} receives.
    {p} takes over.
    Finds {p}.
    Played to {p}.
    In to {p}.
    And to {p}.
    Now to {p}.
    {p} in space.
    {p} for the {t}.
    {p}, {t} ball.
    {o} to {p}.
    {o} finds {p}.
    {o} feeds {p}.
    {o} sees {p}.
"""

_PASS_BACK = """
    Back to {p}.
    Back with {p}.
    Back again, {p}.
    {o} back to {p}.
    Rolled back, {p}.
    Safely to {p}.
"""

_PASS_FORWARD = """
    Forward to {p}.
    Up to {p}.
    Through to {p}.
    Into {p}.
    Up it goes, {p}.
    {o} forward, {p}.
    {o} picks out {p}.
    Good ball, {p}.
    Nice pass, {p}.
    {p} further up.
"""

_PASS_ACROSS = """
    Across to {p}.
    Out to {p}.
    Wide to {p}.
    Switched to {p}.
    {o} across, {p}.
    Over it goes, {p}.
    {p} out wide.
    {p} on the side.
"""

_PICK_UP = """
    {p} picks up.
    {p} picks it up.
    {p} collects.
    {p} is there.
    {p} gets it.
    {p} gathers.
    Loose ball, {p}.
    {p} reads it.
    {p} comes away.
    Now the {t}, {p}.
    {t} ball, {p}.
"""

_CARRY = """
    {p} goes on.
    {p} drives on.
    {p} carries on.
    {p} runs with it.
    {p} still.
    Still {p}.
    {p} keeps going.
    {p} on the move.
    {p} looks up.
    {p} looks around.
    {p} moves inside.
    {p}, head up.
    {p} at pace.
    {p} with options.
    On goes {p}.
"""

_KEEP = """
    The {t} keep the ball.
    The {t} keep it moving.
    The {t} take their time.
    The {t} are in no hurry.
    The {t} are happy to wait.
    The {t} look for a gap.
    The {t} look for an opening.
    The {t} pass it around.
    The {t} move it about.
    The {t} build from the back.
    The {t} stay patient.
    The {t} hold on to it.
    Patient from the {t}.
    Calm from the {t}.
    Tidy from the {t}.
    Good, patient play by the {t}.
    No hurry for the {t}.
    Slow and steady, the {t}.
    All {t} at the moment.
    The {t} on the ball.
    Still the {t}, in no rush.
    The {u} sit back and wait.
    The {u} let them have it.
    The {u} stay in shape.
    The {u} drop off a little.
    The {u} wait for a mistake.
"""

_SCORE = """
    Still {n}.
    It's still {n}.
    And it's {n}.
    It remains {n}.
    The score, {n}.
    A reminder, {n}.
    {n}.
    {s}.
    Just to remind you, {n}.
    If you've just joined us, {n}.
    On the board, {n}.
    So {n}.
"""

_LEVEL = """
    {n}, nothing between them.
    All square, {n}.
    Level here, {n}.
    Still all square, {n}.
    Nothing in it, {n}.
    {n}, and all to play for.
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
        "level": _LEVEL,
    }.items()
}
"""Patterns by what they tell."""

SCORE_LED = ("{a} {b} to the {L}", "{H} {h}, {V} {v}")
"""The bare score when {L} lead by {a} to {b}; {H} {h}, {V} {v} are home and visitors with their goals."""
SCORE_LED_CLAUSE = (
    *SCORE_LED,
    "it's {a} {b} to the {L}",
    "the {L} lead {a} {b}",
    "the {L} are {a} {b} up",
    "the {L} lead by {a} to {b}",
)
SCORE_LEVEL = ("{a} all", "{H} {h}, {V} {v}")
SCORE_LEVEL_CLAUSE = (*SCORE_LEVEL, "it's {a} all", "level at {a} all", "all square, {a} all")
SCORE_FULL = "{H} {h}, {V} {v}"
"""With both teams named, whoever leads."""
