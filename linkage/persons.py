"""Reads the standardised persons into arrays, one position a record, in the order of the record keys.

Put here: the contract of the input, and the columns in the form that comparisons want. Keep out:
standardising names or checking identifiers (dbt does that) and any judgement about pairs.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from linkage.errors import PersonsContractError
from linkage.model import (
    BOOLEAN_COLUMNS,
    DATE_COLUMNS,
    INTEGER_COLUMNS,
    LIST_COLUMNS,
    REQUIRED_COLUMNS,
    TEXT_COLUMNS,
    Limits,
)
from linkage.names import NameIndex, sounds

_TYPES = {
    **dict.fromkeys(TEXT_COLUMNS, "VARCHAR"),
    **dict.fromkeys(LIST_COLUMNS, "VARCHAR[]"),
    **dict.fromkeys(DATE_COLUMNS, "DATE"),
    **dict.fromkeys(BOOLEAN_COLUMNS, "BOOLEAN"),
    **dict.fromkeys(INTEGER_COLUMNS, "INTEGER"),
}

NO_DATE = np.iinfo(np.int32).min
"""Stands for a missing date among days since 1970."""


@dataclass(frozen=True)
class Persons:
    """The records. Every array has one entry a record; codes are -1 where the record has no value."""

    keys: np.ndarray
    system: np.ndarray
    """Code of agency and system together."""
    birth_date: np.ndarray
    """Days since 1970, NO_DATE if unknown."""
    expected_date: np.ndarray
    birth_year: np.ndarray
    """Year of birth, or an officer's estimate of it; -1 if neither."""
    is_unborn: np.ndarray
    is_sealed: np.ndarray
    sex: np.ndarray
    nhs_number: np.ndarray
    family: np.ndarray
    address: np.ndarray
    postcode: np.ndarray
    merged_into: np.ndarray
    """Position of the record that this one was merged into by its own source."""
    merges_unresolved: int
    """Merges into a record that is not among the persons."""
    addresses: np.ndarray
    """Distinct address lines by code."""
    middle_names: np.ndarray
    """Text or None."""
    forenames: NameIndex
    surnames: NameIndex
    postcodes: NameIndex
    districts: NameIndex
    upns: NameIndex

    def __len__(self) -> int:
        """The number of records."""
        return len(self.keys)


def open_persons(persons: Path, memory_limit: str, spill: Path) -> duckdb.DuckDBPyConnection:
    """Open the persons in a DuckDB of their own, as table `person` with a `record` position, and check the contract."""
    if not persons.is_file():
        message = f"the persons table {persons.name} does not exist"
        raise PersonsContractError(message)
    con = duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": str(spill), "threads": 2})
    con.execute("SET preserve_insertion_order = true")
    source = con.read_parquet(str(persons))
    missing = [column for column in REQUIRED_COLUMNS if column not in source.columns]
    if missing:
        con.close()
        message = f"the persons table lacks the column(s) {', '.join(missing)}"
        raise PersonsContractError(message)
    spill.mkdir(parents=True, exist_ok=True)
    found = dict(zip(source.columns, (str(kind) for kind in source.types), strict=True))
    columns = ", ".join(f"CAST({_blank(column)} AS {kind}) AS {column}" for column, kind in _TYPES.items())
    try:
        con.execute(
            f"CREATE TABLE person AS "
            f"SELECT CAST(row_number() OVER (ORDER BY record_key) - 1 AS INTEGER) AS record, {columns} "
            f"FROM read_parquet($path) ORDER BY record_key",
            {"path": str(persons)},
        )
    except (duckdb.ConversionException, duckdb.BinderException):
        con.close()
        wrong = [f"{column} is {found[column]}, not {kind}" for column, kind in _TYPES.items() if found[column] != kind]
        message = f"the persons table has columns of another type: {'; '.join(wrong)}"
        raise PersonsContractError(message) from None
    nulls, repeated = con.execute(
        """
        SELECT count(*) FILTER (record_key IS NULL OR agency IS NULL OR system IS NULL),
               count(record_key) - count(DISTINCT record_key)
        FROM person
        """
    ).fetchall()[0]
    if nulls or repeated:
        con.close()
        message = (
            f"the persons table has {nulls} rows without record_key, agency or system, "
            f"and {repeated} rows with a record_key that is there already"
        )
        raise PersonsContractError(message)
    _derive(con)
    return con


def _blank(column: str) -> str:
    """Empty text is no value; a source that sends blanks must not block or agree on them."""
    return f"nullif(trim({column}), '')" if column in TEXT_COLUMNS else column


