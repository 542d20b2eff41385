"""Principles: the overview, a record, and the way from each figure to its rows."""

import json

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from app.components.principle_disagreement import figure
from cai_core.store.workspace import Workspace
from db.queries.disagreements import Both
from db.queries.principles import PlacedPrinciple
from db.schema import (
    ComparisonRow,
    ConstitutionRow,
    ConstitutionVersionRow,
    LabelOrderRow,
    LabelRow,
    PrincipleRow,
    VersionPrincipleRow,
)
from db.schema_chains import RevisionRow
from tests.app.conftest import Visit, drawn_html, links, press, words


def of(session: Session, slug: str) -> PrincipleRow:
    """The sandbox's principle of this id."""
    rows = select(PrincipleRow).join(VersionPrincipleRow).join(ConstitutionVersionRow).join(ConstitutionRow)
    return session.scalars(rows.where(PrincipleRow.slug == slug, ConstitutionRow.name == "sandbox")).one()


def shared(loop: Workspace, one: str, other: str, *, pairs: int, differ: int) -> None:
    """Label some comparisons under both, as one model's run would."""
    with loop.writing() as session:
        rows = [of(session, slug).id for slug in (one, other)]
        for table in (LabelOrderRow, LabelRow):
            session.execute(delete(table))
        for number, pair in enumerate(session.scalars(select(ComparisonRow.id).limit(pairs))):
            for principle, p_a in zip(rows, (0.9, 0.2 if number < differ else 0.7), strict=True):
                session.add(
                    LabelRow(
                        run_id=4,
                        comparison_id=pair,
                        principle_id=principle,
                        state="labelled",
                        p_a=p_a,
                        order_disagrees=False,
                    )
                )


def value(app: AppTest, name: str) -> str:
    """What the card of a figure says."""
    card = next(html.value for html in app.html if f">{name}</div>" in html.value)
    return str(card).split('font-weight:600;line-height:1.4">')[1].split("<")[0]


def test_the_overview_counts_what_was_drawn(visit: Visit, loop: Workspace) -> None:
    """Every principle of the version in a row, its rounds and labels all there."""
    with loop.reading() as session:
        rounds, labels = (
            len(session.scalars(select(RevisionRow.id)).all()),
            len(session.scalars(select(LabelRow.id)).all()),
        )
    app = visit("principles")
    table = app.dataframe[0].value

    assert not app.exception
    assert (table["Rounds"].sum(), table["Labels"].sum()) == (rounds, labels)
    assert set(table["Found"].dropna()) <= {100.0}, "the seed's critiques all ask for something"
    assert table["Found"].isna().tolist() == (table["Rounds"] == 0).tolist()
    assert "No pair is labelled under two of these principles" in words(app)
    assert "Launch a labels run" in links(app)


def test_intervals_are_shown_on_demand(visit: Visit, loop: Workspace) -> None:
    """Beside every share and mean."""
    app = visit("principles")
    app.toggle(key="principles.spans").set_value(True).run()
    table = app.dataframe[0].value

    assert not app.exception
    assert table["Found"].dropna().str.fullmatch(r"100 %  \(\d+ to 100 %\)").all()
    assert table["Words"].dropna().str.contains(" to ").any()


def test_a_record_says_what_the_rows_say(visit: Visit, loop: Workspace) -> None:
    """By hand: four rounds of the principle, one found nothing, one could not be told."""
    with loop.writing() as session:
        one, other = of(session, "privacy"), of(session, "theft")
        session.execute(update(RevisionRow).values(principle_id=other.id))
        for row_id, (found, changed, longer) in enumerate(
            ((True, 0.5, 4), (True, 0.3, -1), (False, 0.0, 0), (None, 0.0, 1)), start=1
        ):
            measured = {"found": found, "changed": changed, "longer": longer}
            row = update(RevisionRow).where(RevisionRow.id == row_id)
            session.execute(row.values(principle_id=one.id, **measured))
        session.execute(update(LabelRow).values(principle_id=other.id))
        for row_id, p_a in enumerate((0.9, 0.8, 0.2, None), start=1):
            state = "unparseable" if p_a is None else "labelled"
            row = update(LabelRow).where(LabelRow.id == row_id)
            session.execute(row.values(principle_id=one.id, p_a=p_a, state=state, order_disagrees=row_id == 3))
    app = visit("principles", version="sandbox@1", principle="privacy")

    assert not app.exception
    said = {name: value(app, name) for name in ("Drawn for critiques", "Critique found something", "Longer, in words")}
    assert said == {"Drawn for critiques": "4", "Critique found something": "67 %", "Longer, in words": "+1.0"}
    assert value(app, "Words that revisions changed") == "20 %"
    labels = ("Labels", "Prefers response A", "Its two orders disagree", "Could not tell")
    assert [value(app, name) for name in labels] == ["4", "67 %", "33 %", "25 %"]
    html = drawn_html(app)
    assert "of 3 critiques, 1 could not be told" in html
    assert "50 % left as they were" in html
    assert "95 %: 21 to 94 %" in html, "Wilson's interval of two in three"


