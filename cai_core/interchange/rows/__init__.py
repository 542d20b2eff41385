"""Files of rows: prompts, examples, pairs and chains of many makers, read and written a row at a time."""

from cai_core.interchange.rows.formats import FORMATS, Format
from cai_core.interchange.rows.nouns import (
    About,
    Item,
    ReadChain,
    ReadExample,
    ReadPair,
    ReadPrompt,
    ReadRecord,
    ReadStep,
    Refused,
    ToldModel,
    ToldReview,
    ToldRun,
    ToldScore,
    ToldScores,
    ToldVersion,
    prompt_of,
)
from cai_core.interchange.rows.read import Reading, read_rows
from cai_core.interchange.rows.recognise import FileKind
from cai_core.interchange.rows.render import WRITERS, Style
from cai_core.interchange.rows.write import Export, write_rows

__all__ = [
    "FORMATS",
    "WRITERS",
    "About",
    "Export",
    "FileKind",
    "Format",
    "Item",
    "ReadChain",
    "ReadExample",
    "ReadPair",
    "ReadPrompt",
    "ReadRecord",
    "ReadStep",
    "Reading",
    "Refused",
    "Style",
    "ToldModel",
    "ToldReview",
    "ToldRun",
    "ToldScore",
    "ToldScores",
    "ToldVersion",
    "prompt_of",
    "read_rows",
    "write_rows",
]
