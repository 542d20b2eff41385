"""What the words of a request give away by themselves: whether it asks for anything, and what nobody will fill in.

Each rule answers for one text, by patterns alone, and is wrong as often as patterns are. No pattern may run long on a
text made for that: what repeats in it is bounded.
"""

import re
from functools import lru_cache

CACHED = 4096
"""Texts whose answers are kept: all of a constitution is looked at again with every field that is written."""
LOOKED_AT = 20_000
"""Characters of a text that are looked at; one that is longer is called too long anyway."""

NAMED = 20
"""Placeholders of a text that are told apart."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CLAUSE = re.compile(
    r"(?:^|[.!?;:,\n(]|\b(?:and|then|please|also|or|now|but|next|first|finally|want you to|task is to|try to"
    r"|you (?:must|should|have to|need to|are to))\b)[\s\"'“(*-]{0,8}(?=([a-z]+))",
    re.IGNORECASE,
)
_ASKING = _listed("""
    add address adjust adopt amend analyse analyze answer ask assess avoid be begin bring briefly call change check
    choose cite compare compose consider correct criticise criticize critique cut decide delete describe detail
    determine discuss do draft drop edit eliminate end ensure evaluate examine explain expand express fill find fix
    focus give go grade help highlight identify imagine improve include indicate judge keep let list locate look make
    mark mention modify move name note offer omit outline paraphrase pick point prefer produce propose prove
    provide put question quote rank rate read recast recommend reconsider redo redraft reduce reflect reformulate refuse
    remove repair rephrase replace reply report respond restate review revise rewrite reword say score search select
    send shorten show simplify soften spell split spot start state stop strengthen strike suggest summarise summarize
    take talk tell think transform translate trim try turn underline update use verify weigh word work write
""")
_INTERROGATIVE = _listed("""
    are can could did do does had has have how is should was were what what's whats when where whether which who
    whom whose why will would
""")
_IN_WHAT = re.compile(r"\s*in (?:what|which)\b", re.IGNORECASE)
_ENGLISH = _listed("a and any are as be for if is it not of or that the this to what which with you")
_CHOICE = re.compile(
    r"\b(?:choos\w+|which|pick|picks|select|prefer\w*|decide|rank|who(?:se)? (?:reply|response|answer))\b",
    re.IGNORECASE,
)
_PLACEHOLDERS = (
    re.compile(r"\$?\{\{? ?[\w.\-]{0,60} ?\}?\}"),
    re.compile(r"\{%.{0,60}?%\}"),
    re.compile(r"%\(\w+\)s|(?<!\w)%s(?!\w)"),
    re.compile(r"\[\[? ?[A-Z][A-Z0-9_ ]{2,40}\]?\]"),
    re.compile(r"\[(?:your|insert|add|name of|the name of|fill)\b[^\]\n]{0,40}\]", re.IGNORECASE),
    re.compile(r"\b(?:TODO|FIXME|XXX+|TBD|TKTK)\b"),
    re.compile(r"\blorem ipsum\b", re.IGNORECASE),
    re.compile(r"_{4,}"),
)
_ANGLES = re.compile(r"<(/?)([A-Za-z][\w -]{0,40}?) ?(?: [\w-]{1,20}=[^<>]{0,200})?/?>")
_TAGS = _listed("""
    a b big blockquote body br center code dd del details div dl dt em font form h1 h2 h3 h4 h5 h6 head hr html i iframe
    img input ins kbd li link mark meta ol p pre q s script small span strike strong style sub summary sup svg table
    tbody td th thead title tr tt u ul video
""")
_LABEL = re.compile(
    r"^[ \t*#]*((?:Human|User|Assistant|System|AI|Critique ?Request|Critique|Revision ?Request|Revision))[*]*:",
    re.IGNORECASE | re.MULTILINE,
)
_SPECIAL = re.compile(r"<\|[\w ]{1,40}\|>|<</?SYS>>|\[/?INST\]|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>")
_MARKDOWN = re.compile(r"\*\*[^*\n]{1,200}\*\*|^#{1,6} \S|^```|!?\[[^\[\]\n]{0,200}\]\([^()\n]{0,200}\)", re.MULTILINE)


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return [word.lower() for word in _WORD.findall(text[:LOOKED_AT])]


@lru_cache(CACHED)
def asks_for_something(text: str) -> bool:
    """Whether a request asks a question or says what to do; True where it does not look like English."""
    text = text[:LOOKED_AT].replace("’", "'")
    if "?" in text or not _is_english(text):
        return True
    openings = {match[1].lower() for match in _CLAUSE.finditer(text)}
    return bool(openings & _ASKING) or any(_opens_question(part) for part in re.split(r"[.!;\n]", text))


@lru_cache(CACHED)
def asks_for_a_choice(text: str) -> bool:
    """Whether a comparison asks which of two; True where it does not look like English."""
    text = text[:LOOKED_AT]
    return bool(_CHOICE.search(text)) or not _is_english(text)


@lru_cache(CACHED)
def placeholders(text: str) -> tuple[str, ...]:
    """What looks as if something should be put in its place, as it stands, each once."""
    text = text[:LOOKED_AT]
    found = [match[0] for pattern in _PLACEHOLDERS for match in pattern.finditer(text)]
    found += [match[0] for match in _angles(text) if match[2].lower().split()[0] not in _TAGS and not match[1]]
    found = list(dict.fromkeys(found))[:NAMED]
    return tuple(one for one in found if not any(one in other and one != other for other in found))


@lru_cache(CACHED)
def role_labels(text: str) -> tuple[str, ...]:
    """Lines that open like a turn: 'Human:', 'CritiqueRequest:'; and special tokens of chat templates."""
    text = text[:LOOKED_AT]
    labels = [f"{match[1]}:" for match in _LABEL.finditer(text)]
    return tuple(dict.fromkeys([*labels, *(match[0] for match in _SPECIAL.finditer(text))]))


@lru_cache(CACHED)
def markup(text: str) -> tuple[str, ...]:
    """HTML tags and Markdown, as they stand, each once."""
    text = text[:LOOKED_AT]
    tags = [match[0] for match in _angles(text) if match[2].lower().split()[0] in _TAGS]
    return tuple(dict.fromkeys([*tags, *(match[0] for match in _MARKDOWN.finditer(text))]))


@lru_cache(CACHED)
def triples(text: str, most: int) -> frozenset[tuple[str, ...]]:
    """The runs of three words among the first `most`; of fewer words, all of them as one run."""
    said = words(text)[:most]
    if len(said) < 3:
        return frozenset([tuple(said)] if said else [])
    return frozenset(zip(said, said[1:], said[2:], strict=False))


def _angles(text: str) -> list[re.Match[str]]:
    return [match for match in _ANGLES.finditer(text) if not _SPECIAL.fullmatch(match[0])]


def _opens_question(sentence: str) -> bool:
    """'Which parts ...', 'In what way ...'; a question mark is often left out."""
    return any(word in _INTERROGATIVE for word in words(sentence)[:1]) or bool(_IN_WHAT.match(sentence))


def _is_english(text: str) -> bool:
    """Few words say nothing of their language; more have one of the commonest words among them."""
    if any(letter.isalpha() and ord(letter) > 0x24F for letter in text):
        return False
    said = words(text)
    return len(said) < 6 or bool(_ENGLISH & set(said))
