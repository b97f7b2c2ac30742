r"""Links person files of any shape: a mapping says which of their columns are which, and the engine does the rest.

Put here: the mapping, the way from CSV or Parquet to a persons table, and the way back from pairs and clusters to the
rows of the files. Keep out: how a value is spelt (standardise.py) and how records are compared (the engine).

A mapping is TOML. Every part but `[columns]` may be left out, and so may every field:

    [columns]                                  # ours = theirs
    forename = "given_name"
    address = ["street_number", "street"]      # several columns, joined by a space
    telephone = ["mobile", "home"]             # a field of several values: each column may hold some, split at ;

    [source]                                   # left out: the file is the source
    column = "agency"                          # or: constant = "clinic"

    [files."clinic.csv"]                       # what one file says otherwise
    source = "clinic"
    columns = { forename = "first" }

    [settings]
    link = 0.95
    review = 0.5
    twins = true                               # false: the persons are no children; equal birth dates mean nothing
    one_per_source = false                     # true: no source holds a person twice
    date_format = "%d %b %Y"
    encoding = "latin-1"

    [truth]                                    # says who is who, to measure with
    column = "rec_id"
    pattern = "rec-(\\d+)-"
"""

import json
import re
import shutil
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from linkage.errors import ConfigurationError, LinkageError
from linkage.evaluate import Evaluation, evaluate
from linkage.linker import link
from linkage.model import LinkageConfig
from linkage.standardise import (
    derived,
    name_parts,
    nhs_number_valid,
    parse_date,
    standardise_address,
    standardise_forename,
    standardise_identifier,
    standardise_name,
    standardise_postcode,
    standardise_school,
    standardise_sex,
    standardise_surname,
    standardise_telephone,
    upn_valid,
)
from linkage.summary import LinkageSummary


class MappingError(LinkageError):
    """The mapping does not say what it must, or speaks of columns that the files do not have."""


class SourceFileError(LinkageError):
    """A file of persons cannot be read."""


_SINGLE: Final[dict[str, Callable[[str], str]]] = {
    "forename": standardise_forename,
    "middle_names": standardise_name,
    "surname": standardise_surname,
    "birth_date": parse_date,
    "sex": standardise_sex,
    "nhs_number": nhs_number_valid,
    "upn": upn_valid,
    "identifier": standardise_identifier,
    "address": standardise_address,
    "town": standardise_address,
    "postcode": standardise_postcode,
}
_SEVERAL: Final[dict[str, Callable[[str], str]]] = {
    "other_forenames": standardise_forename,
    "other_surnames": standardise_surname,
    "other_addresses": standardise_address,
    "other_postcodes": standardise_postcode,
    "telephone": standardise_telephone,
    "guardian": standardise_name,
    "school": standardise_school,
}
FIELDS: Final = ("id", *_SINGLE, *_SEVERAL)
"""What a mapping may name under [columns]."""

_SETTINGS: Final = {
    "link": float,
    "review": float,
    "twins": bool,
    "one_per_source": bool,
    "date_format": str,
    "encoding": str,
}
_ONE_PER_SOURCE: Final = "one_per_source"


@dataclass(frozen=True)
class FileMapping:
    """What one file says otherwise."""

    source: str | None = None
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """Which columns of the files are which, and the settings of the run."""

    columns: dict[str, tuple[str, ...]]
    source_column: str | None = None
    source: str | None = None
    files: dict[str, FileMapping] = field(default_factory=dict)
    link: float = 0.95
    review: float = 0.5
    twins: bool = True
    one_per_source: bool = False
    date_format: str | None = None
    encoding: str = "utf-8"
    truth_column: str | None = None
    truth_pattern: str | None = None


@dataclass(frozen=True)
class FieldCount:
    """How many records have something in a field, and how many of these say nothing that can be used."""

    given: int
    unusable: int


