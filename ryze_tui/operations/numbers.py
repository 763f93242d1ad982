"""Phone numbers that people type: read, written as their country writes them, and what is wrong with one in words. Pure.

What numbers look like is libphonenumber's to know (`phonenumberslite`; 16 ms and 3 MB, so it is imported with the first number
and never at start). WhatsApp knows numbers that it does not, such as those of a block opened last week or Brazilian ones of eight
digits: a number that is possible is doubted, not refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..i18n import _

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_BETWEEN: Final = frozenset(" +-()./\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u2014")
"""What may stand between the digits."""
_LONGEST: Final = 60
_MOBILE: Final = {52: "1"}
"""Country code -> the digit after it that WhatsApp still has in numbers of mobiles, and the country gave up (Mexico, 2019)."""


@dataclass(frozen=True, slots=True)
class Number:
    """`digits`: as they are sent, country code first; `shown`: as the library writes it; `country`: its name, or its code.

    `doubt`: why it may be none, in words; empty for a number that the library knows to be valid.
    """

    digits: str
    shown: str
    country: str
    doubt: str = ""


def read(text: str) -> Number | str:
    """The number that a text is, or what is wrong with it in words."""
    words = _typed_wrong(text)
    if words:
        return words
    import phonenumbers as library

    digits = "".join(str(int(character)) for character in text if character.isdecimal())
    digits = digits[2:] if digits.startswith("00") else digits
    if not digits:
        return _("Type the number with its country code, e.g. +55 11 …")
    if digits.startswith("0"):
        return _("Begin with the country code, so without a leading zero: 55 11 … or 0055 11 …")
    try:
        number = library.parse(f"+{digits}", None)
    except library.NumberParseException as error:
        return _unparsed(error.error_type, digits)
    country = country_of(number)
    reason = library.is_possible_number_with_reason(number)
    if words := _impossible(reason, country):
        return _kept_mobile(number, country) or words
    doubt = ""
    if not library.is_valid_number(number):
        doubt = _("{country} gives out no number like this, as far as is known here.")
        if country.startswith("+"):
            doubt = _("No country of {country} gives out a number like this, as far as is known here.")
        doubt = doubt.format(country=country)
    written = library.format_number(number, library.PhoneNumberFormat.E164)[1:]
    return Number(written, library.format_number(number, library.PhoneNumberFormat.INTERNATIONAL), country, doubt)


def meant(text: str, own: str) -> str:
    """A number that was typed without its country code, if it is one of the country that `own` (digits) is of; else empty."""
    if text.strip().startswith(("+", "00")) or _typed_wrong(text):
        return ""
    import phonenumbers as library

    try:
        region = library.region_code_for_number(library.parse(f"+{own.lstrip('+')}", None))
        number = library.parse(text, region)
    except library.NumberParseException:
        return ""
    if region is None or not library.is_valid_number_for_region(number, region):
        return ""
    return library.format_number(number, library.PhoneNumberFormat.INTERNATIONAL)


def _typed_wrong(text: str) -> str:
    if len(text) > _LONGEST:
        return _("A number has 15 digits at most.")
    strange = next((character for character in text if not character.isdecimal() and character not in _BETWEEN), "")
    if strange.isalpha():
        return _("Only digits: country code, area code, number.")
    if strange or "+" in text.strip()[1:]:
        return _("Only digits, and + ( ) - . / or spaces between them.")
    return ""


def _unparsed(kind: int, digits: str) -> str:
    from phonenumbers import NumberParseException

    if kind == NumberParseException.INVALID_COUNTRY_CODE:
        return _("There is no country code at the beginning of {digits}.").format(digits=digits[:4])
    if kind == NumberParseException.TOO_LONG:
        return _("Too long: a number has 15 digits at most.")
    return _("Too short for a number with its country code.")


def _impossible(reason: int, country: str) -> str:
    from phonenumbers import ValidationResult

    words = {
        ValidationResult.TOO_SHORT: _("Too short for {country}."),
        ValidationResult.TOO_LONG: _("Too long for {country}."),
        ValidationResult.INVALID_LENGTH: _("No number of {country} has so many digits."),
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _("The area code is missing: it is too short for {country}."),
        ValidationResult.INVALID_COUNTRY_CODE: _("There is no such country code."),
    }.get(reason, "")
    return words.format(country=country)


def _kept_mobile(number: PhoneNumber, country: str) -> Number | None:
    """A number that is one once that digit is taken away; it is sent with it, as it was typed."""
    import phonenumbers as library

    code, national = str(number.country_code), str(number.national_number)
    extra = _MOBILE.get(number.country_code or 0, "")
    if not extra or not national.startswith(extra):
        return None
    shorter = library.parse(f"+{code}{national[len(extra) :]}", None)
    if not library.is_valid_number(shorter):
        return None
    rest = library.format_number(shorter, library.PhoneNumberFormat.INTERNATIONAL).partition(" ")[2]
    return Number(code + national, f"+{code} {extra} {rest}", country)


def country_of(number: PhoneNumber) -> str:
    """The country's name; where several share a country code and the number does not tell which, the code."""
    import phonenumbers as library

    region = library.region_code_for_number(number)
    regions = library.region_codes_for_country_code(number.country_code or 0)
    if region is None and len(regions) == 1:
        region = regions[0]
    if region is None or region == "001":  # toll-free, satellites
        return f"+{number.country_code}"
    from iso3166 import countries_by_alpha2

    known = countries_by_alpha2.get(region)
    return _(known.apolitical_name) if known is not None else f"+{number.country_code}"
