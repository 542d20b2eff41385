"""Changes and figures as they are drawn and said."""

from app.components.compare_cards import interval, percent
from app.components.compare_plot import Change, change_figure


def test_a_plot_says_what_is_told_apart() -> None:
    """Told and not told are traces of their own; every line has its words; the axis reaches every interval."""
    chart = change_figure(
        [
            Change("all", 0.0, -0.1, 0.1, "+0.00", whole=True),
            Change("<b>topic</b>", 0.3, 0.2, 0.5, "+0.30"),
            Change("one prompt", 1.0, None, None, "+1.00"),
        ],
        "change",
    )
    told, not_told = chart.data
    assert (list(told.x), list(not_told.x)) == ([0.3], [0.0, 1.0])
    assert list(not_told.error_x.array) == [0.1, 0.0]
    assert [note.text for note in chart.layout.annotations] == ["+0.00", "+0.30", "+1.00"]
    assert chart.layout.yaxis.ticktext == ("<b>all</b>", "&lt;b&gt;topic&lt;/b&gt;", "one prompt")
    assert chart.layout.xaxis.range[1] > 1


def test_figures_in_words() -> None:
    assert (percent(0.0533), percent(None)) == ("5.3 %", "–")
    assert interval({"low": 0.033, "high": 0.085}) == "95 %: 3.3 to 8.5 %"
    assert interval({"low": None, "high": None}) == ""
