"""Keys of what must outlive a page switch: plain session state, listed once."""

NOTICE = "notice"
"""What the last click did or why it could not, shown once at the top of the next page."""

DRAFTS = "constitutions.drafts"
"""The edited, unsaved constitutions by the version each began from: `app.components.draft.Draft`."""

GO_TO = "go_to"
"""A page and its query that a callback wants opened: it cannot switch by itself."""

CLONE_OF = "launch.clone_of"
"""Id of the run whose settings Launch starts from, and the clone's number."""

CLONES = "launch.clones"
"""How many runs were cloned in this session."""


def pager(page: str) -> str:
    """Stack of the ids that earlier keyset pages began after."""
    return f"{page}.after"
