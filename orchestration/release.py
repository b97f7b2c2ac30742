"""A release: one checked, numbered, hashed set of marts, swapped in whole.

Here belong writing one, and the only way to read one. Readers never open the warehouse. Encryption and access control
will come behind `open_release` and `publish`; nobody else knows the file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from connectors.errors import ConfigurationError

DATABASE = "dolen.duckdb"


@dataclass(frozen=True)
class Release:
    """What a release says of itself: the content of `release.json`.

    Attributes:
        number: Counts up from 1.
        as_of: The date its marts speak for.
        region: Name of the region.
        jurisdiction: Whose rules were applied.
        marts: Mart to its rows and the sha256 of its content in key order.
        made_from: Landed deliveries, as `agency/feed/id`.
        software_version: Of Dolen.
    """

    number: int
    as_of: str
    region: str
    jurisdiction: str
    marts: dict[str, dict[str, int | str]]
    made_from: list[str]
    software_version: str


def publish(
    warehouse: Path, releases: Path, columns: pl.DataFrame, *, as_of: date, region: str, jurisdiction: str,
    made_from: list[str], software_version: str,
) -> Release:
    """Copy the marts out of the warehouse into a new release and make it the current one.

    Marts whose content is what the current release has already make no new release: the same deliveries give the same
    release, however often they are built.

    Args:
        warehouse: The database dbt has built and tested.
        releases: Folder of all releases.
        columns: Labels and descriptions of the marts and their columns: mart, position, column_name (empty for the
            mart itself), label_en, label_cy, description. Each mart is a table of the warehouse's schema `marts`. The
            frame becomes the release's table `mart_columns`.
        as_of: The date they speak for.
        region: Name of the region.
        jurisdiction: Whose rules were applied.
        made_from: Landed deliveries.
        software_version: Of Dolen.

    Returns:
        The current release, new or unchanged.
    """
    releases.mkdir(parents=True, exist_ok=True)
    current = read_current(releases)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=releases))
    try:
        content = _copy(warehouse, incoming, columns)
        number = 1 + max((int(path.name) for path in releases.glob("[0-9]*")), default=0)
        release = Release(number, as_of.isoformat(), region, jurisdiction, content, made_from, software_version)
        if current and _says_the_same(current, release):
            return current
        text = json.dumps(asdict(release), indent=2, sort_keys=True, ensure_ascii=False)
        (incoming / "release.json").write_text(text, encoding="utf-8")
        (incoming / DATABASE).chmod(0o440)
        target = releases / f"{number:06d}"
        incoming.chmod(0o750)
        incoming.rename(target)
        _point_to(releases, target.name)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return release


def read_current(releases: Path) -> Release | None:
    """What the current release says of itself; None when nothing was released yet."""
    path = releases / "current" / "release.json"
    return Release(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


@contextmanager
def open_release(releases: Path) -> Generator[duckdb.DuckDBPyConnection]:
    """Open the current release, read-only.

    Args:
        releases: Folder of all releases.

    Yields:
        A connection whose default schema holds the marts.

    Raises:
        ConfigurationError: Nothing was released yet.
    """
    path = releases / "current" / DATABASE
    if not path.exists():
        raise ConfigurationError("there is no release yet: run `dolen build` first")
    connection = duckdb.connect(str(path.resolve()), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def sql_text(path: Path) -> str:
    """A path as a text literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _copy(warehouse: Path, target: Path, columns: pl.DataFrame) -> dict[str, dict[str, int | str]]:
    content: dict[str, dict[str, int | str]] = {}
    connection = duckdb.connect(str(target / DATABASE))
    try:
        # One thread and a total order, so that the same rows give the same bytes to hash.
        connection.execute("set threads = 1")
        connection.execute(f"attach {sql_text(warehouse)} as warehouse (read_only)")
        connection.execute("create table mart_columns as select * from columns order by mart, position")
        for mart in columns.get_column("mart").unique().sort():
            connection.execute(f"create table {mart} as select * from warehouse.marts.{mart} order by all")
            hashed = target / f"{mart}.parquet"
            connection.execute(f"copy (select * from {mart} order by all) to {sql_text(hashed)} (format parquet)")
            rows = connection.execute(f"select count(*) from {mart}").fetchall()[0][0]
            content[mart] = {"rows": rows, "sha256": hashlib.sha256(hashed.read_bytes()).hexdigest()}
            hashed.unlink()
        connection.execute("detach warehouse")
    finally:
        connection.close()
    return content


def _says_the_same(old: Release, new: Release) -> bool:
    return (old.as_of, old.region, old.jurisdiction, old.marts) == (new.as_of, new.region, new.jurisdiction, new.marts)


def _point_to(releases: Path, name: str) -> None:
    """Swap the pointer by one rename, so that a reader sees the old release or the new one, never none."""
    link = releases / ".current-new"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    link.replace(releases / "current")
