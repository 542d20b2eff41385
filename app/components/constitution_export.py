"""A version as the files of another format: first what that format cannot hold, then the download."""

import io
import zipfile
from collections.abc import Mapping

import streamlit as st

from app.components.notice import problem
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.constitution.files import file_name
from cai_core.constitution.load import constitution_hash
from cai_core.errors import CAIError
from cai_core.interchange.formats import NAMES, WRITERS, write
from cai_core.interchange.report import Export
from cai_core.store.constitutions import load_version
from cai_core.types import Constitution
from db.queries.version_history import newest_number

FORMAT, VERSION = "export.format", "export.version"
WRITTEN_AT = (1980, 1, 1, 0, 0, 0)
"""In an archive: the same version makes the same bytes."""


def export(name: str) -> None:
    """A select of the version and one of the format, what is lost, and the button."""
    if not name:
        caption("Save this draft as a version; then it can be exported.")
        return
    with workspace().reading() as session:
        newest = newest_number(session, name)
    with st.container(border=True, key="export"):
        left, right = st.columns([2, 3])
        number = left.selectbox(
            "Version",
            list(range(newest, 0, -1)),
            format_func=lambda one: f"{name}@{one}",
            key=f"{VERSION}.{name}",
        )
        chosen = right.selectbox("Format", list(WRITERS), format_func=NAMES.__getitem__, key=FORMAT)
        with workspace().reading() as session:
            constitution = load_version(session, f"{name}@{number or newest}")[1]
        try:
            written = _written(constitution_hash(constitution), str(chosen), constitution)
        except CAIError as error:
            problem(str(error))
            return
        _lost(written)
        _download(written, f"{name}@{number}", str(chosen))


@st.cache_data(max_entries=32, show_spinner=False)
def _written(_hash: str, format: str, _constitution: Constitution) -> Export:
    return write(_constitution, format)


def _lost(written: Export) -> None:
    if not written.lost:
        chips([("nothing is lost", "green")], note="Read back, it is the same constitution.")
        return
    with st.container(gap="xsmall"):
        chips([("is lost", "orange")], note="What this format cannot hold:")
        for one in written.lost:
            caption(f"– {one}")


def _download(written: Export, ref: str, format: str) -> None:
    several = len(written.files) > 1
    name, text = next(iter(written.files.items()))
    stem = file_name(ref).removesuffix(".yaml")
    st.download_button(
        "Download as one archive" if several else "Download",
        archive(written.files) if several else text.encode(),
        file_name=f"{stem}-{format}.zip" if several else name,
        icon=":material/download:",
        key="export.download",
        on_click="ignore",
    )
    caption(" · ".join(written.files))


def archive(files: Mapping[str, str]) -> bytes:
    """Some files as a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name, WRITTEN_AT), text.encode())
    return packed.getvalue()
