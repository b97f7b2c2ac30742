"""The landing tables of education/school_census, whichever way the pupils come.

Here belong columns, code sets and their dated changes. How the CSV tables and the XML returns are read belongs to
`census_csv` and `census_xml`.

Sources: School Census (England) and PLASC (Wales) guides; Common Transfer File specification; the exclusion reasons of
the DfE common basic data set. The marks of attendance changed in England on 19 August 2024 (Working together to
improve school attendance).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from connectors import checkdigits
from connectors.contract import Change, CodeSet, Column, Contract, Table
from connectors.feed import Finding
from connectors.rules import Rule, register

DATE_FORMATS = ("%Y-%b-%d %H:%M:%S", "%Y-%b-%d")

SEXES = CodeSet("sex", frozenset({"M", "F", "U", "X"}))
ROLLS = CodeSet("roll", frozenset({"on_roll", "left"}), is_strict=True)
ENROLMENTS = CodeSet("enrolment status", frozenset({"C", "M", "S", "F", "O", "G"}))
MARKS_2010 = CodeSet("mark of attendance", frozenset("/\\BCDEFGHIJLMNOPRSTUVWXYZ#-"))
MARKS_2024 = CodeSet(
    "mark of attendance",
    MARKS_2010.codes | {"C1", "C2", "J1", "K", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"},
)
EXCLUSIONS = CodeSet("kind of exclusion", frozenset({"PERM", "SUSP", "FIXD", "LNCH"}))
REASONS = CodeSet(
    "reason of an exclusion",
    frozenset(("PP", "PA", "VP", "VA", "BU", "RA", "LG", "DS", "SM", "DA", "DM", "TH", "DB", "OW", "PH", "MT", "OT")),
)

register(
    Rule("upn-shared", "warn",
         "Pupils with different dates of birth or first names have this UPN; it does not tell who they are.",
         "Check which of them the UPN belongs to."),
    Rule("pupil-without-number", "warn",
         "The pupil has neither UPN nor number; one is made of name and date of birth, so a correction of either makes"
         " a new record.",
         "Send the pupil's admission number."),
)  # fmt: skip

_ROLL = Column("roll_status", required=True, codes=ROLLS, meaning="on_roll or left, by table or leaving date.")
_RECORD = Column("pupil_record_id", required=True, meaning="Enrolment the row belongs to.")
_PUPIL_COLUMNS = (
    Column("pupil_record_id", key=True, required=True,
           meaning="The enrolment: roll, school, the pupil's number in the file, the file's source number."),
    Column("source_person_id", required=True,
           meaning="The UPN if it has the form of one and no other pupil has it, else school, bar, number."),
    Column("school_id", sources=("NativeId",), header="expected",
           meaning="NativeId of the tables; authority and establishment number of XML."),
    Column("school_name", sources=("schoolname",), meaning="Name of the school; of XML, as in the header."),
    _ROLL,
    Column("enrolment_status", sources=("enrolstatus",), codes=ENROLMENTS,
           meaning="C current, M main of two schools, S subsidiary, G guest, F further education, O other provider."),
    Column("upn", identifier="upn", header="required", meaning="Unique pupil number, as sent."),
    Column("former_upn", sources=("formerupn",), meaning="Earlier UPN; after an adoption it must not be linked."),
    Column("uln", sources=("uniquelearnernumber",), meaning="Unique learner number, from age 14."),
    Column("forename", header="required", meaning="Legal first name."),
    Column("middle_names", sources=("middlenames",), meaning="Middle names."),
    Column("surname", header="required", meaning="Legal surname."),
    Column("preferred_surname", sources=("preferredsurname",), meaning="Surname the pupil goes by."),
    Column("former_surname", sources=("formersurname",), meaning="Earlier surname."),
    Column("birth_date", "date", sources=("dob",), header="required", formats=DATE_FORMATS, future="clear",
           meaning="Date of birth."),
    Column("sex", sources=("gender",), codes=SEXES, meaning="M, F; U or X where a system has them."),
    Column("ethnicity_code", sources=("ethnicity",), meaning="Code of the DfE list (four letters)."),
    Column("ethnicity_code_system", meaning="dfe where there is a code."),
    Column("first_language", sources=("language",), meaning="Language code of the DfE list (CYM or WEL Welsh)."),
    Column("entry_date", "date", sources=("entrydate",), formats=DATE_FORMATS, meaning="Start at the school."),
    Column("leaving_date", "date", sources=("leavingdate",), formats=DATE_FORMATS, meaning="End at the school."),
    Column("year_group", sources=("ncyearactual", "ncyearleaving"), meaning="National curriculum year."),
    Column("aln_provision_code", sources=("senprovision", "alnprovision"),
           meaning="Additional learning needs provision (special educational needs in England)."),
    Column("is_looked_after", "boolean", sources=("incare",), meaning="Whether the school has the pupil as in care."),
    Column("address_line", meaning="Home address without town and postcode; from the addresses where they come apart."),
    Column("town", meaning="Town of the home address."),
    Column("postcode", meaning="Postcode of the home address."),
    Column("sessions_possible", "integer", sources=("termlysessionspossible",),
           meaning="Half days the school was open to the pupil: of the term, else of the year."),
    Column("sessions_authorised_absent", "integer", sources=("termlysessionsauthorised",),
           meaning="Half days missed with leave."),
    Column("sessions_unauthorised_absent", "integer", sources=("termlysessionsunauthorised",),
           meaning="Half days missed without leave."),
)  # fmt: skip
PUPILS = Table(
    "pupils", _PUPIL_COLUMNS, (("birth_date", "entry_date"), ("entry_date", "leaving_date")),
    "One row per pupil and enrolment at a school; a pupil who moved in the term has one for each school.",
)  # fmt: skip
ABSENCES = Table(
    "session_absences",
    (
        Column("session_detail_id", key=True, required=True, meaning="Table and its own number, or the row's content."),
        _RECORD,
        _ROLL,
        Column("sessions", "integer", sources=("absencesessions",), header="required", meaning="Half days."),
        Column("absence_reason_code", sources=("attendancereason",), header="required", codes=MARKS_2010,
               meaning="Mark in the register."),
    ),
    meaning="One row per enrolment and mark of attendance.",
)  # fmt: skip
EXCLUDED = Table(
    "exclusions",
    (
        Column("exclusion_id", key=True, required=True, meaning="Table and its own number, or the row's content."),
        _RECORD,
        _ROLL,
        Column("started_date", "date", sources=("startdate",), header="required", formats=DATE_FORMATS,
               meaning="First day."),
        Column("sessions", "integer", meaning="Half days of a fixed-term exclusion."),
        Column("reason_code_1", sources=("reason1", "reason"), codes=REASONS, meaning="First reason."),
        Column("reason_code_2", sources=("reason2",), codes=REASONS, meaning="Second reason."),
        Column("reason_code_3", sources=("reason3",), codes=REASONS, meaning="Third reason."),
        Column("category_code", sources=("category",), header="required", codes=EXCLUSIONS,
               meaning="PERM permanent; SUSP (earlier FIXD) for a fixed term; LNCH at lunch."),
        Column("aln_provision_code", sources=("senprovision", "alnprovision"), meaning="As for the pupil."),
    ),
    meaning="One row per exclusion.",
)  # fmt: skip
ADDRESSES = Table(
    "addresses",
    (
        Column("address_id", key=True, required=True, meaning="Table and its own number, or the row's content."),
        _RECORD,
        _ROLL,
        Column("address_line", meaning="Address without town and postcode."),
        Column("town", meaning="Town."),
        Column("postcode", header="required", meaning="Postcode."),
    ),
    meaning="One row per enrolment and home address; the first one is on the pupil too.",
)
NEEDS = Table(
    "additional_needs",
    (
        Column("need_id", key=True, required=True, meaning="Table and its own number, or the row's content."),
        _RECORD,
        _ROLL,
        Column("rank", "integer", sources=("sentyperank",), meaning="1 is the main need."),
        Column("need_code", sources=("sentype",), header="required", meaning="Kind of need."),
    ),
    meaning="One row per enrolment and kind of additional learning need.",
)

_MARKS = next(column for column in ABSENCES.columns if column.name == "absence_reason_code")
CONTRACT = Contract(
    tables=(PUPILS, ABSENCES, EXCLUDED, ADDRESSES, NEEDS),
    changes=(
        Change(
            since=date(2024, 9, 1),  # the first return with them is that of the autumn
            table=ABSENCES.name,
            reason="England's marks C1, C2, J1, K, Q and Y1 to Y7 (Working together to improve school attendance)",
            put=(Column(_MARKS.name, sources=_MARKS.sources, header="required", codes=MARKS_2024,
                        meaning=_MARKS.meaning),),
        ),
    ),
)  # fmt: skip


def name_pupils(pupils: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Give each pupil its `source_person_id`: the UPN if it tells pupils apart, else school and number.

    A UPN with a wrong check letter still names the record, term after term; it is not used to link. Twins who were
    given one UPN have the same date of birth, so the first name counts too.

    Args:
        pupils: With `upn`, `forename`, `birth_date`, `school_id`, `_number` as text, and `row_number`.

    Returns:
        The pupils without `_number`, and a finding for every pupil whose UPN is shared.
    """
    upn = checkdigits.squeeze(pl.col("upn"))
    births = pl.col("birth_date").drop_nulls().n_unique().over("_upn")
    names = pl.col("forename").str.strip_chars().str.to_uppercase().drop_nulls().n_unique().over("_upn")
    marked = pupils.with_columns(pl.when(checkdigits.is_upn_format(upn)).then(upn).alias("_upn")).with_columns(
        (pl.col("_upn").is_not_null() & ((births > 1) | (names > 1))).alias("_shared")
    )
    local = pl.concat_str(pl.col("school_id").fill_null(""), pl.lit("|"), pl.col("_number").replace("", None))
    own = pl.when(~pl.col("_shared")).then(pl.col("_upn"))
    findings = [
        Finding("upn-shared", PUPILS.name, number, "upn", value)
        for number, value in marked.filter("_shared").select("row_number", "upn").iter_rows()
    ]
    ethnic = pl.col("ethnicity_code").str.strip_chars().replace("", None).is_not_null()
    named = marked.with_columns(
        # Without a number in the file the row cannot be told from others, even when it has a UPN.
        pl.when(local.is_not_null()).then(pl.coalesce(own, local)).alias("source_person_id"),
        pl.when(ethnic).then(pl.lit("dfe")).alias("ethnicity_code_system"),
    )
    return named.drop("_number", "_upn", "_shared"), findings


def complete(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Put the first home address on pupils that come without one: it is in a table, and so in a file, of its own."""
    if PUPILS.name not in tables or ADDRESSES.name not in tables:
        return tables
    parts = ("address_line", "town", "postcode")
    homes = tables[ADDRESSES.name].filter(pl.col("pupil_record_id").is_not_null())
    first = homes.unique("pupil_record_id", keep="first", maintain_order=True).select(
        "pupil_record_id", *(pl.col(part).alias(f"_{part}") for part in parts)
    )
    pupils = tables[PUPILS.name]
    absent = [pl.lit(None, pl.String).alias(part) for part in parts if part not in pupils.columns]
    joined = pupils.with_columns(absent).join(first, on="pupil_record_id", how="left", maintain_order="left")
    has_none = pl.all_horizontal(pl.col(part).is_null() for part in parts)
    filled = joined.with_columns(
        pl.when(has_none).then(pl.col(f"_{part}")).otherwise(pl.col(part)).alias(part) for part in parts
    )
    return tables | {PUPILS.name: filled.drop(f"_{part}" for part in parts)}
