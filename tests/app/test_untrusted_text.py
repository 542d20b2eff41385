"""Untrusted text is drawn as it is, everywhere; Streamlit's Markdown calls get literals only."""

import ast
import html
import json
import re
from collections.abc import Container
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from app.components.text import chip
from app.components.word_diff import diff_html
from cai_core.store.workspace import Workspace
from db.schema import (
    ComparisonRow,
    ConstitutionRow,
    ConstitutionVersionRow,
    LabelRow,
    ModelRow,
    PrincipleRow,
    PromptRow,
    RunRow,
)
from db.schema_asks import AskPartRow, AskRow
from db.schema_battles import BattleRow
from db.schema_chains import ChainRow, RevisionRow
from tests.app.conftest import VIEWS, Visit, drawn_html

APP = Path(__file__).parents[2] / "app"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> ![x](http://tracker.example/?q=1) $5 and $10 "
    "# heading\n:red[red] :smile: :material/home: [link](javascript:alert(1)) </div><style>*{display:none}</style>"
)
LABELS = {
    "markdown", "write", "caption", "title", "header", "subheader", "info", "warning", "error", "success", "toast",
    "badge", "metric", "button", "expander", "popover", "radio", "link_button", "exception", "form_submit_button",
    "checkbox", "toggle", "tabs", "status", "spinner", "write_stream", "chat_message", "selectbox", "multiselect",
    "segmented_control", "pills", "number_input", "text_input", "text_area", "slider", "select_slider", "date_input",
    "time_input", "file_uploader", "color_picker", "camera_input", "audio_input", "download_button", "menu_button",
    "feedback", "data_editor", "table", "progress", "page_link", "dialog", "image", "Column", "TextColumn",
    "NumberColumn", "ProgressColumn", "DatetimeColumn", "MultiselectColumn",
}  # fmt: skip
"""What reads Markdown in its first argument or in one of `WORDS`."""
PLAIN_FIRST = {"page_link", "progress", "data_editor", "image", "table"}
"""Of those, whose first argument is no text."""
WITH_OPTIONS = {"radio", "pills", "segmented_control", "tabs", "select_slider"}
"""Whose options read Markdown too; those of a selectbox are literal."""
WORDS = {"label", "body", "help", "text", "caption", "captions", "delta", "title", "summary"}
NUMERIC = re.compile(r"[,.\d]*[dfge%]")
DOCSTRINGS = {"label(name)", "field['enum']", "field['description']", "fields[name]['description']"}
"""Names and docstrings of a config's fields: text of ours."""
PASSED_ON = {"notice.py": {"label"}}
"""Parameters that a file hands on; who calls it is held to the rule, see `empty` below."""


def literal(node: ast.expr | None) -> bool:
    """Text of ours: a constant, one out of an upper-case table, or numbers alone, whose format refuses text."""
    if isinstance(node, ast.JoinedStr):
        values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        return all(_number(part) or literal(part.value) for part in values)
    if isinstance(node, ast.IfExp):
        return literal(node.body) and literal(node.orelse)
    if isinstance(node, ast.List | ast.Tuple):
        return all(literal(one) for one in node.elts)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "list":
        return len(node.args) == 1 and literal(node.args[0])
    if isinstance(node, ast.Subscript | ast.Attribute) and ast.unparse(node) not in DOCSTRINGS:
        return isinstance(node.value, ast.Name) and node.value.id.isupper()
    named = isinstance(node, ast.Name) and (node.id.isupper() or node.id == "RunKind")
    return named or isinstance(node, ast.Constant) or ast.unparse(node or ast.Constant(None)) in DOCSTRINGS


def _number(part: ast.FormattedValue) -> bool:
    return bool(part.format_spec and NUMERIC.fullmatch(ast.unparse(part.format_spec)[2:-1]))


def read_as_markdown(node: ast.Call) -> list[ast.expr]:
    """The arguments of a call that Streamlit reads as Markdown."""
    if isinstance(node.func, ast.Name):
        return node.args[3:4] if node.func.id == "empty" else []
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name not in LABELS:
        return []
    most = len(node.args) if name in ("write", "metric") else 2 if name in WITH_OPTIONS else 1
    first = node.args[len(node.args[:1]) if name in PLAIN_FIRST else 0 : most]
    words = WORDS | ({"options", "format_func"} if name in WITH_OPTIONS else set())
    return [*first, *(keyword.value for keyword in node.keywords if keyword.arg in words)]