@dataclass(frozen=True)
class Prepared:
    """The persons table of some files. All three tables are keyed by record_key."""

    persons: Path
    origins: Path
    """file, row (from 1, the heading not counted), id and source of every record."""
    truth: Path | None
    records: int
    records_by_file: dict[str, int]
    ids_unusable: int
    """Records whose id is missing or repeats within their source; the row number stands for it."""
    fields: dict[str, FieldCount]
    truth_unknown: int
    """Records for which the truth column says nothing."""


@dataclass(frozen=True)
class Found:
    """What became of the true pairs on the way; only with a truth."""

    true_pairs: int
    compared: int
    """... that blocking found and that were not dismissed at once as all but impossible."""
    shown: int
    """... that were linked or are for review."""


@dataclass(frozen=True)
class Report:
    """What a run over files did."""

    prepared: Prepared
    summary: LinkageSummary
    evaluation: Evaluation | None
    found: Found | None
    persons: int
    """Clusters. These and the two counts of pairs are after `one_per_source`; the summary is the engine's own."""
    links: int
    review: int
    written: tuple[Path, ...]


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        MappingError: it is no TOML, has something unknown in it, or contradicts itself.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise MappingError(f"the mapping {path} cannot be read: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise MappingError(f"the mapping {path} is no TOML: {fault}") from fault
    _only(said, ("columns", "source", "files", "settings", "truth"), "the mapping")
    columns = _columns(_table(said, "columns"), "[columns]")
    source = _table(said, "source")
    _only(source, ("column", "constant"), "[source]")
    if len(source) > 1:
        raise MappingError("[source] takes column or constant, not both")
    truth = _table(said, "truth")
    _only(truth, ("column", "pattern"), "[truth]")
    settings = _table(said, "settings")
    _only(settings, tuple(_SETTINGS), "[settings]")
    for name, value in settings.items():
        kind = _SETTINGS[name]
        if isinstance(value, bool) != (kind is bool) or not isinstance(value, (kind, int) if kind is float else kind):
            raise MappingError(f"[settings] {name} must be {_KIND_NAMES[kind]}")
    mapping = Mapping(
        columns=columns,
        source_column=_text(source, "column", "[source]"),
        source=_text(source, "constant", "[source]"),
        files={name: _file(name, one) for name, one in _table(said, "files").items()},
        truth_column=_text(truth, "column", "[truth]"),
        truth_pattern=_text(truth, "pattern", "[truth]"),
        **settings,
    )
    if not columns and not any(one.columns for one in mapping.files.values()):
        raise MappingError('the mapping names no field: [columns] must have one at least, as forename = "first_name"')
    if mapping.truth_pattern is not None:
        _check_pattern(mapping.truth_pattern)
    try:
        _config(mapping)
    except ConfigurationError as fault:
        raise MappingError(f"[settings] {fault}") from fault
    return mapping


_KIND_NAMES: Final = {float: "a number", bool: "true or false", str: "text in quotes"}


def _only(table: dict[str, Any], known: Sequence[str], where: str) -> None:
    unknown = [name for name in table if name not in known]
    if unknown:
        raise MappingError(f"{where} has unknown {', '.join(unknown)}; it may have {', '.join(known)}")


def _table(said: dict[str, Any], name: str) -> dict[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, dict):
        raise MappingError(f"{name} must be a table: write [{name}]")
    return table


def _text(table: dict[str, Any], name: str, where: str) -> str | None:
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise MappingError(f"{where} {name} must be text in quotes")
    return value


def _columns(table: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        raise MappingError(f'{where} must be a table of fields, as forename = "first_name"')
    _only(table, FIELDS, where)
    columns = {name: (value,) if isinstance(value, str) else value for name, value in table.items()}
    for name, value in columns.items():
        if not isinstance(value, (list, tuple)) or not value or not all(isinstance(one, str) for one in value):
            raise MappingError(f"{where} {name} must be the name of a column, or a list of names")
    return {name: tuple(one.strip() for one in value) for name, value in columns.items()}


def _file(name: str, said: object) -> FileMapping:
    where = f'[files."{name}"]'
    if not isinstance(said, dict):
        raise MappingError(f"{where} must be a table")
    _only(said, ("source", "columns"), where)
    columns = _columns(said["columns"], f"{where} columns") if "columns" in said else {}
    return FileMapping(_text(said, "source", where), columns)


def _check_pattern(pattern: str) -> None:
    """DuckDB's expressions are stricter than Python's, so it is asked."""
    try:
        groups = re.compile(pattern).groups
        duckdb.execute(f"SELECT regexp_extract('', {_sql(pattern)}, 1)")
    except (re.error, duckdb.Error):
        raise MappingError("[truth] pattern is no regular expression") from None
    if groups != 1:
        raise MappingError("[truth] pattern must have one group in round brackets, as rec-(\\d+)-")


def to_persons(
    files: Sequence[Path], mapping: Mapping, out: Path, *, truth: str | None = None, variants: Path | None = None
) -> Prepared:
    """Write the files as one persons table.

    Args:
        files: CSV (with a heading) or Parquet, by the ending of their name.
        mapping: which columns are which. A column that some files have and others lack is no error.
        out: folder for persons.parquet, origins.parquet and truth.parquet.
        truth: column that says who is who; instead of the mapping's.
        variants: CSV of variants of forenames (standardise.derived).

    Raises:
        MappingError: a column is in none of the files, or the truth is used as evidence as well.
        SourceFileError: a file cannot be read.
    """
    truth_column = truth or mapping.truth_column
    _check_truth(mapping, truth_column)
    labels = _labels(files)
    _check_files(mapping, files, labels)
    con = duckdb.connect()
    try:
        headings = {label: _heading(con, path, mapping.encoding) for path, label in zip(files, labels, strict=True)}
        _check_columns(mapping, truth_column, headings)
        for number, (path, label) in enumerate(zip(files, labels, strict=True)):
            query = _raw_query(path, label, mapping, truth_column, headings[label])
            _read(con, f"{'INSERT INTO raw' if number else 'CREATE TABLE raw AS'} {query}", path)
        return _write_persons(con, mapping, out, variants, has_truth=truth_column is not None)
    finally:
        con.close()


def _check_truth(mapping: Mapping, column: str | None) -> None:
    for columns in (mapping.columns, *(one.columns for one in mapping.files.values())):
        used = [name for name, value in columns.items() if name != "id" and column in value]
        if used:
            raise MappingError(f"the truth column {column} is mapped as {used[0]} too: it would give the answer away")


def _labels(files: Sequence[Path]) -> list[str]:
    """The name of each file, or its path where two files have one name."""
    if not files:
        raise SourceFileError("there is no file to link")
    names = Counter(path.name for path in files)
    labels = [path.name if names[path.name] == 1 else str(path) for path in files]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise SourceFileError(f"{twice[0]} is given twice")
    return labels


def _check_files(mapping: Mapping, files: Sequence[Path], labels: Sequence[str]) -> None:
    strangers = [name for name in mapping.files if name not in labels and name not in {path.name for path in files}]
    if strangers:
        raise MappingError(f"[files] speaks of {', '.join(strangers)}, which is not among the files")


def _heading(con: duckdb.DuckDBPyConnection, path: Path, encoding: str) -> dict[str, str]:
    """The columns of a file without the blanks around their names, each with the SQL that reads it as text."""
    if not path.is_file():
        raise SourceFileError(f"{path} does not exist")
    rows = _read(con, f"DESCRIBE FROM {_scan(path, encoding)}", path).fetchall()
    heading = {}
    for name, kind, *_ in rows:
        column = f'CAST("{name.replace(chr(34), chr(34) * 2)}" AS VARCHAR)'
        # A whole number beside missing ones is often written as a decimal fraction.
        heading[name.strip()] = rf"regexp_replace({column}, '\.0$', '')" if kind in ("DOUBLE", "FLOAT") else column
    return heading


def _scan(path: Path, encoding: str) -> str:
    if path.suffix.lower() in (".parquet", ".pq"):
        return f"read_parquet({_sql(str(path))})"
    return f"read_csv({_sql(str(path))}, header = true, all_varchar = true, encoding = {_sql(encoding)})"


def _read(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return con.execute(query)
    except duckdb.Error as fault:
        # DuckDB quotes the line, which is a person's; the number of the line is all that may be said.
        line = re.search(r"\bLine: (\d+)", str(fault))
        where = f" from line {line[1]}" if line else ""
        raise SourceFileError(
            f"{path} cannot be read{where}; CSV wants one heading, the same number of columns in each line, and the "
            "encoding that [settings] encoding of the mapping says (utf-8, utf-16 or latin-1)"
        ) from None


def _check_columns(mapping: Mapping, truth_column: str | None, headings: dict[str, dict[str, str]]) -> None:
    """A column must be in one of the files at least; one that a file's own part names must be in that file."""
    everywhere = {name for heading in headings.values() for name in heading}
    wanted = [(column, f"[columns] {name}") for name, columns in mapping.columns.items() for column in columns]
    wanted += [(mapping.source_column, "[source]")] if mapping.source_column else []
    wanted += [(truth_column, "the truth")] if truth_column else []
    for column, use in wanted:
        if column not in everywhere:
            raise MappingError(f"no file has the column {column} ({use}); there are {', '.join(sorted(everywhere))}")
    for label, heading in headings.items():
        for name, columns in _own(mapping, label).columns.items():
            for column in columns:
                if column not in heading:
                    raise MappingError(
                        f"{label} has no column {column} ([files] columns {name}); it has {', '.join(heading)}"
                    )


def _own(mapping: Mapping, label: str) -> FileMapping:
    return mapping.files.get(label) or mapping.files.get(Path(label).name) or FileMapping()


def _raw_query(path: Path, label: str, mapping: Mapping, truth_column: str | None, heading: dict[str, str]) -> str:
    """All records of a file with our names for its columns, as text; what a file lacks is null."""
    own = _own(mapping, label)
    columns = {**mapping.columns, **own.columns}

    def held(name: str | None) -> str:
        return f"nullif(trim({heading[name]}), '')" if name in heading else "CAST(NULL AS VARCHAR)"

    source = own.source or mapping.source
    given = f"coalesce({held(mapping.source_column)}, {_sql(path.stem)})" if source is None else _sql(source)
    select = [
        f"{_sql(label)} AS file",
        "row_number() OVER () AS row",
        # The bar divides the parts of a record_key.
        f"replace({given}, '|', '/') AS source",
        f"{held(truth_column)} AS truth",
    ]
    for name in ("id", *_SINGLE):
        parts = ", ".join(held(column) for column in columns.get(name, ())) or "CAST(NULL AS VARCHAR)"
        select.append(f"nullif(concat_ws(' ', {parts}), '') AS {name}")
    for name in _SEVERAL:
        parts = ", ".join(f"string_split({held(column)}, ';')" for column in columns.get(name, ()))
        select.append(f"flatten([{parts}]) AS {name}" if parts else f"CAST([] AS VARCHAR[]) AS {name}")
    return f"SELECT {', '.join(select)} FROM {_scan(path, mapping.encoding)}"


def _write_persons(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, out: Path, variants: Path | None, *, has_truth: bool
) -> Prepared:
    """Standardise the table `raw`, count what could not be used, and write the three tables."""
    single = {name: rule(name) for name, rule in _SINGLE.items()}
    if mapping.date_format:
        single["birth_date"] = parse_date("birth_date", mapping.date_format)
    several = {
        name: f"list_sort(list_distinct(list_filter(list_transform({name}, lambda x: {rule('x')}), "
        "lambda x: x IS NOT NULL)))"
        for name, rule in _SEVERAL.items()
    }
    clean = ", ".join(f"{sql} AS {name}" for name, sql in {**single, **several}.items())
    con.execute(
        f"""
        CREATE TABLE keyed AS
        SELECT source || '|' || source || '|' || CASE WHEN is_once THEN id ELSE file || '#' || row END AS record_key,
               is_once IS NOT NULL AS is_id, source, file, row, id, truth, {clean}
        FROM raw LEFT JOIN (
            SELECT source, id, true AS is_once FROM raw WHERE id IS NOT NULL GROUP BY ALL HAVING count(*) = 1
        ) USING (source, id)
        """
    )
    counted = ", ".join(
        [f"count(r.{name}), count(r.{name}) FILTER (k.{name} IS NULL)" for name in _SINGLE]
        + [
            f"count(*) FILTER (len(r.{name}) > 0), count(*) FILTER (len(r.{name}) > 0 AND k.{name} = [])"
            for name in _SEVERAL
        ]
    )
    counts = con.execute(f"SELECT {counted} FROM raw r JOIN keyed k USING (file, row)").fetchall()[0]
    out.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f"{sql} AS {name}" for name, sql in derived(variants).items())
    persons = f"SELECT *, {columns} FROM ({_PERSONS}) ORDER BY record_key"
    pattern = mapping.truth_pattern
    person = f"nullif(regexp_extract(truth, {_sql(pattern)}, 1), '')" if pattern else "truth"
    con.execute(f"CREATE VIEW told AS SELECT record_key, {person} AS person_id FROM keyed")
    tables = {
        "persons": persons,
        "origins": "SELECT record_key, file, row, id, source FROM keyed ORDER BY record_key",
        **({"truth": "SELECT * FROM told WHERE person_id IS NOT NULL ORDER BY record_key"} if has_truth else {}),
    }
    for name, query in tables.items():
        con.execute(f"COPY ({query}) TO {_sql(str(out / f'{name}.parquet'))} (FORMAT parquet)")
    records, ids, unknown = con.execute(
        "SELECT count(*), count(*) FILTER (NOT is_id), (SELECT count(*) FROM told WHERE person_id IS NULL) FROM keyed"
    ).fetchall()[0]
    has_id = "id" in mapping.columns or any("id" in one.columns for one in mapping.files.values())
    return Prepared(
        persons=out / "persons.parquet",
        origins=out / "origins.parquet",
        truth=out / "truth.parquet" if has_truth else None,
        records=records,
        records_by_file=dict(con.execute("SELECT file, count(*) FROM raw GROUP BY 1 ORDER BY 1").fetchall()),
        ids_unusable=ids if has_id else 0,
        fields={
            name: FieldCount(counts[2 * place], counts[2 * place + 1])
            for place, name in enumerate((*_SINGLE, *_SEVERAL))
            if counts[2 * place]
        },
        truth_unknown=unknown if has_truth else 0,
    )


_PERSONS: Final = f"""
    SELECT record_key, source AS agency, source AS system, forename, middle_names, surname,
           list_sort(list_distinct(list_filter(
               list_concat(other_forenames, {name_parts("forename")},
                           flatten(list_transform(other_forenames, lambda x: {name_parts("x")}))),
               lambda x: x IS DISTINCT FROM forename))) AS other_forenames,
           list_sort(list_distinct(list_filter(
               list_concat(other_surnames, {name_parts("surname")},
                           flatten(list_transform(other_surnames, lambda x: {name_parts("x")}))),
               lambda x: x IS DISTINCT FROM surname))) AS other_surnames,
           birth_date, CAST(NULL AS DATE) AS expected_birth_date, CAST(NULL AS INTEGER) AS estimated_birth_year,
           false AS is_unborn, sex, nhs_number, upn, CAST([] AS VARCHAR[]) AS former_upns,
           address AS address_line, postcode, other_postcodes, CAST(NULL AS VARCHAR) AS merged_into_record_key,
           false AS is_sealed, CAST(NULL AS VARCHAR) AS family_group_id,
           telephone AS telephones, guardian AS guardian_names, school AS schools,
           CAST([] AS VARCHAR[]) AS former_nhs_numbers, other_addresses AS other_address_lines,
           town, identifier AS other_identifier
    FROM keyed
"""


def link_files(
    files: Sequence[Path],
    mapping: Mapping,
    out: Path,
    truth: str | None = None,
    *,
    as_of: date,
    variants: Path | None = None,
) -> Report:
    """Link the persons of files, and write pairs and clusters in the words of the files.

    Args:
        files: CSV or Parquet.
        mapping: which columns are which.
        out: folder for pairs and clusters (.parquet and .csv), summary.json, and evaluation.json with a truth. No value
            of a person is written there, only files, row numbers and ids.
        truth: column that says who is who; instead of the mapping's.
        as_of: the date the result speaks for.
        variants: CSV of variants of forenames.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        work = Path(folder)
        prepared = to_persons(files, mapping, work, truth=truth, variants=variants)
        summary = link(prepared.persons, work / "linked", as_of=as_of, config=_config(mapping))
        con = duckdb.connect()
        try:
            con.execute(f"CREATE TABLE origin AS FROM {_sql(str(prepared.origins))}")
            con.execute(f"CREATE TABLE cluster AS FROM {_sql(str(work / 'linked' / 'clusters.parquet'))}")
            con.execute(
                "CREATE TABLE pair AS SELECT * REPLACE (CAST(veto AS VARCHAR) AS veto) "
                f"FROM {_sql(str(work / 'linked' / 'pairs.parquet'))}"
            )
            if mapping.one_per_source:
                _keep_sources_apart(con)
            written = _write(con, out)
            persons, links, review = con.execute(
                "SELECT (SELECT count(DISTINCT child_id) FROM cluster), "
                "count(*) FILTER (decision = 'link'), count(*) FILTER (decision = 'review') FROM pair"
            ).fetchall()[0]
            evaluation = found = None
            if prepared.truth:
                clusters = work / "clusters.parquet"
                con.execute(
                    f"COPY (SELECT record_key, child_id FROM cluster) TO {_sql(str(clusters))} (FORMAT parquet)"
                )
                evaluation = evaluate(clusters, prepared.truth)
                found = _find_true_pairs(con, prepared.truth, evaluation.pairs.true_pairs)
        finally:
            con.close()
        shutil.copyfile(work / "linked" / "summary.json", out / "summary.json")
    if evaluation and found:
        measured = {**evaluation.as_dict(), "found": asdict(found)}
        (out / "evaluation.json").write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        written = (*written, out / "evaluation.json")
    written = (*written, out / "summary.json")
    return Report(prepared, summary, evaluation, found, persons, links, review, written)


def _config(mapping: Mapping) -> LinkageConfig:
    return LinkageConfig(
        link=mapping.link,
        review=mapping.review,
        keep=1e-6,
        # There are no ids of an earlier run that should not flicker.
        unlink=mapping.review,
        merge=mapping.link,
        has_twin_rule=mapping.twins,
        min_records_without_labels=_TRAIN_FROM,
    )


_TRAIN_FROM: Final = 500
"""Records from which a model is trained although nothing labels a pair: strangers' files seldom hold identifiers."""


def _keep_sources_apart(con: duckdb.DuckDBPyConnection) -> None:
    """Split clusters in which a source has several records, by the best pairs that leave one of each.

    Records only come apart, so that no veto of the engine can be broken. What was linked and is apart now says why.
    """
    members = con.execute(
        """
        SELECT record_key, source FROM cluster JOIN origin USING (record_key)
        WHERE child_id IN (
            SELECT child_id FROM cluster JOIN origin USING (record_key)
            GROUP BY child_id, source HAVING count(*) > 1)
        """
    ).fetchall()
    groups = {key: [key] for key, _ in members}
    sources = {key: {source} for key, source in members}
    root = {key: key for key, _ in members}
    edges = con.execute(
        """
        SELECT record_key_l, record_key_r FROM pair
        JOIN cluster l ON l.record_key = record_key_l
        JOIN cluster r ON r.record_key = record_key_r AND r.child_id = l.child_id
        WHERE decision = 'link' ORDER BY probability DESC, record_key_l, record_key_r
        """
    ).fetchall()
    for left, right in edges:
        one, other = root.get(left), root.get(right)
        if one is None or other is None or one == other or sources[one] & sources[other]:
            continue
        for key in groups[other]:
            root[key] = one
        groups[one] += groups.pop(other)
        sources[one] |= sources.pop(other)
    con.execute("CREATE TABLE part (record_key VARCHAR, head VARCHAR)")
    if root:
        keys, heads = zip(*root.items(), strict=True)
        con.execute("INSERT INTO part SELECT unnest(?), unnest(?)", [list(keys), list(heads)])
    con.execute(
        f"""
        UPDATE cluster SET child_id = child_id || '/' || part.number FROM (
            SELECT record_key, dense_rank() OVER (PARTITION BY child_id ORDER BY head) AS number
            FROM part JOIN cluster USING (record_key)
        ) part WHERE cluster.record_key = part.record_key;
        UPDATE cluster SET cluster_size = sized.n,
            link_confidence = CASE WHEN sized.n = 1 THEN 1.0 ELSE link_confidence END,
            link_method = CASE WHEN sized.n = 1 THEN 'singleton' ELSE link_method END
        FROM (SELECT child_id, count(*) AS n FROM cluster GROUP BY 1) sized WHERE sized.child_id = cluster.child_id;
        UPDATE pair SET decision = 'no_link', veto = '{_ONE_PER_SOURCE}'
        FROM cluster l, cluster r
        WHERE decision = 'link' AND l.record_key = record_key_l AND r.record_key = record_key_r
        AND l.child_id <> r.child_id
        """
    )


def _write(con: duckdb.DuckDBPyConnection, out: Path) -> tuple[Path, ...]:
    queries = {
        "pairs": """
            SELECT l.file AS file_l, l.row AS row_l, l.id AS id_l, r.file AS file_r, r.row AS row_r, r.id AS id_r,
                   pair.* EXCLUDE (record_key_l, record_key_r)
            FROM pair JOIN origin l ON l.record_key = record_key_l JOIN origin r ON r.record_key = record_key_r
            ORDER BY probability DESC, file_l, row_l, file_r, row_r""",
        "clusters": """
            SELECT child_id AS cluster_id, o.source, o.file, o.row, o.id, cluster_size, link_confidence, link_method
            FROM cluster JOIN origin o USING (record_key) ORDER BY cluster_id, o.file, o.row""",
    }
    written = []
    for name, query in queries.items():
        for form in ("parquet", "csv"):
            path = out / f"{name}.{form}"
            options = "FORMAT csv, HEADER true" if form == "csv" else "FORMAT parquet"
            con.execute(f"COPY ({query}) TO {_sql(str(path))} ({options})")
            written.append(path)
    return tuple(written)


def _find_true_pairs(con: duckdb.DuckDBPyConnection, truth: Path, true_pairs: int) -> Found:
    compared, shown = con.execute(
        f"""
        SELECT count(*), count(*) FILTER (decision IN ('link', 'review'))
        FROM pair JOIN {_sql(str(truth))} l ON l.record_key = record_key_l
        JOIN {_sql(str(truth))} r ON r.record_key = record_key_r AND r.person_id = l.person_id
        """
    ).fetchall()[0]
    return Found(true_pairs, compared, shown)


def _sql(text: str) -> str:
    """A text literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
