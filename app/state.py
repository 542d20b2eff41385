"""Keys of what must outlive a page switch: plain session state, listed once."""

NOTICE = "notice"
"""What the last click did or why it could not, shown once at the top of the next page."""

OPEN = "constitutions.open"
"""The address of the constitution that was read or edited last, to return to by the sidebar."""

GOES_ON = "constitutions.goes_on"
"""Where an edit led: the address of the draft it began, or of the version that it left nothing to save of."""

RESUMED = "constitutions.resumed"
"""Drafts that were begun again after another tab had saved or discarded them: old id to new."""

MERGING = "constitutions.merging"
"""Id of the draft whose merge with a newer version is being chosen."""

GO_TO = "go_to"
"""A page and its query that a callback wants opened: it cannot switch by itself."""

DRAFT_FROM = "drafting.from"
"""A response that a principle is to be drafted from: {"conversation": turns, "response": text}."""

CLONE_OF = "launch.clone_of"
"""Id of the run whose settings Launch starts from, and the clone's number."""

CLONES = "launch.clones"
"""How many runs were cloned in this session."""


def pager(page: str) -> str:
    """Stack of the ids that earlier keyset pages began after."""
    return f"{page}.pages"  # not a key of one of its buttons