def test_every_figure_leads_to_its_rows(visit: Visit, loop: Workspace) -> None:
    """A press lists the rows behind; each button lists something else."""
    with loop.writing() as session:
        session.execute(update(RevisionRow).where(RevisionRow.id % 2 == 0).values(found=False))
        shown = {
            flag: set(
                session.scalars(
                    select(RevisionRow.chain_id)
                    .join(PrincipleRow)
                    .where(PrincipleRow.slug == "harm", RevisionRow.found.is_(flag))
                )
            )
            for flag in (True, False)
        }
    app = visit("principles", version="sandbox@1", principle="harm")
    for label, flag in (("Nothing", False), ("Something", True)):
        press(app, f":blue[{label}]")
        listed = set(app.dataframe[0].value["Chain"])
        assert listed
        assert listed <= shown[flag]
    press(app, ":blue[All labels]")
    assert {"Pair", "p(A)"} <= set(app.dataframe[0].value)
    press(app, ":blue[Could not tell]")
    assert "There is none." in drawn_html(app)


def test_examples_page_on(visit: Visit, loop: Workspace) -> None:
    """Older ones follow, none twice; another figure begins anew."""
    with loop.writing() as session:
        session.execute(update(RevisionRow).values(principle_id=of(session, "harm").id))
    app = visit("principles", version="sandbox@1", principle="harm")
    first = list(app.dataframe[0].value["Chain"])
    app.button(key="principles.examples.on").click().run()
    second = list(app.dataframe[0].value["Chain"])
    press(app, ":blue[All rounds]")

    assert len(first) == len(second) == 10
    assert min(first) >= max(second)
    assert list(app.dataframe[0].value["Chain"]) == first


def test_disagreement_is_drawn_and_listed(visit: Visit, loop: Workspace) -> None:
    """On the map, in the record's table, and the pairs themselves."""
    shared(loop, "harm", "privacy", pairs=8, differ=2)
    spec = visit("principles").get("plotly_chart")[0].proto.spec
    texts = next(trace for trace in json.loads(spec)["data"] if trace.get("mode") == "text")
    assert texts["text"] == ["8", "8"]
    assert texts["customdata"][0][2:4] == ["25 %", "7 to 59 %"]

    app = visit("principles", version="sandbox@1", principle="harm")
    against, pairs = app.dataframe[-2].value, app.dataframe[-1].value
    assert against.to_dict("records") == [
        {"Other principle": "Privacy", "Differ": 25.0, "95 %": "7 to 59 %", "Pairs": 8}
    ]
    assert sorted(pairs["Pair"]) == [1, 2]
    assert set(pairs["p(A), harm"]) == {0.9}
    assert set(pairs["p(A), privacy"]) == {0.2}


def test_the_map_is_blank_without_pairs_and_pale_with_few() -> None:
    """No pair in common is nothing, never 0; fewer than five have a number and no colour."""
    three = [
        PlacedPrinciple(slug, slug, "harmlessness", (), 1.0, True, None, None, "c", n, (n,))
        for n, slug in enumerate("abc", start=1)
    ]
    cells = {("a", "b"): Both(4, 2), ("b", "c"): Both(10, 5)}
    chart = figure(three, cells | {(y, x): both for (x, y), both in cells.items()}, "#000000")
    assert [list(row) for row in chart.data[0].z] == [[None, None, None], [None, None, 0.5], [None, 0.5, None]]
    drawn = {(x, y): text for x, y, text in zip(chart.data[1].x, chart.data[1].y, chart.data[1].text, strict=True)}
    assert drawn == {(0, 1): "4", (1, 0): "4", (1, 2): "10", (2, 1): "10"}


def test_rounds_that_were_never_measured_are_said_to_be(visit: Visit, loop: Workspace) -> None:
    """They count as drawn, and the remedy is named."""
    with loop.writing() as session:
        session.execute(update(RevisionRow).values(found=None, changed=None, longer=None))
    app = visit("principles")

    assert app.dataframe[0].value["Found"].isna().all()
    assert "cai-studio db measure" in words(app)
    assert "240 rounds" in words(app)


def test_a_principle_that_was_never_drawn_says_so(visit: Visit, loop: Workspace) -> None:
    """It has a text and no figures."""
    with loop.writing() as session:
        other = of(session, "theft").id
        session.execute(update(RevisionRow).values(principle_id=other))
        session.execute(update(LabelRow).values(principle_id=other))
    app = visit("principles", version="sandbox@1", principle="privacy")

    assert "Never drawn" in words(app)
    assert "Critique request" in words(app)


def test_a_wrong_address_opens_the_overview(visit: Visit, loop: Workspace) -> None:
    """And says what is not there."""
    for query in ({"version": "nobody@9"}, {"version": "sandbox@1", "principle": "<b>nothing</b>"}, {"version": "²@²"}):
        app = visit("principles", **query)
        assert not app.exception, query
        assert "Rounds" in app.dataframe[0].value
    assert "There is no version ²@² here" in words(app)


def test_next_and_all(visit: Visit, loop: Workspace) -> None:
    """As they stand in the version; the first has none before it."""
    app = visit("principles", version="sandbox@1", principle="privacy")
    assert app.button(key="principles.before").disabled
    app.button(key="principles.after").click().run()
    assert "hacking in sandbox@1" in drawn_html(app)
    app.button(key="principles.all").click().run()
    assert "Rounds" in app.dataframe[0].value
    assert "principle" not in app.query_params
