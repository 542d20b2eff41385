"""One base error; its children say which kind of thing was wrong.

Every message has three parts: what is wrong with which value, what is accepted, what to do. A page shows the
message by `st.error`, the command line prints it and exits with code 2; only errors that are not a `CAIError`
are bugs and reach a log as a traceback.
"""


class CAIError(Exception):
    """Something the user can mend; its text is meant for them."""


class ConstitutionError(CAIError, ValueError):
    """A constitution or one of its principles cannot be used."""


class PromptError(CAIError, ValueError):
    """A prompt or a file of prompts cannot be used."""


class DataFileError(CAIError, ValueError):
    """A file of rows (prompts, examples, pairs, chains) cannot be read or written."""


class DatasetError(CAIError, ValueError):
    """A dataset cannot be frozen, found or used."""


class CaseError(CAIError, ValueError):
    """A case, or a file of cases, cannot be used."""


class ReviewError(CAIError, ValueError):
    """A verdict, its note or a saved filter cannot be kept or found."""


class PersonError(CAIError, ValueError):
    """A person's name cannot be used."""


class ModelError(CAIError, ValueError):
    """A model, adapter or tokenizer cannot be loaded, or does not fit its role."""


class RunError(CAIError, RuntimeError):
    """A run cannot be enqueued, started, resumed or read."""


class WorkspaceError(CAIError, RuntimeError):
    """A workspace folder or its database cannot be used."""
