from __future__ import annotations

import pytest

from cspkit.exports import evidence


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        (["03/04/2027"], "detect", None),
        (["03/04/2027"], "mdy", "mdy"),
        (["03/04/2027", "13/04/2027"], "detect", "dmy"),
        (["03/04/2027", "04/13/2027"], "detect", "mdy"),
        (["03/04/2027", "13/04/2027"], "mdy", "dmy"),
        (["13/04/2027", "04/13/2027"], "detect", None),
        (["13/04/2027", "04/13/2027"], "mdy", "mdy"),
        (["2027-04-13", "pending"], "detect", None),
    ],
)
def test_order_of_slashes(values, declared, expected):
    """A whole column decides against its format only when nothing speaks for the format."""
    assert expected == evidence.day_orders(values, declared).get("/")


def test_dots_put_the_day_first():
    """Nobody writes month.day, even in a file whose slashes are month first."""
    orders = evidence.day_orders(["8/15/25", "02.08.26"], "detect")

    assert orders == {"/": "mdy", ".": "dmy"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["12.40", "1.200"], "."),
        (["12,40 €", "1.200"], ","),
        (["1.958,07"], ","),
        (["1,000.00"], "."),
        (["1.200", "1,200"], None),
        (["12.40", "12,40"], None),
        (["12", "n/d"], None),
    ],
)
def test_decimal_sign(values, expected):
    """A number that reads one way only decides for the file; two that disagree decide nothing."""
    assert expected == evidence.decimal_mark(values)
