"""Numbers that people type: written as they like, understood, and refused in words that say what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryze_tui.operations.numbers import Number, meant, read


@pytest.mark.parametrize(
    ("typed", "digits", "shown", "country"),
    [
        ("+55 (11) 99999-0000", "5511999990000", "+55 11 99999-0000", "Brazil"),
        ("0055 11 99999 0000", "5511999990000", "+55 11 99999-0000", "Brazil"),
        ("5511999990000", "5511999990000", "+55 11 99999-0000", "Brazil"),
        ("0049 30 1234567", "49301234567", "+49 30 1234567", "Germany"),
        ("+49 (0)30 / 123-4567", "49301234567", "+49 30 1234567", "Germany"),
        ("+39 06 1234567", "39061234567", "+39 06 123 4567", "Italy"),
        ("+52 1 55 1234 5678", "5215512345678", "+52 1 55 1234 5678", "Mexico"),  # as WhatsApp names Mexican mobiles
        ("+1 (212) 555-0100", "12125550100", "+1 212-555-0100", "United States of America"),
        ("+800 1234 5678", "80012345678", "+800 1234 5678", "+800"),
    ],
)
def test_numbers_as_people_write_them(typed: str, digits: str, shown: str, country: str) -> None:
    assert read(typed) == Number(digits, shown, country)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "country code"), ("  ", "country code"), ("+5511999", "Too short for Brazil"),
        ("+55119999900001", "Too long for Brazil"),
        ("011 99999-0000", "leading zero"), ("+999 12345678", "no country code at the beginning of 9991"), ("+", "country code"),
        ("555 0100", "Too short"), ("+1 555 0100", "area code is missing"), ("+55 abc", "Only digits"), ("sales", "Only digits"),
        ("+55 11 99999-0000;ext=3", "Only digits"), ("5511999990000+", "Only digits"), ("9" * 70, "15 digits"),
        ("+55 11 99999\x1b[31m0000", "Only digits"), ("1" * 50, "15 digits"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(typed: str, words: str) -> None:
    found = read(typed)
    assert isinstance(found, str) and words in found


@pytest.mark.parametrize("typed", ["+55 11 9999-0000", "11999990000"])
def test_a_possible_number_is_doubted_and_not_refused(typed: str) -> None:
    found = read(typed)
    assert isinstance(found, Number) and "number like this" in found.doubt


@given(st.text("0123456789+-() ./xé٣\x00", max_size=24) | st.text(max_size=70))
def test_anything_typed_is_a_number_or_words(typed: str) -> None:
    found = read(typed)
    assert found.digits.isdecimal() and 4 < len(found.digits) <= 17 if isinstance(found, Number) else found


def test_what_was_read_is_read_again() -> None:
    first = read("+49 (0)30 1234567")
    assert isinstance(first, Number) and read(first.shown) == first and read(first.digits) == first


def test_the_library_is_imported_with_the_first_number_only() -> None:
    code = (
        "import sys, ryze_tui.operations.account, ryze_tui.operations.numbers as n, ryze_tui.console.app\n"
        "before = 'phonenumbers' in sys.modules or 'iso3166' in sys.modules\n"
        "n.read('+5511999990000')\n"
        "print(before, 'phonenumbers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("typed", "own", "number"),
    [
        ("11987654321", "5511999990000", "+55 11 98765-4321"),  # read as one of +1 otherwise
        ("(11) 98765-4321", "5511999990000", "+55 11 98765-4321"),
        ("011 98765 4321", "5511999990000", "+55 11 98765-4321"),
        ("030 1234567", "4930111111", "+49 30 1234567"),
        ("+11987654321", "5511999990000", ""),  # said with its code
        ("123", "5511999990000", ""),
        ("11987654321", "", ""),
        ("11987654321", "999", ""),
        ("sales", "5511999990000", ""),
    ],
)
def test_a_number_without_its_country_code_is_recognised(typed: str, own: str, number: str) -> None:
    assert meant(typed, own) == number


def test_of_countries_that_share_a_code_none_is_named() -> None:
    found = read("11987654321")
    assert isinstance(found, Number) and found.doubt.startswith("No country of +1 gives out a number like this")
