"""Storage: what takes the disk, a backup of the whole, and removal."""

import streamlit as st

from app.components.notice import act, problem
from app.components.remove_things import remove_things
from app.components.storage_tables import storage_tables
from app.components.text import caption
from app.resources import workspace
from cai_core.errors import CAIError
from cai_core.store import workspace_backups
from cai_core.store.disk import disk_use, in_words


def back_up() -> str:
    """Write an archive into the workspace's backups."""
    with st.spinner("Copying the database and the files of all models"):
        folder = workspace().folder
        done = workspace_backups.back_up(folder, workspace_backups.default_name(folder))
    return f"{done.file}, {in_words(done.bytes)}, is written and checked. Not in it: {'; '.join(done.left_out)}."


st.title("Storage")
try:
    found = disk_use(workspace())
except (CAIError, OSError) as error:
    problem(str(error))
    st.stop()
storage_tables(found)
st.subheader("Back up")
caption(
    "The database and the files of all models in one archive, while the workspace is in use; every file is checked. "
    "`cai-studio db restore --full FILE -w NEW` unpacks it. Checkpoints and logs are not in it."
)
st.button("Back up this workspace", icon=":material/archive:", on_click=act, args=(back_up,))
st.subheader("Remove")
caption("What needs it is named first. Prompts are removed on their own page.")
remove_things()
