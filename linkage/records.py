"""Reads the standardised persons and keeps, for every source record, the features that linking looks at.

Put here: the contract of the input, what has changed since the last run, and features of one record by itself. Keep
out: standardising names or checking identifiers (dbt and standardise.py do that) and any judgement about pairs.

A record has a number that never changes. One that disappears from its source keeps its number and loses its features.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
from recordlinkage.preprocessing import phonetic

from linkage.errors import PersonsContractError
from linkage.model import (
    BOOLEAN_COLUMNS,
    DATE_COLUMNS,
    INTEGER_COLUMNS,
    LIST_COLUMNS,
    MAX_OCTAVE,
    OPTIONAL_LIST_COLUMNS,
    OPTIONAL_TEXT_COLUMNS,
    REQUIRED_COLUMNS,
    TEXT_COLUMNS,
)
from linkage.standardise import derived

_KINDS: Final = {
    **dict.fromkeys(TEXT_COLUMNS + OPTIONAL_TEXT_COLUMNS, "VARCHAR"),
    **dict.fromkeys(LIST_COLUMNS + OPTIONAL_LIST_COLUMNS, "VARCHAR[]"),
    **dict.fromkeys(DATE_COLUMNS, "DATE"),
    **dict.fromkeys(BOOLEAN_COLUMNS, "BOOLEAN"),
    **dict.fromkeys(INTEGER_COLUMNS, "INTEGER"),
}

FEATURES: Final = {
    "forename": "VARCHAR",
    "surname": "VARCHAR",
    "middle_names": "VARCHAR",
    "other_forenames": "VARCHAR[]",
    "other_surnames": "VARCHAR[]",
    "forename_groups": "VARCHAR[]",
    "surname_parts": "VARCHAR[]",
    "forename_sound": "VARCHAR",
    "surname_sound": "VARCHAR",
    "other_forename_sounds": "VARCHAR[]",
    "other_surname_sounds": "VARCHAR[]",
    "birth_date": "DATE",
    "birth": "VARCHAR",
    "birth_swapped": "VARCHAR",
    "birth_year": "SMALLINT",
    "expected_date": "DATE",
    "is_unborn": "BOOLEAN",
    "sex": "VARCHAR",
    "address_line": "VARCHAR",
    "address_numbers": "VARCHAR",
    "other_address_lines": "VARCHAR[]",
    "postcode": "VARCHAR",
    "other_postcodes": "VARCHAR[]",
    "postcode_sector": "VARCHAR",
    "postcode_district": "VARCHAR",
    "postcode_area": "VARCHAR",
    "town": "VARCHAR",
    "guardian_names": "VARCHAR[]",
    "guardian_forenames": "VARCHAR[]",
    "telephones": "VARCHAR[]",
    "schools": "VARCHAR[]",
    "family": "VARCHAR",
    "nhs_number": "VARCHAR",
    "nhs_current": "VARCHAR",
    "former_nhs_numbers": "VARCHAR[]",
    "upn": "VARCHAR",
    "former_upns": "VARCHAR[]",
    "other_identifier": "VARCHAR",
    "merged_into_record_key": "VARCHAR",
    "forename_octave": "UTINYINT",
    "surname_octave": "UTINYINT",
}
"""What the store keeps of a present record, and what comparisons and blocking rules may speak of."""

RECORD_TABLE: Final = f"""
CREATE TABLE IF NOT EXISTS record (
    record INTEGER, record_key VARCHAR, agency VARCHAR, system VARCHAR, is_present BOOLEAN,
    is_sealed BOOLEAN, content_hash UBIGINT, {", ".join(f"{name} {kind}" for name, kind in FEATURES.items())}
)
"""


@dataclass(frozen=True)
class Delta:
    """What a run found different from the last one. The records are in the temporary tables `changed` and `gone`."""

    records: int
    """Present records in the persons table."""
    new: int
    changed: int
    gone: int
    merges_unresolved: int
    """Merges into a record that is not among the persons."""
    digest: str
    """Of the persons table, whatever the order of its rows."""


def take_in(
    con: duckdb.DuckDBPyConnection, persons: Path, *, variants: Path | None = None, is_look_back: bool = False
) -> Delta:
    """Compare the persons with the store and bring the store's features up to date.

    Args:
        con: the store, inside the run's transaction.
        persons: Parquet with the columns of model.REQUIRED_COLUMNS and any of the optional ones.
        variants: of forenames, for persons that come without forename_groups (standardise.derived).
        is_look_back: the persons are those of an earlier day, so only records that were never seen are taken in.

    Returns:
        Counts. The temporary tables `changed(record)` (new or changed), `gone(record)` and `listed(record)` (all of the
        persons table) name the records.

    Raises:
        PersonsContractError: the file is missing, or a column is missing or of another type, or keys repeat.
    """
    found = _open(con, persons)
    not_back = "false" if is_look_back else "true"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT p.record_key, p.content_hash, r.record, r.content_hash AS known_hash, r.is_present
        FROM keyed p LEFT JOIN record r USING (record_key);
        CREATE OR REPLACE TEMP TABLE gone AS
        SELECT record FROM record WHERE is_present AND {not_back}
        AND record NOT IN (SELECT record FROM incoming WHERE record IS NOT NULL);
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT record_key, content_hash, record, record IS NULL AS is_new FROM incoming
        WHERE record IS NULL OR ((known_hash <> content_hash OR NOT is_present) AND {not_back})
        """
    )
    con.execute(
        """
        UPDATE numbered SET record = n.record FROM (
            SELECT record_key, (SELECT coalesce(max(record) + 1, 0) FROM record)
                   + CAST(row_number() OVER (ORDER BY record_key) - 1 AS INTEGER) AS record
            FROM numbered WHERE is_new
        ) n WHERE numbered.record_key = n.record_key
        """
    )
    _features(con, found, derived(variants))
    blank = ", ".join(f"{name} = NULL" for name in FEATURES)
    con.execute(f"UPDATE record SET is_present = false, content_hash = 0, {blank} WHERE record IN (FROM gone)")
    con.execute("CREATE OR REPLACE TEMP TABLE changed AS SELECT record FROM numbered")
    _supersede(con)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE listed AS
        SELECT coalesce(i.record, n.record) AS record FROM incoming i LEFT JOIN numbered n USING (record_key)
        """
    )
    records, new, changed, gone, unresolved, digest = con.execute(
        """
        SELECT (SELECT count(*) FROM incoming), (SELECT count(*) FROM numbered WHERE is_new),
               (SELECT count(*) FROM numbered WHERE NOT is_new), (SELECT count(*) FROM gone),
               (SELECT count(*) FROM record r WHERE r.merged_into_record_key IS NOT NULL
                AND r.merged_into_record_key NOT IN (
                    SELECT record_key FROM record WHERE is_present
                    AND record_key IN (SELECT merged_into_record_key FROM record)
                )),
               (SELECT printf('%016x', coalesce(bit_xor(hash(record_key, content_hash)), 0)) FROM incoming)
        """
    ).fetchall()[0]
    for table in ("incoming", "source_rows"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
    return Delta(records, new, changed, gone, unresolved, digest)


def _open(con: duckdb.DuckDBPyConnection, persons: Path) -> dict[str, str]:
    """Check the contract, and make the view `keyed` (record_key, content_hash) and `source` (typed columns)."""
    if not persons.is_file():
        message = f"the persons table {persons.name} does not exist"
        raise PersonsContractError(message)
    relation = con.read_parquet(str(persons))
    found = dict(zip(relation.columns, (str(kind) for kind in relation.types), strict=True))
    missing = [column for column in REQUIRED_COLUMNS if column not in found]
    if missing:
        message = f"the persons table lacks the column(s) {', '.join(missing)}"
        raise PersonsContractError(message)
    wrong = [
        f"{column} is {found[column]}, not {kind}"
        for column, kind in _KINDS.items()
        if column in found and not _fits(found[column], kind)
    ]
    if wrong:
        message = f"the persons table has columns of another type: {'; '.join(wrong)}"
        raise PersonsContractError(message)
    present = [column for column in (*_KINDS, *derived()) if column in found]
    path = str(persons).replace("'", "''")
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW keyed AS SELECT record_key, hash({', '.join(present)}) AS content_hash "
        f"FROM read_parquet('{path}')"
    )
    nulls, repeated = con.execute(
        f"""
        SELECT count(*) FILTER (record_key IS NULL OR agency IS NULL OR system IS NULL),
               count(record_key) - count(DISTINCT record_key)
        FROM read_parquet('{path}')
        """
    ).fetchall()[0]
    if nulls or repeated:
        message = (
            f"the persons table has {nulls} rows without record_key, agency or system, "
            f"and {repeated} rows with a record_key that is there already"
        )
        raise PersonsContractError(message)
    found["path"] = path
    return found


def _fits(found: str, kind: str) -> bool:
    whole = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
    return found == kind or (kind == "INTEGER" and found in whole)


def _blank(column: str, kind: str) -> str:
    """Empty text is no value, an empty list neither: a source that sends blanks must not agree on them."""
    if kind == "VARCHAR":
        return f"nullif(trim({column}), '')"
    if kind == "VARCHAR[]":
        return f"CASE WHEN len({column}) > 0 THEN {column} END"
    return column


def _features(con: duckdb.DuckDBPyConnection, found: dict[str, str], how: dict[str, str]) -> None:
    """Work out the features of the numbered records and put them into the store."""
    typed = ", ".join(
        f"{_blank(column, kind)} AS {column}" if column in found else f"CAST(NULL AS {kind}) AS {column}"
        for column, kind in _KINDS.items()
        if column != "record_key"
    )
    kept = [column for column in how if column in found]
    made = ", ".join(f"{sql} AS {column}" for column, sql in how.items() if column not in found)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE source_rows AS
        WITH typed AS (
            SELECT n.record, n.content_hash, p.record_key, {typed}{"".join(f", {column}" for column in kept)}
            FROM read_parquet('{found["path"]}') p JOIN numbered n USING (record_key)
        )
        SELECT *{", " + made if made else ""} FROM typed
        """
    )
    _sounds(con)
    columns = ", ".join(FEATURES)
    con.execute("DELETE FROM record WHERE record IN (SELECT record FROM numbered WHERE NOT is_new)")
    con.execute(
        f"""
        INSERT INTO record (record, record_key, agency, system, is_present, is_sealed, content_hash, {columns})
        WITH heard AS (
            SELECT o.record,
                   list(DISTINCT s.sound ORDER BY s.sound) FILTER (is_forename) AS other_forename_sounds,
                   list(DISTINCT s.sound ORDER BY s.sound) FILTER (NOT is_forename) AS other_surname_sounds
            FROM (
                SELECT record, true AS is_forename, unnest(other_forenames) AS name FROM source_rows
                UNION ALL SELECT record, false, unnest(list_concat(other_surnames, surname_parts)) FROM source_rows
            ) o JOIN sound s USING (name) GROUP BY o.record
        ), features AS (
        SELECT p.* REPLACE (
                   p.agency || '|' || p.system AS system,
                   CASE WHEN p.sex IN ('M', 'F') THEN p.sex END AS sex,
                   coalesce(p.is_sealed, false) AS is_sealed,
                   CASE WHEN len(p.surname_parts) > 1 OR p.surname_parts[1] <> p.surname THEN p.surname_parts END
                       AS surname_parts,
                   CASE WHEN len(p.forename_groups) > 0 THEN p.forename_groups END AS forename_groups,
                   p.birth_date IS NULL AND (coalesce(p.is_unborn, false) OR p.expected_birth_date IS NOT NULL)
                       AS is_unborn
               ),
               strftime(p.birth_date, '%Y%m%d') AS birth,
               strftime(p.birth_date_swapped, '%Y%m%d') AS birth_swapped,
               coalesce(year(p.birth_date), p.estimated_birth_year) AS birth_year,
               CASE WHEN p.birth_date IS NULL THEN p.expected_birth_date END AS expected_date,
               f.sound AS forename_sound,
               s.sound AS surname_sound,
               h.other_forename_sounds,
               h.other_surname_sounds,
               array_to_string(regexp_extract_all(p.address_line, '[0-9]+'), ' ') AS address_numbers,
               list_distinct(list_transform(p.guardian_names, lambda x: split_part(x, ' ', 1))) AS guardian_forenames,
               p.agency || '|' || p.system || '|' || p.family_group_id AS family,
               p.nhs_number AS nhs_current,
               CAST(NULL AS UTINYINT) AS forename_octave,
               CAST(NULL AS UTINYINT) AS surname_octave
        FROM source_rows p
        LEFT JOIN sound f ON f.name = p.forename
        LEFT JOIN sound s ON s.name = p.surname
        LEFT JOIN heard h ON h.record = p.record
        )
        SELECT record, record_key, agency, system, true, is_sealed, content_hash, {columns} FROM features
        """
    )


