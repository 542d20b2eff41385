"""Storage: what is shown, a backup, and a removal that says what goes."""

from html import unescape

import pytest
from sqlalchemy import select

from cai_core.store import workspace_backups
from cai_core.store.workspace import Workspace
from db.schema import RunRow
from tests.app.conftest import Visit, press, words


def runs(workspace: Workspace) -> list[int]:
    with workspace.reading() as session:
        return list(session.scalars(select(RunRow.id).order_by(RunRow.id)))


def test_a_removal_names_what_needs_it_and_takes_it_along_only_if_told(visit: Visit, loop: Workspace) -> None:
    app = visit("storage")
    assert "Database" in list(app.dataframe[0].value["Kind"])
    app.selectbox(key="storage.which.run").set_value(6).run()
    assert "run 7 (battles) reads from run 6" in words(app)
    app.toggle(key="storage.sure.run.6").set_value(True).run()
    assert next(b for b in app.button if b.label == "Remove").disabled
    app.toggle(key="storage.along.run.6").set_value(True).run()
    press(app, "Remove")
    assert "run 6 is removed: 2 runs" in words(app)
    assert runs(loop) == [1, 2, 3, 4, 5]


def test_a_backup_is_written_and_a_full_disk_is_said(
    visit: Visit, loop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("storage")
    press(app, "Back up this workspace")
    assert "is written and checked" in words(app)
    assert len(list((loop.folder / "backups").glob("*.tar"))) == 1

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workspace_backups, "_write", full)
    press(app, "Back up this workspace")
    assert "cannot be written: No space left on device. Make room there" in unescape(words(app))
    assert not app.exception
    assert len(list((loop.folder / "backups").iterdir())) == 1
