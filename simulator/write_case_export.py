"""Writes the council's case system (CareDirector) as a CSV set: one full extract, then weekly deltas.

Put here: the shape of that export and its typical faults. Keep out: what happened (`lives_*`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from simulator.case_schema import FIRST_DATE, HIDDEN_UNTIL, TABLES
from simulator.clock import scalar_stream, stream, to_date
from simulator.deliveries import Files, Inbox, Weeks, without_column
from simulator.diary import Diary
from simulator.identifiers import space_nhs_number
from simulator.names import ETHNIC_CODES
from simulator.noise import Observed, observe, variant
from simulator.truth import Truth

AGENCY, FEED, SYSTEM, SUPPLIER, DATASET = "social_care", "case_export", "CareDirector", "caredirector", "case_export"


class CaseSystem:
    """The council's records at any day."""

    def __init__(self, diary: Diary, seed: int) -> None:
        """Take up every child with an open case and number the records."""
        self.diary, self.pop = diary, diary.pop
        self.rng = stream(seed, "case_export")
        self.draw = scalar_stream(seed, "case_export")
        self.children = np.array(sorted(diary.known_since), dtype=np.int64)
        numbers = 100_000 + self.rng.permutation(max(900_000, len(self.children)))[: len(self.children)]
        self.ids = np.full(self.pop.size, None, dtype=object)
        self.ids[self.children] = ["CD" + str(number) for number in numbers]
        self.seen = observe(
            self.pop, self.children, self.rng, self.draw, scale=2.2, nhs_share=0.62, upn_share=0.48, stale=0.05
        )
        self.tables = {name: self._events(name) for name in FIRST_DATE}
        for name in list(diary.planted):
            self.tables[name] = pl.concat([self.tables[name], self._planted(name)])
        self.tables.update(self._person_tables(self.seen))

    def _lag(self, count: int) -> np.ndarray:
        return self.rng.choice([0, 0, 0, 1, 1, 2, 3, 6], count)

    def _events(self, table: str) -> pl.DataFrame:
        """Return an event table with the day on which each row was entered."""
        frame = self.diary.frame(table)
        ids = pl.Series([self.ids[child] for child in frame["source_person_id"]], dtype=pl.String)
        lag = pl.Series(self._lag(len(frame)), dtype=pl.Int32)
        entered = pl.min_horizontal(pl.col(FIRST_DATE[table]) + lag, pl.lit(self.pop.as_of, pl.Int32))
        return frame.with_columns(ids.alias("source_person_id"), entered.alias("_entered"))

    def _planted(self, table: str) -> pl.DataFrame:
        """Return the planted rows of an event table, each entered on its first day."""
        frame = self.diary.frame(table, planted=True)
        ids = pl.Series([self.ids[child] for child in frame["source_person_id"]], dtype=pl.String)
        return frame.with_columns(ids.alias("source_person_id"), pl.col(FIRST_DATE[table]).alias("_entered"))

    def _person_tables(self, seen: Observed) -> dict[str, pl.DataFrame]:
        pop, draw = self.pop, self.draw
        people, identifiers, names, addresses = [], [], [], []
        for at, child in enumerate(self.children.tolist()):
            source, since = self.ids[child], self.diary.known_since[child]
            birth = int(seen.birth_day[at])
            pre_birth = since < pop.birth_day[child]
            nhs = seen.nhs[at]
            shown = space_nhs_number(nhs) if nhs and draw.random() < 0.06 else nhs
            former = pop.former_upn[child] if draw.random() < 0.5 else None
            ethnic = (
                ETHNIC_CODES[pop.ethnic[child]]["dfe"] if draw.random() < 0.91 else draw.choice(("NOBT", "REFU", None))
            )
            fore = seen.forename[at]
            known_as = variant(draw, fore) if fore and draw.random() < 0.07 else None
            group = f"FG{pop.family[child]:06d}" if draw.random() < 0.87 else None
            people.append(
                (
                    source,
                    fore,
                    seen.middle[at] if draw.random() < 0.5 else None,
                    seen.surname[at],
                    known_as,
                    birth,
                    int(pop.birth_day[child]) + draw.randint(-9, 9) if pre_birth else None,
                    False,
                    None,
                    seen.sex[at],
                    ethnic,
                    None if ethnic is None else "dfe",
                    shown,
                    seen.upn[at],
                    former,
                    pop.language[child],
                    group,
                    bool(pop.is_second[child]),
                    f"CDM{pop.family[child]:06d}" if pre_birth else None,
                    since,
                    int(pop.birth_day[child]) if pre_birth else None,
                )
            )
            self._history(at, child, since, identifiers, names, addresses)
        schemas = {
            name: {
                column: {"V": pl.String, "D": pl.Int32, "B": pl.Boolean, "I": pl.Int32}[kind]
                for column, kind in TABLES[name]
            }
            for name in ("persons", "identifiers", "names", "addresses")
        }
        entered = {"_entered": pl.Int32}
        return {
            "persons": pl.DataFrame(people, schema=schemas["persons"] | entered | {"_born": pl.Int32}, orient="row"),
            "identifiers": pl.DataFrame(identifiers, schema=schemas["identifiers"] | entered, orient="row"),
            "names": pl.DataFrame(names, schema=schemas["names"] | entered, orient="row"),
            "addresses": pl.DataFrame(addresses, schema=schemas["addresses"] | entered, orient="row"),
        }

    def _history(self, at: int, child: int, since: int, identifiers: list, names: list, addresses: list) -> None:
        """Write the history of numbers, names and addresses of one child."""
        pop, draw, seen, source = self.pop, self.draw, self.seen, self.ids[child]
        if seen.nhs[at]:
            identifiers.append((source, "nhs_number", seen.nhs[at], since, None, since))
        if seen.upn[at]:
            identifiers.append((source, "upn", seen.upn[at], since, None, since))
        if draw.random() < 0.2:
            identifiers.append((source, "legacy_id", f"W{draw.randint(1000000, 9999999)}", since, None, since))
        former, changed = pop.former_surname[child], int(pop.surname_changed[child])
        if former and draw.random() < 0.6:
            names.append((source, "former", seen.forename[at], None, former, None, changed, max(since, changed)))
        if draw.random() < 0.04:
            names.append((source, "alias", seen.forename[at], None, pop.mother_surname[child], None, None, since))
        homes = pop.addresses
        moved, sealed = int(pop.moved[child]), bool(pop.is_second[child])
        now, before = seen.address[at], pop.old_address[child]
        start = max(since, moved) if moved > 0 else since
        if moved > 0 and now != before:
            addresses.append(
                (
                    source,
                    "home",
                    homes["line"][before],
                    homes["town"][before],
                    homes["postcode"][before],
                    min(since, moved - 30),
                    moved,
                    False,
                    since,
                )
            )
        addresses.append(
            (source, "home", homes["line"][now], homes["town"][now], homes["postcode"][now], start, None, sealed, start)
        )

    def rows_at(self, table: str, cut: int, after: int | None) -> pl.DataFrame:
        """Return the rows of an extract: all up to the cut, or those entered or changed since another cut."""
        frame = self.tables[table]
        known = pl.col("_entered") <= cut
        if after is not None:
            change = pl.col("_entered") > after
            for column in [*HIDDEN_UNTIL.get(table, {}), *(["_born"] if table == "persons" else [])]:
                change = change | ((pl.col(column) > after) & (pl.col(column) <= cut)).fill_null(value=False)
            known = known & change
        frame = frame.filter(known)
        for column, tied in HIDDEN_UNTIL.get(table, {}).items():
            hidden = pl.col(column) > cut
            updates = [pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name) for name in (column, *tied)]
            frame = frame.with_columns(updates)
        if table == "persons":
            unborn = (pl.col("_born") > cut).fill_null(value=False)
            blank = [
                pl.when(unborn).then(None).otherwise(pl.col(name)).alias(name)
                for name in ("forename", "middle_names", "birth_date", "nhs_number", "upn", "former_upn")
            ]
            frame = frame.with_columns(
                *blank,
                unborn.alias("is_unborn"),
                pl.when(unborn).then(pl.lit("U")).otherwise(pl.col("sex")).alias("sex"),
            )
        return frame

    def known_at(self, cut: int) -> dict[str, pl.DataFrame]:
        """Return what the council knows on a day, each row with the child's index, for the truth."""
        index = {source: child for child, source in enumerate(self.ids) if source is not None}
        known = {}
        for table in TABLES:
            frame = self.rows_at(table, cut, None).select(name for name, _ in TABLES[table])
            children = pl.Series("child", [index.get(source) for source in frame["source_person_id"]], dtype=pl.Int64)
            known[table] = frame.with_columns(children)
        return known

    def render(self, table: str, frame: pl.DataFrame, *, british: bool = False, delta: bool = False) -> pl.DataFrame:
        """Turn days into text, as the export writes them."""
        dates = [name for name, kind in TABLES[table] if kind == "D"]
        style = "%d/%m/%Y" if british else "%Y-%m-%d"
        shown = frame.select(
            pl.col(name).cast(pl.Date).dt.strftime(style)
            if name in dates
            else pl.when(pl.col(name)).then(pl.lit("Y")).otherwise(pl.when(~pl.col(name)).then(pl.lit("N"))).alias(name)
            if kind == "B" and british
            else pl.col(name).cast(pl.String)
            for name, kind in TABLES[table]
        )
        return shown.with_columns(record_action=pl.lit("upsert")) if delta else shown

    def extract(self, cut: int, after: int | None, *, british: tuple[str, ...] = ()) -> dict[str, pl.DataFrame]:
        """Return all tables of one extract."""
        return {
            table: self.render(
                table, self.rows_at(table, cut, after), british=table in british, delta=after is not None
            )
            for table in TABLES
        }