def _derive(con: duckdb.DuckDBPyConnection) -> None:
    """The derived columns and the long tables (one row a record and value) that blocking keys are made of."""
    con.execute(
        """
        ALTER TABLE person ADD COLUMN unborn BOOLEAN;
        UPDATE person SET unborn =
            birth_date IS NULL AND (coalesce(is_unborn, false) OR expected_birth_date IS NOT NULL);
        """
    )
    for table, current, others in (
        ("forenames", "forename", "other_forenames"),
        ("surnames", "surname", "other_surnames"),
        ("postcodes", "postcode", "other_postcodes"),
        ("upns", "upn", "former_upns"),
    ):
        con.execute(
            f"""
            CREATE TABLE {table} AS
            SELECT record, value, bool_or(is_current) AS is_current FROM (
                SELECT record, {current} AS value, true AS is_current FROM person
                UNION ALL SELECT record, trim(unnest({others})), false FROM person
            ) WHERE value IS NOT NULL AND value <> '' GROUP BY record, value ORDER BY record, value
            """
        )
    for table in ("forenames", "surnames"):
        values = [row[0] for row in con.execute(f"SELECT DISTINCT value FROM {table} ORDER BY value").fetchall()]
        coded = pd.DataFrame(
            {"value": pd.Series(values, dtype="string"), "sound": pd.Series(sounds(values), dtype="string")}
        )
        con.register("coded", coded)
        con.execute(
            f"CREATE TABLE {table}_sound AS SELECT DISTINCT n.record, c.sound AS value "
            f"FROM {table} n JOIN coded c USING (value) WHERE c.sound IS NOT NULL"
        )
        con.unregister("coded")


def load_persons(con: duckdb.DuckDBPyConnection, limits: Limits) -> Persons:
    """Read the prepared tables into arrays."""
    frame = con.execute(
        """
        SELECT p.record_key, p.agency || '|' || p.system AS system, p.sex, p.nhs_number,
               p.address_line, p.postcode, p.middle_names, p.unborn, coalesce(p.is_sealed, false) AS is_sealed,
               p.agency || '|' || p.system || '|' || p.family_group_id AS family,
               coalesce(date_diff('day', DATE '1970-01-01', p.birth_date), $none) AS birth_date,
               coalesce(date_diff('day', DATE '1970-01-01', p.expected_birth_date), $none) AS expected_date,
               coalesce(year(p.birth_date), p.estimated_birth_year, -1) AS birth_year,
               coalesce(m.record, -1) AS merged_into,
               p.merged_into_record_key IS NOT NULL AND m.record IS NULL AS is_unresolved
        FROM person p LEFT JOIN person m ON m.record_key = p.merged_into_record_key AND m.record <> p.record
        ORDER BY p.record
        """,
        {"none": int(NO_DATE)},
    ).df()
    addresses_code, addresses = pd.factorize(frame["address_line"], sort=True)
    sex = frame["sex"].where(frame["sex"].isin(["M", "F"]))
    records = len(frame)
    return Persons(
        keys=frame["record_key"].to_numpy(dtype=object),
        system=pd.factorize(frame["system"], sort=True)[0],
        birth_date=frame["birth_date"].to_numpy(dtype=np.int64),
        expected_date=frame["expected_date"].to_numpy(dtype=np.int64),
        birth_year=frame["birth_year"].to_numpy(dtype=np.int64),
        is_unborn=frame["unborn"].to_numpy(dtype=bool),
        is_sealed=frame["is_sealed"].to_numpy(dtype=bool),
        sex=pd.factorize(sex, sort=True)[0],
        nhs_number=pd.factorize(frame["nhs_number"], sort=True)[0],
        family=pd.factorize(frame["family"], sort=True)[0],
        address=addresses_code,
        postcode=pd.factorize(frame["postcode"], sort=True)[0],
        merged_into=frame["merged_into"].to_numpy(dtype=np.int64),
        merges_unresolved=int(frame["is_unresolved"].sum()),
        addresses=np.asarray(addresses, dtype=object),
        middle_names=frame["middle_names"].to_numpy(dtype=object),
        forenames=_index(con, "forenames", "value", records, limits),
        surnames=_index(con, "surnames", "value", records, limits),
        postcodes=_index(con, "postcodes", "value", records, limits),
        districts=_index(con, "postcodes", _DISTRICT, records, limits),
        upns=_index(con, "upns", "value", records, limits),
    )


_DISTRICT = "CASE WHEN length(value) >= 5 THEN left(value, length(value) - 3) ELSE value END"
"""The outward half of a UK postcode; a code too short to have two halves is its own district."""


def _index(con: duckdb.DuckDBPyConnection, table: str, value: str, records: int, limits: Limits) -> NameIndex:
    long = con.execute(f"SELECT record, {value} AS name, is_current FROM {table} ORDER BY ALL").fetchnumpy()
    return NameIndex.build(
        records,
        np.asarray(long["record"], dtype=np.int64),
        np.asarray(long["name"], dtype=object),
        np.asarray(long["is_current"], dtype=bool),
        limits.rare_share,
    )
