"""Shares and means in words."""

from app.components.shares import UNKNOWN, mean_span, mean_words, percent, share_span, share_words


def test_shares() -> None:
    """Of nothing there is none, and it is not 0."""
    assert (share_words(1, 4), share_span(1, 4), percent(1, 4)) == ("25 %", "5 to 70 %", 25.0)
    assert (share_words(0, 0), share_span(0, 0), percent(0, 0)) == (UNKNOWN, UNKNOWN, None)


def test_means() -> None:
    """1 and 3: 2 with an error of 1; a share's interval stays a share's; one value has no interval, and 0 no sign."""
    assert (mean_words(4, 2), mean_span(4, 10, 2)) == ("+2.0", "+0.0 to +4.0")
    assert (mean_words(1, 2, as_percent=True), mean_span(1, 1, 2, as_percent=True)) == ("50 %", "0 to 100 %")
    assert (mean_words(3, 1), mean_span(3, 9, 1)) == ("+3.0", UNKNOWN)
    assert (mean_words(0, 0), mean_words(-0.1, 3)) == (UNKNOWN, "+0.0")
