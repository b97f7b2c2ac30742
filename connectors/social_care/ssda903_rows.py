"""Rows of the SSDA903 return to canonical rows, whichever form they came in, and the year that a return is about.

Here belong the translation of single values (SEX, MISSING, UPN), made row ids, the year, and the persons whom Header
leaves out. Which column is which belongs to `ssda903_forms`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import polars as pl

from connectors.contract import parse_date
from connectors.feed import Finding, ParseContext, Parsed, SourceFile
from connectors.rules import Rule, register
from connectors.social_care import ssda903_codes as codes
from connectors.social_care.canonical import BY_NAME
from connectors.social_care.ssda903_forms import FORMS, PLACED_FOR_ADOPTION, SEX_IS_LETTER_SINCE, Form

register(
    Rule("ssda903-flag-decimal", "repair", "A yes-or-no answer is written 1.0 or 0.0; it was read as 1 or 0.",
         "Format the column as text or whole numbers before saving."),
    Rule("ssda903-sex-digit", "repair", "SEX is 1 or 2, as before the return of 2025; it was read as M or F.",
         "Send M or F."),
    Rule("ssda903-year-derived", "warn", "Nothing says which year the return is about; it was taken from the episodes.",
         "Put the year into the name (ssda903_2017-18), or give 31 March of the year as the as-at date."),
    Rule("ssda903-year-differs", "warn", "The episodes speak of another year than the name or the as-at date.",
         "Check that the right return was sent under the right name."),
)
_SPAN = re.compile(r"(?<!\d)(20\d\d)[-_/ ]?(\d\d)(?![-_/]?\d)")
_YEAR = re.compile(r"(?<!\d)(20[123]\d)(?!\d)")
# A return has thousands of dates in its year and a handful of slips behind it; a draft in April has a twelfth.
_SHARE_OF_A_YEAR = 0.05
_SEXES = {"1": "M", "2": "F", "m": "M", "f": "F"}
_MISSING = {"M": "missing", "A": "absent", "m": "missing", "a": "absent"}
_PERSON = ("source_person_id", "sex", "birth_date", "row_number", "source_file")


def year_end(day: date) -> date:
    """31 March on or after a day."""
    return date(day.year + (day > date(day.year, 3, 31)), 3, 31)


def said_year_end(file: SourceFile, context: ParseContext) -> date | None:
    """The year that the as-at date (when it is a 31 March) or the name says: `2017-18`, `2018`."""
    if context.as_at and (context.as_at.month, context.as_at.day) == (3, 31):
        return context.as_at
    for name in (file.name, file.path.parent.name):
        for first, second in _SPAN.findall(name):
            if int(second) == (int(first) + 1) % 100:
                return date(int(first) + 1, 3, 31)
    years = set(_YEAR.findall(file.name))
    return date(int(years.pop()), 3, 31) if len(years) == 1 and context.as_at is None else None


def derived_year_end(days: pl.Series, latest: date) -> date | None:
    """The last year to 31 March of which the episodes speak in earnest: a few stray dates do not make a year."""
    ends = days.filter(days <= latest).to_frame("day").select(
        (pl.col("day").dt.year() + (pl.col("day").dt.month() > 3).cast(pl.Int32)).alias("year")
    )
    counts = ends.drop_nulls().group_by("year").len()
    full = counts.filter(pl.col("len") >= pl.col("len").max() * _SHARE_OF_A_YEAR)
    return max((date(year, 3, 31) for year in full["year"].to_list()), default=None)


def days_of(frame: pl.DataFrame) -> pl.Series:
    """All first and last days of the episodes."""
    present = [name for name in ("started_date", "ended_date") if name in frame.columns]
    days = [frame.select(_read_day(name).alias("day")) for name in present]
    return pl.concat(days)["day"].drop_nulls() if days else pl.Series("day", [], pl.Date)


def speaks_for(file_form: Form, said: date | None, days: pl.Series | None, context: ParseContext) -> Parsed:
    """What a file says about the year: as-at date and period, and what is odd about it.

    Args:
        file_form: The table of the return.
        said: Year end that the name or the caller says.
        days: Days of the episodes, when the file has them.
        context: What the caller knows.

    Returns:
        A batch without rows.
    """
    # A draft of the running year cannot speak for its 31 March: its date is the day it comes in.
    today = datetime.now(UTC).date()
    derived = None if days is None else derived_year_end(days, context.as_at or today)
    end = said or derived
    findings = []
    if said is None and derived is not None:
        findings.append(Finding("ssda903-year-derived", file_form.table, 1))
    elif said and derived and said != derived:
        findings.append(Finding("ssda903-year-differs", file_form.table, 1))
    if end is None:
        return Parsed(findings=findings)
    period = (date(end.year - 1, 4, 1), end)
    return Parsed(findings=findings, as_at=end if end <= today else None, period=period)


def project(
    form: Form, frame: pl.DataFrame, said: date | None, context: ParseContext
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Turn rows of one table of the return into canonical ones.

    Args:
        form: The table of the return.
        frame: Its rows as text under the canonical names, with `row_number`.
        said: Year end that the name or the caller says.
        context: What the caller knows.

    Returns:
        The canonical tables, and the repairs made.
    """
    findings: list[Finding] = []
    frame = frame.with_columns(pl.col(pl.String).str.strip_chars().replace("", None))
    frame = _plain_flags(form, frame, findings)
    for name in ("sex", "_sex"):
        if name in frame.columns:
            if said and said >= SEX_IS_LETTER_SINCE:
                findings += _at_rows(form, frame, "ssda903-sex-digit", name, pl.col(name).is_in(["1", "2"]))
            frame = frame.with_columns(pl.col(name).replace(_SEXES))
    tables = {}
    if form.name == "Header":
        frame = _header(frame)
    elif form.name == "Missing" and "category_code" in frame.columns:
        frame = frame.with_columns(pl.col("category_code").replace(_MISSING))
    elif form.name == "PlacedAdoption":
        frame = frame.with_columns(pl.lit(PLACED_FOR_ADOPTION).alias("placement_type_code"))
    elif form.name == "OC2":
        frame = _with_period(frame, said, context)
    elif form.name == "Episodes":
        tables["addresses"] = _addresses(frame)
    if form.row_id:
        name, *parts = form.row_id
        made = (_written_day(part) if part.endswith("_date") else pl.col(part) for part in parts)
        frame = frame.with_columns(
            pl.concat_str([part.fill_null("") for part in made], separator="|").alias(name)
        )
    return tables | {form.table: frame}, findings