def _sounds(con: duckdb.DuckDBPyConnection) -> None:
    """Soundex of every distinct name, as temporary table `sound`."""
    names = con.execute(
        """
        SELECT DISTINCT name FROM (
            SELECT forename AS name FROM source_rows UNION ALL SELECT surname FROM source_rows
            UNION ALL SELECT unnest(other_forenames) FROM source_rows
            UNION ALL SELECT unnest(list_concat(other_surnames, surname_parts)) FROM source_rows
        ) WHERE name IS NOT NULL ORDER BY name
        """
    ).fetchnumpy()["name"]
    coded = pd.DataFrame({"name": names, "sound": phonetic(pd.Series(names, dtype=object), "soundex")}).dropna()
    coded = coded[coded["sound"].str.match("[A-Z]")].astype("string")
    con.register("coded", coded)
    con.execute("CREATE OR REPLACE TEMP TABLE sound AS SELECT name, sound FROM coded")
    con.unregister("coded")


def _supersede(con: duckdb.DuckDBPyConnection) -> None:
    """Give every record the newest of its child's NHS numbers, as far as a source says which replaced which.

    A number that two others claim to replace is left as it is: one of the two is an error. Records whose number turns
    out to be superseded count as changed.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE superseded AS
        WITH step AS (
            SELECT former AS old, min(nhs_number) AS new FROM (
                SELECT nhs_number, unnest(former_nhs_numbers) AS former FROM record
                WHERE former_nhs_numbers IS NOT NULL AND nhs_number IS NOT NULL
            ) WHERE former <> nhs_number GROUP BY former HAVING count(DISTINCT nhs_number) = 1
        )
        SELECT a.old, coalesce(b.new, a.new) AS new FROM step a LEFT JOIN step b ON b.old = a.new AND b.new <> a.old;
        CREATE OR REPLACE TEMP TABLE renumbered AS
        SELECT r.record, coalesce(s.new, r.nhs_number) AS nhs_current
        FROM record r LEFT JOIN superseded s ON s.old = r.nhs_number
        WHERE r.is_present AND r.nhs_current IS DISTINCT FROM coalesce(s.new, r.nhs_number);
        UPDATE record SET nhs_current = n.nhs_current FROM renumbered n WHERE n.record = record.record;
        INSERT INTO changed SELECT record FROM renumbered WHERE record NOT IN (FROM changed)
        """
    )


def assign_rarity(con: duckdb.DuckDBPyConnection, version: str, records: str) -> None:
    """Set how rare the names of records are, by the frequencies frozen with a model.

    Args:
        con: the store.
        version: of the model. Names it has not seen are as rare as can be; without frequencies there is no rarity.
        records: a query for the record numbers.
    """
    for name in ("forename", "surname"):
        con.execute(
            f"""
            UPDATE record SET {name}_octave = n.octave FROM (
                SELECT r.record, coalesce(f.octave, {MAX_OCTAVE}) AS octave
                FROM record r LEFT JOIN name_frequency f
                ON f.version = $version AND f.field = '{name}' AND f.name = r.{name}
                WHERE r.{name} IS NOT NULL AND r.record IN ({records})
                AND EXISTS (FROM name_frequency WHERE version = $version)
            ) n WHERE n.record = record.record
            """,
            {"version": version},
        )


def octave(frequency: str) -> str:
    """SQL: rarity of a name from its share of the records; a name never seen is as rare as can be."""
    return f"CAST(greatest(0, least({MAX_OCTAVE}, coalesce(floor(-log2({frequency})) - 4, {MAX_OCTAVE}))) AS UTINYINT)"
