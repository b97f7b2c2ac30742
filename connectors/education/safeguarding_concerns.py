"""education/safeguarding_concerns: concerns that schools record (CPOMS, MyConcern), as CSV, one row a concern.

Here belong the columns. There is no published layout. The text of a concern is not landed, and neither are the
pupil's name and date of birth: the warehouse finds the pupil by the UPN or the school's own number.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.feed import Feed, ParseContext, Parsed, SourceFile
from connectors.tabular import parse_csv

CATEGORIES = CodeSet(
    "category of a concern",
    frozenset({
        "child_protection_register", "looked_after", "personal_education_plan", "domestic_abuse", "neglect",
        "physical_harm", "emotional_harm", "sexual_harm", "exploitation", "online_safety", "self_harm", "bullying",
        "attendance", "other",
    }),
)  # fmt: skip
ACTIONS = CodeSet(
    "action", frozenset({"recorded", "monitored", "parent_contacted", "referred", "early_help", "completed", "other"})
)
# What such exports have beside these columns and is left out by agreement.
UNUSED = ("forename", "surname", "name", "date_of_birth", "dob", "description", "notes", "author")

CONCERNS = Table(
    "concerns",
    (
        Column("concern_reference", key=True, required=True, sources=("reference", "id"),
               meaning="Number of the concern within the school."),
        Column("school_id", key=True, required=True, sources=("school",),
               meaning="Authority and establishment number in one, as in the census."),
        Column("upn", header="expected", identifier="upn", meaning="Unique pupil number."),
        Column("local_pupil_id", sources=("local_id", "admission_number"),
               meaning="The number of a pupil without UPN, as in the census."),
        Column("concern_date", "date", required=True, sources=("date",), meaning="Day of the concern or of the act."),
        Column("category", required=True, codes=CATEGORIES,
               meaning="What it is about; child_protection_register and looked_after are what the school was told of"
                       " the child, personal_education_plan the plan of a looked-after child."),
        Column("action", header="expected", codes=ACTIONS, meaning="What was done; completed for a finished plan."),
        Column("is_dsp_informed", "boolean", header="expected", sources=("informed_dsp", "dsp_informed"),
               meaning="Whether the designated safeguarding person has been informed."),
        Column("dsp_informed_date", "date", sources=("informed_on", "date_informed"),
               meaning="When the designated safeguarding person was informed."),
    ),
    meaning="One row per concern that a school recorded.",
)  # fmt: skip


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:
    """Read one file.

    Args:
        file: The file.
        context: Not needed: nothing in the file depends on it.

    Yields:
        Batches of `concerns` as text.

    Raises:
        FileHeld: The file breaks the shape of a CSV or lacks a required column.
    """
    del context
    yield from parse_csv(file, CONCERNS, unused=UNUSED)


FEED = Feed(
    agency="education",
    name="safeguarding_concerns",
    title="Safeguarding concerns of schools",
    contract=Contract((CONCERNS,)),
    parse=parse,
    mode="delta",
)
