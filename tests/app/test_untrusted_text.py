"""Untrusted text is drawn as it is, everywhere; Streamlit's Markdown calls get literals only."""

import ast
import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.components.text import chip
from app.components.word_diff import diff_html
from cai_core.store.workspace import Workspace
from db.schema import BattleRow, ChainRow, ComparisonRow, ModelRow, PrincipleRow, PromptRow, RevisionRow, RunRow
from tests.app.conftest import VIEWS, Visit, drawn_html

APP = Path(__file__).parents[2] / "app"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> ![x](http://tracker.example/?q=1) $5 and $10 "
    "# heading\n:red[red] :smile: :material/home: [link](javascript:alert(1)) </div><style>*{display:none}</style>"
)
MARKDOWN = {
    "markdown", "write", "caption", "title", "header", "subheader", "info", "warning", "error", "success", "toast",
    "badge", "metric", "button", "expander", "popover", "radio", "link_button", "exception", "form_submit_button",
    "checkbox", "toggle", "tabs", "status", "spinner", "write_stream", "chat_message",
}  # fmt: skip
NUMERIC = re.compile(r"[,.\d]*[dfge%]")


def literal(node: ast.expr | None) -> bool:
    """A string without any value in it, or with numbers alone: a format such as `,d` refuses text."""
    if isinstance(node, ast.JoinedStr):
        values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        return all(part.format_spec and NUMERIC.fullmatch(ast.unparse(part.format_spec)[2:-1]) for part in values)
    if isinstance(node, ast.IfExp):
        return literal(node.body) and literal(node.orelse)
    # `label` words the name of a config's field: text of ours.
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "label"
    return named or isinstance(node, ast.Constant)


def offences(source: str) -> list[str]:
    """Calls that hand a value to Markdown, or switch HTML or scripts on."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in MARKDOWN and node.args and not literal(node.args[0]):
                found.append(ast.unparse(node))
            if any((k.arg or "").startswith("unsafe_allow") for k in node.keywords):
                found.append(ast.unparse(node))
    return found


def test_markdown_calls_get_literals_only() -> None:
    """In every file of the app."""
    found = {path.name: offences(path.read_text()) for path in APP.rglob("*.py")}

    assert {name: calls for name, calls in found.items() if calls} == {}


def test_the_rule_catches_what_it_should() -> None:
    """Values, text formats and unsafe HTML."""
    assert offences("st.write(text)")
    assert offences("left.caption(f'{name}')")
    assert offences("st.error(f'{name:>10}')")
    assert offences("st.html(x, unsafe_allow_javascript=True)")
    assert not offences("st.caption(f'{n:,d} rows, {share:.0%}')")


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


@pytest.fixture
def hostile(loop: Workspace) -> Workspace:
    """The loop with hostile text in every column that a person or a model fills."""
    with loop.writing() as session:
        session.get_one(PromptRow, session.get_one(ChainRow, 1).prompt_id).turns = [
            {"role": "user", "content": HOSTILE}
        ]
        session.get_one(ChainRow, 1).response = HOSTILE
        session.get_one(RevisionRow, 1).critique = session.get_one(RevisionRow, 1).revision = HOSTILE
        session.get_one(ComparisonRow, 1).response_a = HOSTILE
        session.get_one(PrincipleRow, session.get_one(RevisionRow, 1).principle_id).title = HOSTILE
        session.get_one(BattleRow, 1).response_a.text = HOSTILE
        for run in session.query(RunRow):
            run.note, run.error = HOSTILE, HOSTILE
        session.get_one(ModelRow, 1).name = HOSTILE.replace("\n", " ")
    return loop


ROWS = [*((view, {}) for view in VIEWS), ("chains", {"chain": "1"}), ("comparisons", {"comparison": "1"})]
ROWS += [("runs", {"run": str(run)}) for run in (1, 6, 7)] + [("models", {"model": "1"})]


@pytest.mark.parametrize(("view", "query"), ROWS)
def test_hostile_text_is_never_markup(view: str, query: dict[str, str], visit: Visit, hostile: Workspace) -> None:
    """No page hands it to Markdown, and in HTML it is escaped."""
    app = visit(view, **query)

    assert not app.exception
    drawn = drawn_html(app)
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "<style" not in drawn
    for kind in ("markdown", "caption", "title", "subheader", "error", "warning", "info", "metric"):
        for element in getattr(app, kind):
            assert "tracker.example" not in str(element.value)
            assert "tracker.example" not in str(getattr(element, "label", ""))
    for element in (*app.button, *app.toggle):
        assert "tracker.example" not in element.label


def test_the_reader_shows_it_character_by_character(visit: Visit, hostile: Workspace) -> None:
    """All of it, in order."""
    assert html.escape(HOSTILE) in drawn_html(visit("chains", chain="1"))