def _files(tables: dict[str, pl.DataFrame]) -> Files:
    return {f"{name}.csv": frame.write_csv().encode() for name, frame in tables.items()}


def _row(frame: pl.DataFrame, **values: str | None) -> pl.DataFrame:
    """Return one row of the frame's shape."""
    return pl.DataFrame({name: [values.get(name)] for name in frame.columns}, schema=frame.schema)


def _bad_rows(system: CaseSystem, tables: dict[str, pl.DataFrame], cut: int) -> None:
    """Add rows that must not land: impossible and future dates, unknown codes, repeated keys."""
    visits, someone = tables["visits"], str(system.ids[system.children[0]])
    base = {"source_person_id": someone, "visit_type": "register", "was_seen": "true", "record_action": "upsert"}
    ahead = to_date(cut + 400).isoformat()
    bad = [
        _row(visits, **base, visit_id="VISBAD1", visit_date="2026-02-31"),
        _row(visits, **base, visit_id="VISBAD2", visit_date="31/11/2025"),
        _row(visits, **base, visit_id="VISBAD3", visit_date=ahead),
        _row(visits, **base, visit_id="VISBAD4", visit_date=None),
        _row(
            visits, **(base | {"visit_type": "drive_by"}), visit_id="VISBAD5", visit_date=to_date(cut - 3).isoformat()
        ),
        _row(visits, **(base | {"was_seen": "perhaps"}), visit_id="VISBAD6", visit_date=to_date(cut - 3).isoformat()),
    ]
    tables["visits"] = pl.concat([visits, *bad, visits.head(3)])
    tables["core_groups"] = pl.concat([tables["core_groups"], tables["core_groups"].head(2)])


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write the full extract and the deltas with their faults."""
    system = CaseSystem(diary, seed)
    truth.record(AGENCY, FEED, SYSTEM, system.ids[system.children], system.children)
    for table, frame in system.known_at(weeks.cuts[-1]).items():
        truth.keep(f"case_{table}", frame)

    def deliver(day: int, mode: str, files: Files, **how: Any) -> None:
        inbox.deliver(AGENCY, FEED, SUPPLIER, DATASET, day, mode, files, **how)

    full = system.extract(weeks.cuts[0], None)
    mistaken = full["contacts"].head(4).with_columns(contact_id=pl.lit("CONX") + pl.col("contact_id").str.slice(3))
    full["contacts"] = pl.concat([full["contacts"], mistaken])
    deliver(weeks.cuts[0], "full", _files(full))
    for number, after, cut in weeks.windows():
        british = ("visits", "contacts", "referrals") if number == weeks.number(1) else ()
        tables = system.extract(cut, after, british=british)
        if number == weeks.number(1):
            gone = mistaken.with_columns(record_action=pl.lit("delete"))
            tables["contacts"] = pl.concat([tables["contacts"], gone])
        if number == weeks.number(2):
            _bad_rows(system, tables, cut)
            broken = _files(tables)
            broken["persons.csv"] = without_column(broken["persons.csv"], "source_person_id")
            deliver(cut, "delta", broken, kind="missing_column", expect="superseded")
        if number == weeks.number(3):
            early = dict(tables)
            early["visits"] = tables["visits"].head(int(len(tables["visits"]) * 0.8))
            deliver(cut, "delta", _files(early), kind="good_but_superseded", expect="superseded")
            deliver(cut, "delta", _files(tables), kind="resend")
        else:
            deliver(cut, "delta", _files(tables), kind="bad_rows" if number == weeks.number(2) else "good")