def complete(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Fill what a table can only know from another one, and take off the columns carried for that.

    The year of the answers in OC2 comes from Episodes; a child whom Header leaves out is a person all the same, with
    the date of birth of the table that names it.

    Args:
        frames: The tables as parsed.

    Returns:
        The same rows, and persons for the children whom only other tables name.
    """
    frames = dict(frames)
    flags, episodes = frames.get("health_flags"), frames.get("looked_after_episodes")
    if flags is not None:
        days = days_of(episodes) if episodes is not None else pl.Series("day", [], pl.Date)
        derived = derived_year_end(days, datetime.now(UTC).date())
        frames["health_flags"] = flags.with_columns(
            pl.coalesce("period_end_date", pl.lit(derived, pl.Date), "_period_end_before").alias("period_end_date")
        )
    unnamed = _persons_beside_header(frames)
    if unnamed.height:
        persons = [frames["persons"]] if "persons" in frames else []
        frames["persons"] = pl.concat([*persons, unnamed], how="diagonal_relaxed")
    carried = {"_birth_date", "_sex", "_period_end_before"}
    return {name: frame.drop(carried & set(frame.columns)) for name, frame in frames.items()}


def _persons_beside_header(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema=dict.fromkeys(_PERSON, pl.String) | {"row_number": pl.Int64})
    found = [
        frames[form.table].select(
            pl.col(source).alias(name) if source in frames[form.table].columns else pl.lit(None, pl.String).alias(name)
            for name, source in zip(_PERSON, ("source_person_id", "_sex", "_birth_date", *_PERSON[3:]), strict=True)
        )
        for form in FORMS
        if form.name != "Header" and form.table in frames
    ]
    if not found:
        return empty
    known = frames["persons"].select("source_person_id") if "persons" in frames else empty.select("source_person_id")
    children = pl.concat(found).filter(pl.col("source_person_id").is_not_null())
    return children.unique("source_person_id", keep="first", maintain_order=True).join(
        known, on="source_person_id", how="anti"
    )


def _header(frame: pl.DataFrame) -> pl.DataFrame:
    if "upn" in frame.columns:
        upper = pl.col("upn").str.to_uppercase()
        is_reason = upper.str.contains(codes.NO_PUPIL_NUMBER)
        frame = frame.with_columns(
            pl.when(is_reason).then(upper).alias("upn_unknown_code"), pl.when(~is_reason).then("upn").alias("upn")
        )
    return frame.with_columns(pl.lit("dfe").alias("ethnicity_code_system"))


def _with_period(frame: pl.DataFrame, said: date | None, context: ParseContext) -> pl.DataFrame:
    before = None
    if context.as_at:
        end = year_end(context.as_at)
        before = end if end == context.as_at else date(end.year - 1, 3, 31)
    return frame.with_columns(
        pl.lit(said, pl.Date).alias("period_end_date"), pl.lit(before, pl.Date).alias("_period_end_before")
    )


def _addresses(frame: pl.DataFrame) -> pl.DataFrame:
    """The postcodes of an episode as addresses; an episode whose first day cannot be read reports that itself."""
    kinds = [
        frame.select(
            "source_person_id",
            pl.lit(kind).alias("address_type"),
            pl.col(postcode).alias("postcode"),
            _read_day("started_date").alias("valid_from"),
            (_read_day("ended_date") if "ended_date" in frame.columns else pl.lit(None, pl.Date)).alias("valid_to"),
            "row_number",
        )
        for kind, postcode in (("home", "home_postcode"), ("placement", "placement_postcode"))
        if postcode in frame.columns
    ]
    if not kinds:
        return pl.DataFrame()
    return (
        pl.concat(kinds)
        .drop_nulls(["source_person_id", "postcode", "valid_from"])
        .with_columns(pl.when(pl.col("valid_to") >= pl.col("valid_from")).then("valid_to").alias("valid_to"))
        .unique(["source_person_id", "address_type", "postcode", "valid_from"], keep="last", maintain_order=True)
    )


def _plain_flags(form: Form, frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Spreadsheets turn a column of 1 and empty cells into 1.0."""
    types = {column.name: column.type for column in BY_NAME[form.table].columns}
    for name in (name for name in frame.columns if types.get(name) == "boolean"):
        is_decimal = pl.col(name).is_in(["1.0", "0.0"])
        findings += _at_rows(form, frame, "ssda903-flag-decimal", name, is_decimal)
        frame = frame.with_columns(pl.when(is_decimal).then(pl.col(name).str.slice(0, 1)).otherwise(name).alias(name))
    return frame


def _at_rows(form: Form, frame: pl.DataFrame, rule_id: str, column: str, fault: pl.Expr) -> list[Finding]:
    spoken = column.removeprefix("_")
    rows = frame.filter(fault).select("row_number", column).iter_rows()
    return [Finding(rule_id, form.table, number, spoken, value) for number, value in rows]


def _read_day(name: str) -> pl.Expr:
    return parse_date(pl.col(name).str.strip_chars())


def _written_day(name: str) -> pl.Expr:
    """A day as the row id has it: the same whether it is written 01/04/2017, 1/4/2017 or 2017-04-01."""
    return pl.coalesce(_read_day(name).dt.strftime("%Y-%m-%d"), pl.col(name))
