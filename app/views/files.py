"""Files: prompts and chains come in, chains, prompts and datasets go out."""

import streamlit as st

from app.components.chain_files import download, upload
from app.resources import workspace
from db.queries.datasets import dataset_names
from db.queries.models import prompt_sources

st.title("Files")
st.subheader("Bring in")
upload()
st.subheader("Write out")
with workspace().reading() as session:
    names, sources = dataset_names(session), prompt_sources(session)
download(names, sources)