def offences(source: str, passed_on: Container[str] = ()) -> list[str]:
    """Calls that hand a value to Markdown, or switch HTML or scripts on."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        values = [value for value in read_as_markdown(node) if ast.unparse(value) not in passed_on]
        if any((k.arg or "").startswith("unsafe_allow") for k in node.keywords) or not all(map(literal, values)):
            found.append(ast.unparse(node))
    return found


def test_markdown_calls_get_literals_only() -> None:
    """In every file of the app."""
    found = {path.name: offences(path.read_text(), PASSED_ON.get(path.name, ())) for path in APP.rglob("*.py")}

    assert {name: calls for name, calls in found.items() if calls} == {}


def test_the_rule_catches_what_it_should() -> None:
    """Values, text formats and unsafe HTML; in labels, in help, in options."""
    for bad in (
        "st.write(text)",
        "st.write('a', text)",
        "left.caption(f'{name}')",
        "st.error(f'{name:>10}')",
        "st.html(x, unsafe_allow_javascript=True)",
        "st.selectbox(name, options)",
        "st.text_input('Name', value, help=text)",
        "st.segmented_control('View', names)",
        "st.segmented_control('View', VIEWS, format_func=names.get)",
        "st.page_link('views/runs.py', label=name)",
        "column.number_input(f'{kind} run', 0)",
        "empty('what', 'remedy', 'views/runs.py', name)",
        "st.column_config.TextColumn(name)",
    ):
        assert offences(bad), bad
    for good in (
        "st.caption(f'{n:,d} rows, {share:.0%}')",
        "st.selectbox('Run', names, index=None, placeholder=name)",
        "st.segmented_control('View', VIEWS, format_func=TITLES.__getitem__)",
        "st.page_link(page, label=LINKS[step.page])",
        "st.text_input('Title', shown.title)",
        "st.toggle(label(name), value, help=fields[name]['description'])",
    ):
        assert not offences(good), good


@given(st.text(), st.text())
def test_a_diff_keeps_every_character_and_adds_no_markup(old: str, new: str) -> None:
    """Without the two tags, and unescaped, a diff is the two texts."""
    drawn = diff_html(old, new)
    without_deleted = re.sub(r"<del [^>]*>.*?</del>", "", drawn, flags=re.DOTALL)
    without_inserted = re.sub(r"<ins [^>]*>.*?</ins>", "", drawn, flags=re.DOTALL)

    assert html.unescape(re.sub(r"</?ins[^>]*>", "", without_deleted)) == html.unescape(html.escape(new))
    assert html.unescape(re.sub(r"</?del[^>]*>", "", without_inserted)) == html.unescape(html.escape(old))


@given(st.text())
def test_a_chip_s_text_is_escaped(text: str) -> None:
    """Nothing in it closes the tag."""
    assert chip(text).count("<") == 2


def spoil(session: Session) -> None:
    """Hostile text in every column that a person, a file or a model fills."""
    one_line = HOSTILE.replace("\n", " ")
    for prompt in session.scalars(select(PromptRow)):
        prompt.topic = one_line
    session.get_one(PromptRow, session.get_one(ChainRow, 1).prompt_id).turns = [{"role": "user", "content": HOSTILE}]
    session.get_one(ChainRow, 1).response = session.get_one(ChainRow, 1).error = HOSTILE
    session.get_one(RevisionRow, 1).critique = session.get_one(RevisionRow, 1).revision = HOSTILE
    session.get_one(ComparisonRow, 1).response_a = HOSTILE
    session.get_one(LabelRow, 1).error = HOSTILE
    for principle in session.scalars(select(PrincipleRow)):
        principle.title, principle.tags = one_line, [one_line]
    session.get_one(BattleRow, 1).response_a.text = HOSTILE
    for version in session.scalars(select(ConstitutionVersionRow)):
        version.description = version.author = version.message = HOSTILE
    for constitution in session.scalars(select(ConstitutionRow).where(ConstitutionRow.name == "sandbox")):
        constitution.name = one_line
    for model in session.scalars(select(ModelRow)):
        model.name = f"{one_line} {model.id}"
    for part in session.scalars(select(AskPartRow)):
        part.text = part.rendered = part.thinking = HOSTILE
    session.get_one(AskRow, 1).error = HOSTILE
    session.get_one(AskRow, 1).request = {"turns": [{"role": "user", "content": HOSTILE}], "few_shots": 0}
    for run in session.scalars(select(RunRow)):
        run.note, run.error = HOSTILE, HOSTILE
    session.get_one(RunRow, 2).state = "failed"
    rated, models = session.get_one(RunRow, 7), list(session.scalars(select(ModelRow)))
    snapshots = [{**snapshot, "name": f"{HOSTILE} {n}"} for n, snapshot in enumerate(rated.result["snapshots"])]
    for snapshot, model in zip(snapshots, models, strict=False):
        snapshot["model"] = model.name
    rated.result = {**rated.result, "snapshots": snapshots}


@pytest.fixture
def hostile(loop: Workspace) -> Workspace:
    """The loop with hostile text in it."""
    with loop.writing() as session:
        spoil(session)
    return loop


ROWS = [*((view, {}) for view in VIEWS), ("chains", {"chain": "1"}), ("comparisons", {"comparison": "1"})]
ROWS += [("runs", {"run": str(run)}) for run in (1, 2, 6, 7)] + [
    ("models", {"model": "1"}),
    ("launch", {"stage": "rl"}),
    ("playground", {"ask": "1"}),
    ("playground", {"ask": "2"}),
]
TEXTS = ("label", "help", "body", "text", "value")
SHOWN_AS_MARKDOWN = (
    "markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success", "metric", "button",
    "toggle", "checkbox", "selectbox", "multiselect", "number_input", "text_input", "text_area", "segmented_control",
    "page_link", "progress", "expander", "tabs", "popover", "form_submit_button",
)  # fmt: skip


def assert_nothing_is_markup(app: AppTest) -> None:
    """No element reads the hostile text as Markdown, as HTML, or as the tags that Plotly knows."""
    assert not app.exception
    drawn = drawn_html(app)
    for tag in ("<script", "<img", "<style"):
        assert tag not in drawn
    for kind in SHOWN_AS_MARKDOWN:
        for element in app.get(kind):
            texts = [str(getattr(element.proto, name, "")) for name in TEXTS if name != "value" or kind == "metric"]
            options = [str(option) for option in getattr(element.proto, "options", ())]
            read = texts + (options if kind == "segmented_control" else [])
            assert "tracker.example" not in "".join(read), (kind, read)
    for chart in app.get("plotly_chart"):
        spec = json.dumps(json.loads(chart.proto.spec), ensure_ascii=False)
        for tag in ("<script", "<img", "<style", "<a "):
            assert tag not in spec


@pytest.mark.parametrize(("view", "query"), ROWS)
def test_hostile_text_is_never_markup(view: str, query: dict[str, str], visit: Visit, hostile: Workspace) -> None:
    """No page hands it to Markdown, and in HTML and in charts it is escaped."""
    assert_nothing_is_markup(visit(view, **query))


def test_hostile_text_is_drawn_in_the_other_views(visit: Visit, hostile: Workspace) -> None:
    """Those behind a press: and it is there to be seen."""
    for view, key, names in (
        ("ratings", "ratings.view", ("Plane", "Gold rates", "Battles")),
        ("constitutions", "constitutions.view", ("Few-shots", "History", "Principles")),
    ):
        app = visit(view)
        for name in names:
            app.segmented_control(key=key).set_value(name).run()
            assert_nothing_is_markup(app)
            charts = "".join(chart.proto.spec for chart in app.get("plotly_chart"))
            assert name == "Few-shots" or "tracker.example" in drawn_html(app) + charts


def test_the_reader_shows_it_character_by_character(visit: Visit, hostile: Workspace) -> None:
    """All of it, in order."""
    assert html.escape(HOSTILE) in drawn_html(visit("chains", chain="1"))
