"""Check digits of the identifiers that children carry, as polars expressions.

Here belong the algorithms and nothing else. What to do with a number that fails is the contract's business: it lands
as the supplier sent it, is reported, and is not used to link.

Sources: NHS number, modulus 11 (NHS Data Dictionary); UPN, modulus 23 over the letters without I, O and S (DfE guide
to unique pupil numbers). The UPN check of python-stdnum knows English council codes only and so refuses Welsh UPNs.
"""

from __future__ import annotations

import polars as pl

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def squeeze(value: pl.Expr) -> pl.Expr:
    """Remove the blanks and hyphens people type into numbers; upper case."""
    return value.str.replace_all(r"[\s\-]", "").str.to_uppercase()


def is_nhs_number_format(value: pl.Expr) -> pl.Expr:
    """Whether the text is ten digits."""
    return value.str.contains(r"^[0-9]{10}$")


def is_nhs_number(value: pl.Expr) -> pl.Expr:
    """Whether the text is ten digits with the right check digit: 943 476 5919 is, ten equal to 10 never is."""
    total = pl.sum_horizontal(
        value.str.slice(place, 1).cast(pl.Int64, strict=False) * (10 - place) for place in range(9)
    )
    check = (11 - total % 11) % 11
    return is_nhs_number_format(value) & (check == value.str.slice(9, 1).cast(pl.Int64, strict=False))


def is_upn_format(value: pl.Expr) -> pl.Expr:
    """Whether the text is a letter, eleven digits, and a digit (permanent) or a letter (temporary)."""
    return value.str.contains(rf"^[{UPN_LETTERS}][0-9]{{11}}[0-9{UPN_LETTERS}]$")


def is_upn(value: pl.Expr) -> pl.Expr:
    """Whether a permanent or temporary UPN has the right first letter: D681400025001 and C68140002501A are."""
    last = value.str.slice(12, 1)
    numbers = [value.str.slice(place, 1).cast(pl.Int64, strict=False) for place in range(1, 12)]
    letter_value = last.replace_strict(
        {letter: index for index, letter in enumerate(UPN_LETTERS)}, default=None, return_dtype=pl.Int64
    )
    numbers.append(pl.coalesce(last.cast(pl.Int64, strict=False), letter_value))
    total = pl.sum_horizontal(number * weight for weight, number in enumerate(numbers, start=2))
    letter = (total % 23).replace_strict(
        dict(enumerate(UPN_LETTERS)), default=None, return_dtype=pl.String
    )
    return is_upn_format(value) & (letter == value.str.slice(0, 1))
