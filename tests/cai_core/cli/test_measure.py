"""`cai-studio db measure`."""

import json

from sqlalchemy import select, update

from cai_core.store.workspace import Workspace
from db.schema_chains import RevisionRow
from tests.app.seed import fill
from tests.cai_core.cli.conftest import Call
from tests.workspaces import opened as opened


def test_it_measures_what_is_not_measured_and_says_how_much(opened: Workspace, call: Call) -> None:
    """Twice: there is nothing left to do."""
    with opened.writing() as session:
        fill(session, 3)
        before = session.scalars(select(RevisionRow.changed).order_by(RevisionRow.id)).all()
        session.execute(update(RevisionRow).values(found=None, changed=None, longer=None))
    assert call("db", "measure")[0] == "6 chains measured.\n"
    assert json.loads(call("db", "measure", "--json")[0]) == {"measured": 0}
    with opened.reading() as session:
        assert session.scalars(select(RevisionRow.changed).order_by(RevisionRow.id)).all() == before
