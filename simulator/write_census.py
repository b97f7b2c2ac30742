"""Writes school censuses: Cardiff's from SIMS as CSV tables, the Vale's from ONE as transfer files in XML.

Put here: the tables, headers and elements of both. Keep out: who goes to which school (`population`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import polars as pl

from simulator.clock import scalar_stream, stream, to_date
from simulator.deliveries import Files, Inbox, Weeks
from simulator.diary import Diary
from simulator.names import ETHNIC_CODES
from simulator.noise import Observed, observe, variant
from simulator.truth import Truth

AGENCY, FEED = "education", "school_census"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ON_ROLL = _words(
    "pupilonrolltableid NativeId dob surname forename middlenames preferredsurname formersurname upn formerupn "
    "uniquelearnernumber sex entrydate pupilonrollorderseqcolumn sourceid schoolcensustableid hoursatsetting "
    "schoollunchtaken parttime topupfunding termlysessionspossible termlysessionsauthorised termlysessionsunauthorised "
    "senunitindicator resourcedprovisionindicator nonqualhrs ftemp qualhrs qualhrspreviousyear nonqualhrspreviousyear "
    "tlevelqualhrs tlevelnonqualhrs moveoffrollflag fundedhours missingaddress duplicatenotfunded "
    "summerhalfterm2sessionspossible extendedhours eligibilitycode summerhalfterm2sessionsauthorised "
    "summerhalfterm2sessionsunauthorised dafindicator summerhalfterm2sessionseducational "
    "summerhalfterm2sessionsexceptional summerhalfterm2sessionscoronavirus yssa servicechild language classtype "
    "enrolstatus boarder plaa senprovision ncyearactual mathsgcsehighestpriorattainment mathsgcsepriorattainmentyear11 "
    "englishgcsehighestpriorattainment englishgcsepriorattainmentyear11 mathsgcsefundingexemption "
    "englishgcsefundingexemption mathsgcsehighestpriorattainmentpreviousyear "
    "englishgcsehighestpriorattainmentpreviousyear eyppr eyppbf"
)
OFF_ROLL = _words(
    "pupilnolongeronrolltableid NativeId dob surname forename middlenames preferredsurname formersurname upn formerupn "
    "uniquelearnernumber sex entrydate leavingdate pupilnolongeronrollorderseqcolumn sourceid schoolcensustableid "
    "parttime termlysessionspossible termlysessionsauthorised termlysessionsunauthorised moveonrollflag missingaddress "
    "summerhalfterm2sessionsauthorised summerhalfterm2sessionspossible summerhalfterm2sessionsunauthorised qualhrs "
    "qualhrspreviousyear nonqualhrspreviousyear tlevelqualhrs tlevelnonqualhrs nonqualhrs "
    "summerhalfterm2sessionseducational summerhalfterm2sessionsexceptional "
    "summerhalfterm2sessionscoronavirus boarder language ncyearleaving "
    "mathsgcsehighestpriorattainment mathsgcsepriorattainmentyear11 englishgcsehighestpriorattainment "
    "englishgcsepriorattainmentyear11 mathsgcsefundingexemption englishgcsefundingexemption "
    "mathsgcsehighestpriorattainmentpreviousyear englishgcsehighestpriorattainmentpreviousyear"
)
DETAILS = {
    "on": ("pupilonrolltableid", "termlysessiondetailsonrolltableid", "termlysessiondetailsonrollorderseqcolumn"),
    "off": (
        "pupilnolongeronrolltableid",
        "termlysessiondetailsoffrolltableid",
        "termlysessiondetailsoffrollorderseqcolumn",
    ),
}
EXCLUDED = {
    "on": ("pupilonrolltableid", "termlyexclusionsonrolltableid", "termlyexclusionsonrollorderseqcolumn"),
    "off": ("pupilnolongeronrolltableid", "termlyexclusionsoffrolltableid", "termlyexclusionsoffrollorderseqcolumn"),
}
Cells = dict[str, list[Any]]


def _days(days: np.ndarray) -> list[str]:
    """Return days as SIMS writes them: 2012-Jan-21 00:00:00."""
    return pl.Series(days, dtype=pl.Int32).cast(pl.Date).dt.strftime("%Y-%b-%d 00:00:00").to_list()


def _csv(columns: Sequence[str], cells: Cells) -> bytes:
    height = len(next(iter(cells.values())))
    frame = pl.DataFrame(
        {
            name: pl.Series(name, [None if v is None else str(v) for v in cells[name]], dtype=pl.String)
            if name in cells
            else pl.Series(name, [None] * height, dtype=pl.String)
            for name in columns
        }
    )
    return frame.write_csv().encode()


class Census:
    """One council's pupils as its school system sees them on a day."""

    def __init__(self, diary: Diary, seed: int, authority: int, label: str) -> None:
        """Take all pupils of the council's schools, and some who have left."""
        self.pop, self.label = diary.pop, label
        pop = self.pop
        self.rng, self.draw = stream(seed, label), scalar_stream(seed, label)
        self.looked_after = {row[0] for row in diary.rows["true_care"] if row[2] is None}
        school = pop.school
        enrolled = np.flatnonzero((school >= 0) & (pop.schools["authority"][np.maximum(school, 0)] == authority))
        leavers = enrolled[self.rng.random(len(enrolled)) < 0.02]
        self.child = np.concatenate([enrolled, leavers])
        self.left = np.arange(len(self.child)) >= len(enrolled)
        options = np.flatnonzero(pop.schools["authority"] == authority)
        same_phase = school[self.child].copy()
        for at in np.flatnonzero(self.left):
            mates = options[pop.schools["phase"][options] == pop.schools["phase"][school[self.child[at]]]]
            same_phase[at] = mates[(np.searchsorted(mates, school[self.child[at]]) + 1) % len(mates)]
        self.school = same_phase
        self.leaving = pop.as_of - self.rng.integers(20, 90, len(self.child))
        self.entry = np.where(
            self.left, np.minimum(pop.entry_day[self.child], self.leaving - 150), pop.entry_day[self.child]
        )
        self.seen: Observed = observe(
            pop, self.child, self.rng, self.draw, scale=1.3, nhs_share=0.0, upn_share=0.985, stale=0.03
        )
        self._nicknames()
        self._wrong_letters()
        self.table_ids = [f"{number:08x}-{label[:3]}" for number in self._distinct(len(self.child))]
        self.native = [f"{pop.schools['authority'][s]}{pop.schools['estab'][s]}" for s in self.school]
        self.possible = np.full(len(self.child), 132)
        self.authorised = self.rng.poisson(5.0, len(self.child))
        self.unauthorised = self.rng.poisson(self.rng.gamma(0.6, 4.0, len(self.child)))
        self.provision = self.rng.choice(["N", "K", "S", "A"], len(self.child), p=[0.84, 0.09, 0.05, 0.02])
        self.exclusion_day = np.maximum(self.entry + 5, pop.as_of - 20 - np.arange(len(self.child)) % 40)
        self.exclusion_day[self.left] = self.leaving[self.left] - 1
        self.excluded = np.flatnonzero((self.rng.random(len(self.child)) < 0.012) & (pop.ncy[self.child] >= 3))

    def _distinct(self, count: int) -> list[int]:
        values: dict[int, None] = {}
        while len(values) < count:
            values.update(dict.fromkeys(self.rng.integers(0, 2**32, count).tolist()))
        return list(values)[:count]

    def _nicknames(self) -> None:
        for at in np.flatnonzero(self.rng.random(len(self.child)) < 0.03):
            self.seen.forename[at] = variant(self.draw, self.seen.forename[at])

    def _wrong_letters(self) -> None:
        """Give a few UPNs a wrong check letter."""
        for at in np.flatnonzero((self.seen.upn != None) & (self.rng.random(len(self.child)) < 0.003)):  # noqa: E711 - element-wise
            upn = self.seen.upn[at]
            self.seen.upn[at] = ("A" if upn[0] != "A" else "B") + upn[1:]

    def source_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (identifier, child) of each record: the UPN, and school with table id for readers without one."""
        fallback = [f"{native}|{row}" for native, row in zip(self.native, self.table_ids, strict=True)]
        has_upn = np.flatnonzero(self.seen.upn != None)  # noqa: E711 - element-wise on an object array
        ids = np.concatenate([self.seen.upn[has_upn], np.array(fallback, dtype=object)])
        return ids, np.concatenate([self.child[has_upn], self.child])

    def tables(self, cut: int, term: str, keep: float = 1.0) -> Files:
        """Return the CSV tables on a day."""
        here = np.flatnonzero(~self.left | (self.leaving > cut))
        here = here[: int(len(here) * keep)]
        gone = np.flatnonzero(self.left & (self.leaving <= cut))
        on, off = self._pupils(here), self._pupils(gone)
        height = len(here)
        on.update(
            pupilonrolltableid=on.pop("id"),
            schoolcensustableid=on.pop("census"),
            pupilonrollorderseqcolumn=list(range(1, height + 1)),
            enrolstatus=["C"] * height,
            senprovision=self.provision[here].tolist(),
            parttime=["False"] * height,
            ncyearactual=self._years(here),
        )
        off.update(
            pupilnolongeronrolltableid=off.pop("id"),
            schoolcensustableid=off.pop("census"),
            pupilnolongeronrollorderseqcolumn=list(range(1, len(gone) + 1)),
            leavingdate=_days(self.leaving[gone]),
            parttime=["False"] * len(gone),
            ncyearleaving=self._years(gone),
        )
        return {
            f"{term}_pupilonroll.csv": _csv(ON_ROLL, on),
            f"{term}_pupilnolongeronroll.csv": _csv(OFF_ROLL, off),
            f"{term}_termlysessiondetailsonroll.csv": self._absences("on", here),
            f"{term}_termlysessiondetailsoffroll.csv": self._absences("off", gone),
            f"{term}_termlyexclusionsonroll.csv": self._exclusions("on", np.intersect1d(self._excluded(cut), here)),
            f"{term}_termlyexclusionsoffroll.csv": self._exclusions("off", np.intersect1d(self._excluded(cut), gone)),
        }

    def _excluded(self, cut: int) -> np.ndarray:
        """Return the records with an exclusion that began before a day."""
        return self.excluded[self.exclusion_day[self.excluded] < cut]

    def _years(self, rows: np.ndarray) -> list[object]:
        return [
            "R" if year == 0 else "N2" if year < 0 else str(year) for year in self.pop.ncy[self.child[rows]].tolist()
        ]

    def _pupils(self, rows: np.ndarray) -> Cells:
        pop, seen = self.pop, self.seen
        child = self.child[rows]
        known_as = [
            f if f and r < 0.5 else None
            for f, r in zip(pop.former_surname[child], self.rng.random(len(rows)), strict=True)
        ]
        return {
            "id": [self.table_ids[at] for at in rows],
            "NativeId": [self.native[at] for at in rows],
            "dob": _days(seen.birth_day[rows]),
            "surname": seen.surname[rows].tolist(),
            "forename": seen.forename[rows].tolist(),
            "middlenames": seen.middle[rows].tolist(),
            "preferredsurname": [None] * len(rows),
            "formersurname": known_as,
            "upn": seen.upn[rows].tolist(),
            "formerupn": pop.former_upn[child].tolist(),
            "sex": seen.sex[rows].tolist(),
            "entrydate": _days(self.entry[rows]),
            "sourceid": [f"s{self.native[at]}" for at in rows],
            "census": [f"c{self.native[at]}" for at in rows],
            "termlysessionspossible": [f"{v}.0" for v in self.possible[rows]],
            "termlysessionsauthorised": [f"{v}.0" for v in self.authorised[rows]],
            "termlysessionsunauthorised": [f"{v}.0" for v in self.unauthorised[rows]],
            "missingaddress": ["False"] * len(rows),
            "language": ["WEL" if v == "cy" else "ENG" for v in pop.language[child]],
        }

    def _absences(self, roll: str, rows: np.ndarray) -> bytes:
        pupil, key, order = DETAILS[roll]
        cells: Cells = {
            name: [] for name in (pupil, "NativeId", key, order, "sourceid", "sessions", "attendancereason")
        }
        reasons = ("I", "M", "C", "H")
        for at in rows.tolist():
            left = int(self.authorised[at])
            parts = (
                [(reasons[at % 4], left)] if left < 5 else [("I", left - left // 3), (reasons[at % 4 or 1], left // 3)]
            )
            parts.append(("O" if at % 3 else "U", int(self.unauthorised[at])))
            for number, (code, sessions) in enumerate(part for part in parts if part[1] > 0):
                values = (
                    self.table_ids[at],
                    self.native[at],
                    f"{self.table_ids[at]}-{number}",
                    number + 1,
                    f"s{self.native[at]}",
                    f"{sessions}.0",
                    code,
                )
                for column, value in zip(cells.values(), values, strict=True):
                    column.append(value)
        return _csv(list(cells), cells)

    def _exclusions(self, roll: str, rows: np.ndarray) -> bytes:
        pupil, key, order = EXCLUDED[roll]
        cells: Cells = {
            name: []
            for name in (
                pupil,
                "NativeId",
                key,
                order,
                "sourceid",
                "startdate",
                "sessions",
                "reason1",
                "reason2",
                "reason3",
                "category",
                "senprovision",
            )
        }
        for at in rows.tolist():
            start = _days(self.exclusion_day[[at]])[0]
            permanent = at % 25 == 0
            values = (
                self.table_ids[at],
                self.native[at],
                f"{self.table_ids[at]}-x",
                1,
                f"s{self.native[at]}",
                start,
                "0.0" if permanent else f"{2 + at % 9}.0",
                ("PP", "PA", "VP", "DB", "BU")[at % 5],
                None,
                None,
                "PERM" if permanent else "SUSP",
                self.provision[at],
            )
            for column, value in zip(cells.values(), values, strict=True):
                column.append(value)
        return _csv(list(cells), cells)

    def transfer_files(self, cut: int) -> Files:
        """Return one transfer file (CTF shape) a school."""
        files: Files = {}
        for school in np.unique(self.school).tolist():
            rows = np.flatnonzero(self.school == school)
            estab, lea = int(self.pop.schools["estab"][school]), int(self.pop.schools["authority"][school])
            pupils = "\n".join(self._pupil(int(at), cut) for at in rows)
            head = (
                f"<Header><DocumentName>Common Transfer File</DocumentName><CTFversion>25.0</CTFversion>"
                f"<DateTime>{to_date(cut).isoformat()}T06:00:00</DateTime><DocumentQualifier>full</DocumentQualifier>"
                f"<SupplierID>ONE</SupplierID><SourceSchool><LEA>{lea}</LEA><Estab>{estab}</Estab><SchoolName>"
                f"{escape(str(self.pop.schools['name'][school]))}</SchoolName><AcademicYear>{to_date(cut).year}</AcademicYear>"
                f"</SourceSchool><DestSchool><LEA>{lea}</LEA><Estab>LLLL</Estab></DestSchool></Header>"
            )
            files[f"{lea}{estab}_{lea}LLLL_001.xml"] = (
                f'<?xml version="1.0" encoding="UTF-8"?>\n<CTfile>{head}<CTFpupilData>\n'
                f"{pupils}\n</CTFpupilData></CTfile>\n"
            ).encode()
        return files

    def _pupil(self, at: int, cut: int) -> str:
        pop, seen, child = self.pop, self.seen, int(self.child[at])
        homes, place = pop.addresses, seen.address[at]

        def element(name: str, value: object) -> str:
            return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"

        leaving = (
            element("LeavingDate", to_date(self.leaving[at]).isoformat())
            if self.left[at] and self.leaving[at] <= cut
            else ""
        )
        language = "CYM" if pop.language[child] == "cy" else "ENG"
        return (
            "<Pupil>"
            + element("UPN", seen.upn[at])
            + element("AdmissionNumber", self.table_ids[at] if seen.upn[at] is None else None)
            + element("Surname", seen.surname[at])
            + element("Forename", seen.forename[at])
            + element("DOB", to_date(seen.birth_day[at]).isoformat())
            + element("Sex", seen.sex[at])
            + "<BasicDetails>"
            + element("FormerUPN", pop.former_upn[child])
            + element("MiddleNames", seen.middle[at])
            + element("FormerSurname", pop.former_surname[child])
            + element("Ethnicity", ETHNIC_CODES[pop.ethnic[child]]["dfe"])
            + f"<Languages><Type><LanguageType>F</LanguageType><Language>{language}</Language></Type></Languages>"
            + element("EnrolStatus", "C")
            + element("NCyearActual", self._years(np.array([at]))[0])
            + "</BasicDetails>"
            + (
                f"<LookedAfter><CareAuthority>{pop.schools['authority'][self.school[at]]}</CareAuthority><InCare>true</InCare></LookedAfter>"
                if child in self.looked_after
                else ""
            )
            + element("ALNprovision", self.provision[at])
            + "<Addresses><Address><AddressLines>"
            + element("AddressLine1", homes["line"][place])
            + element("AddressLine2", homes["town"][place])
            + "</AddressLines>"
            + element("PostCode", homes["postcode"][place])
            + "</Address></Addresses>"
            + f"<Attendance><SessionsPossible>{self.possible[at]}</SessionsPossible>"
            f"<SessionsAuthorised>{self.authorised[at]}"
            f"</SessionsAuthorised><SessionsUnauthorised>{self.unauthorised[at]}</SessionsUnauthorised></Attendance>"
            + "<SchoolHistory>"
            + element("EntryDate", to_date(self.entry[at]).isoformat())
            + leaving
            + "</SchoolHistory></Pupil>"
        )


def _keep_enrolments(truth: Truth, censuses: Sequence[Census], cut: int) -> None:
    """Keep which child each school has, or had, on its roll as it last said."""
    kept = [
        (int(one.child[at]), str(one.native[at]), int(one.entry[at]), int(one.leaving[at]) if one.left[at] else None)
        for one in censuses
        for at in range(len(one.child))
        if not (one.left[at] and one.leaving[at] > cut)
    ]
    columns = ["child", "school_id", "entry_date", "leaving_date"]
    truth.keep("enrolments", pl.DataFrame(kept, schema=columns, orient="row", infer_schema_length=None))


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write two full censuses of each council; between them one of SIMS that lost half its pupils."""
    first, last = weeks.cuts[0], weeks.cuts[-1]
    sims = Census(diary, seed, 681, "sims")
    one = Census(diary, seed, 673, "one")
    for census, system in ((sims, "SIMS"), (one, "ONE")):
        truth.record(AGENCY, FEED, system, *census.source_ids())
    _keep_enrolments(truth, (sims, one), last)
    day = to_date(last)
    term = f"{day.year}_{'autumn' if day.month >= 9 else 'spring' if day.month < 4 else 'summer'}"
    inbox.deliver(AGENCY, FEED, "sims", "school_census", first, "full", sims.tables(first, term))
    inbox.deliver(
        AGENCY,
        FEED,
        "sims",
        "school_census",
        (first + last) // 2,
        "full",
        sims.tables(last, term, keep=0.45),
        kind="shrunk_full",
        expect="held",
    )
    inbox.deliver(AGENCY, FEED, "sims", "school_census", last, "full", sims.tables(last, term))
    inbox.deliver(AGENCY, FEED, "one", "plasc", first, "full", one.transfer_files(first))
    stray = one.transfer_files(last)
    name = next(iter(stray))
    inbox.deliver(
        AGENCY,
        FEED,
        "one",
        "plasc",
        last - 1,
        "full",
        stray | {name: stray[name][: len(stray[name]) // 2]},
        kind="truncated",
        expect="held",
    )
    inbox.deliver(AGENCY, FEED, "one", "plasc", last, "full", stray)
