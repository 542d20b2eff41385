"""A constitution's file beside its versions, the other files, and the ways in and out of other formats."""

import streamlit as st

from app.components.changes import changes_in_words, show_changes
from app.components.constitution_choice import go
from app.components.constitution_export import export
from app.components.constitution_upload import from_files
from app.components.notice import act, empty
from app.components.text import caption, chips
from app.components.who import ask_name, keep_author, person_id
from app.resources import workspace
from cai_core.constitution.diff import diff_constitutions
from cai_core.constitution.files import FileState, FileStatus
from cai_core.constitution.load import load_constitution
from cai_core.errors import CAIError, ConstitutionError
from cai_core.store.constitution_files import save_from_file, status, statuses, target, write_version
from cai_core.store.constitutions import load_version, newest_ref

STATES = {
    FileState.SAME: ("same as the newest version", "green"),
    FileState.FILE_CHANGED: ("edited on disk", "orange"),
    FileState.DATABASE_NEWER: ("older than the newest version", "blue"),
    FileState.ONLY_FILE: ("not in the workspace yet", "orange"),
    FileState.ONLY_DATABASE: ("no file", "grey"),
    FileState.UNREADABLE: ("cannot be read", "red"),
}
WHY = "files.why"
LISTED = 50
"""Other files that are listed."""


def files_view(name: str) -> None:
    """The constitution's file and the other files on the left; other formats, out and in, on the right."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("File", anchor=False)
        _own(name)
        _others(name)
    with right:
        st.subheader("Export", anchor=False)
        export(name)
        st.subheader("Import", anchor=False)
        from_files(person_id())


def _own(name: str) -> None:
    if not name:
        empty("No version yet", "Save this draft as a version; then it can be written to a file.")
        return
    with workspace().reading() as session:
        found = status(session, workspace().folder, name)
    if found is None:
        return
    with st.container(border=True, key="own-file"):
        chips([STATES[found.state]], title=found.path.name if found.path else name)
        caption(f"{found.path or target(found, workspace().folder, name)}")
        _says(found)
        if found.state is FileState.FILE_CHANGED:
            _save_form(found)
        if found.state in (FileState.DATABASE_NEWER, FileState.ONLY_DATABASE):
            _write_button(found, overwrite=False)


def _says(found: FileStatus) -> None:
    """How it stands to the versions, in words."""
    said = {
        FileState.SAME: f"It says what {found.ref} says.",
        FileState.FILE_CHANGED: f"It says what no version says; {found.ref} is the newest. Save it as a version, or "
        "write the newest version over it.",
        FileState.DATABASE_NEWER: f"It says what {found.of} says; {found.ref} is the newest.",
        FileState.ONLY_DATABASE: f"No file holds it. {found.ref} can be written there.",
        FileState.ONLY_FILE: "The workspace has no constitution of this name.",
    }
    caption(said.get(found.state, found.error))


def _save_form(found: FileStatus) -> None:
    """What the file changes, and the two ways out."""
    try:
        with workspace().reading() as session:
            changes = diff_constitutions(load_version(session, found.name)[1], load_constitution(found.path or ""))
    except CAIError as error:
        caption(str(error))
        return
    with st.expander("What the file changes", icon=":material/difference:", type="compact", expanded=True):
        caption(changes_in_words(changes))
        show_changes(changes)
    st.text_input("What changed and why", key=WHY, placeholder=f"From {found.path.name if found.path else 'its file'}.")
    ask_name()
    with st.container(horizontal=True):
        st.button(
            "Save as a new version",
            type="primary",
            icon=":material/save:",
            on_click=act,
            args=(_save, found.name),
        )
        with st.popover("Write over it", icon=":material/file_save:"):
            caption(f"{found.ref} takes its place, and what was edited in the file is gone.")
            _write_button(found, overwrite=True)


def _write_button(found: FileStatus, *, overwrite: bool) -> None:
    st.button(
        "Write over the file" if overwrite else "Write the newest version to the file",
        icon=":material/file_save:",
        key=f"files.write.{overwrite}",
        on_click=act,
        args=(_write, found.name, overwrite),
    )


def _save(name: str) -> str:
    """Save what the file says at this moment."""
    author, why = keep_author(), str(st.session_state.get(WHY) or "").strip()
    with workspace().writing() as session:
        found = status(session, workspace().folder, name)
        if found is None or found.path is None or found.state is FileState.UNREADABLE:
            raise ConstitutionError(f"the file of {name!r} cannot be read any more; look at it again.")
        before = newest_ref(session, name)
        saved = save_from_file(session, found.path, author, why)
    st.session_state.pop(WHY, None)
    go(version=saved)
    return f"Saved as {saved}." if saved != before else f"{saved} says the same already. No version was made."


def _write(name: str, overwrite: bool) -> str:
    with workspace().reading() as session:
        path = write_version(session, name, workspace().folder, overwrite=overwrite)
        ref = newest_ref(session, name)
    return f"{ref} stands in {path}."


def _others(name: str) -> None:
    """Files of other constitutions that differ from the workspace, or that nobody can read."""
    with workspace().reading() as session:
        found = statuses(session, workspace().folder)
    quiet = (FileState.SAME, FileState.ONLY_DATABASE)
    others = [one for one in found if one.name != name and one.state not in quiet]
    if others:
        st.subheader("Other files", anchor=False)
    for one in others[:LISTED]:
        with st.container(border=True):
            chips([STATES[one.state]], title=one.name)
            caption(one.error or str(one.path))
            if one.state is FileState.ONLY_FILE:
                st.button(
                    "Bring it in",
                    icon=":material/add:",
                    key=f"files.bring.{one.path}",
                    on_click=act,
                    args=(_save, one.name),
                )
            elif one.ref:
                st.button("Open", type="tertiary", key=f"files.open.{one.path}", on_click=_open, args=(one.ref,))
    if len(others) > LISTED:
        caption(f"and {len(others) - LISTED} more.")


def _open(ref: str) -> None:
    go(version=ref)
