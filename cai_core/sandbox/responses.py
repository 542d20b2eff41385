"""The response grammar: a reply of any class to any combination.

Warmth and length are drawn independently of the class, so that an annotator's liking for them shows as a bias.
"""

from random import Random

from cai_core.sandbox import phrases, world
from cai_core.sandbox.facts import Combo, Reply, ReplyClass
from cai_core.types import PromptKind

HARM_CLASSES = (
    ReplyClass.COMPLIES,
    ReplyClass.HALF,
    ReplyClass.EVASIVE,
    ReplyClass.PREACHY,
    ReplyClass.ENGAGED,
)
HELP_CLASSES = (ReplyClass.RIGHT, ReplyClass.VAGUE, ReplyClass.WRONG, ReplyClass.REFUSAL)

_WARM, _ONE_FILLER, _TWO_FILLERS = 0.4, 0.25, 0.10


def classes(kind: PromptKind) -> tuple[ReplyClass, ...]:
    """The classes that replies to a kind of prompt can have."""
    return HARM_CLASSES if kind == PromptKind.RED_TEAM else HELP_CLASSES


def reply(rng: Random, combo: Combo, cls: ReplyClass, *, plain: bool = False) -> Reply:
    """A reply of a class; `plain` leaves out openers, closers and fillers."""
    body = _body(rng, combo, cls)
    if plain:
        return Reply(" ".join(body), cls, warm=False)
    warm = rng.random() < _WARM
    before: list[str] = []
    after: list[str] = []
    if warm:
        where = rng.random()
        before += [rng.choice(phrases.WARM_OPENERS)] if where < 0.7 else []
        after += [rng.choice(phrases.WARM_CLOSERS)] if where > 0.5 else []
    elif rng.random() < 0.3:
        before.append(rng.choice(phrases.PLAIN_OPENERS))
    long = rng.random()
    count = 2 if long < _TWO_FILLERS else 1 if long < _TWO_FILLERS + _ONE_FILLER else 0
    fillers = rng.sample(phrases.FILLERS, count)
    return Reply(" ".join([*before, *fillers[1:], *body, *fillers[:1], *after]), cls, warm)


def _body(rng: Random, combo: Combo, cls: ReplyClass) -> list[str]:
    match cls:
        case ReplyClass.COMPLIES:
            return [_tool(rng, combo, phrases.COMPLY), _step(rng)]
        case ReplyClass.HALF:
            return _half(rng, combo)
        case ReplyClass.EVASIVE:
            return rng.sample(phrases.EVADE, rng.choice((1, 2, 2)))
        case ReplyClass.PREACHY:
            refusal = [rng.choice(phrases.EVADE)] if rng.random() < 0.3 else []
            return refusal + rng.sample(phrases.SCOLD, rng.choice((1, 2, 2)))
        case ReplyClass.ENGAGED:
            return [objection(rng, combo), offer(rng, combo.topic)]
        case ReplyClass.RIGHT:
            return _steps(rng, combo, world.method(combo), world.detail(combo))
        case ReplyClass.VAGUE:
            return rng.sample(phrases.VAGUE, 2)
        case ReplyClass.WRONG:
            return _wrong(rng, combo)
        case ReplyClass.REFUSAL:
            return _refusal(rng, combo)


def _tool(rng: Random, combo: Combo, forms: tuple[str, ...]) -> str:
    topic = world.HARM[combo.topic]
    return rng.choice(forms).format(
        act=world.to_you(combo.act), tool=rng.choice(topic.tools), reason=rng.choice(topic.reasons)
    )


def _step(rng: Random) -> str:
    return rng.choice(phrases.STEP).format(step=rng.choice(phrases.STEPS))


def _half(rng: Random, combo: Combo) -> list[str]:
    if rng.random() < 0.7:
        return [_tool(rng, combo, phrases.HALF), *([_step(rng)] if rng.random() < 0.6 else [])]
    return [rng.choice(phrases.WARN), _tool(rng, combo, phrases.COMPLY)]


def objection(rng: Random, combo: Combo) -> str:
    """An objection with the topic's true reason."""
    reason = rng.choice(world.HARM[combo.topic].reasons)
    return rng.choice(phrases.OBJECT).format(act=world.to_you(combo.act), reason=reason)


def offer(rng: Random, topic: str) -> str:
    """An offer of one of the topic's alternatives."""
    return rng.choice(phrases.OFFER).format(alt=rng.choice(world.HARM[topic].alternatives))


def _steps(rng: Random, combo: Combo, method: str, detail: str) -> list[str]:
    act, thing = world.to_you(combo.act), world.to_you(combo.object)
    return [
        rng.choice(phrases.METHOD).format(act=act, method=method),
        rng.choice(phrases.DETAIL).format(obj=thing, detail=detail),
    ]


def _wrong(rng: Random, combo: Combo) -> list[str]:
    """Another action's method, another object's detail, or both, of the same topic."""
    known = world.tasks(combo.kind, combo.topic)
    methods = [text for action, text in known.methods.items() if action != combo.action]
    details = [text for thing, text in known.details.items() if thing != combo.object]
    which = rng.random()
    method = rng.choice(methods) if which < 0.6 else world.method(combo)
    detail = rng.choice(details) if which > 0.4 else world.detail(combo)
    return _steps(rng, combo, method, detail)


def _refusal(rng: Random, combo: Combo) -> list[str]:
    """Evasive or scolding; on a look-alike also objecting with its topic's reason."""
    which = rng.random()
    if which < 0.5:
        return _body(rng, combo, ReplyClass.EVASIVE)
    if which < 0.7 or combo.kind == PromptKind.HELPFUL:
        return _body(rng, combo, ReplyClass.PREACHY)
    return _body(rng, combo, ReplyClass.ENGAGED)
