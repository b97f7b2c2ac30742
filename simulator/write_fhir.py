"""Writes the community child health system as FHIR bulk exports: NDJSON folders, one full, then deltas.

Put here: the shape of the resources (UK Core, Data Standards Wales) and their faults. Keep out: events (`lives_*`).
Text is put together by templates: names and streets hold no character that JSON must escape.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from simulator.clock import scalar_stream, stream, to_date
from simulator.deliveries import Files, Inbox, Weeks
from simulator.diary import Diary
from simulator.identifiers import space_nhs_number
from simulator.names import ETHNIC_CODES
from simulator.noise import Observed, observe
from simulator.truth import Truth

AGENCY, FEED, SYSTEM, SUPPLIER, DATASET = "health", "fhir", "Community child health", "cch", "bulk_export"
CODES = "https://example.wales/fhir/CodeSystem/community-child-health"
SNOMED = "http://snomed.info/sct"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_UK = "https://fhir.hl7.org.uk"
_STATUS = f"{_UK}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
_STATUS_CODES = f"{_UK}/CodeSystem/UKCore-NHSNumberVerificationStatusWales"
_ETHNIC = f"{_UK}/StructureDefinition/Extension-UKCore-EthnicCategory"
_ETHNIC_CODES = f"{_UK}/CodeSystem/UKCore-EthnicCategoryWales"
_BOARD = f'{{"identifier":{{"system":"{ODS}","value":"7A4"}}}}'

Lines = dict[str, list[tuple[int, str]]]  # resource type -> (day of last update, line)


def day_text(day: int) -> str:
    """Return a day as FHIR writes it."""
    return to_date(day).isoformat()


def _meta(day: int, version: int = 1) -> str:
    return f'"meta":{{"versionId":"{version}","lastUpdated":"{day_text(day)}T21:30:00Z"}}'


def _coding(system: str, code: str) -> str:
    return f'{{"coding":[{{"system":"{system}","code":"{code}"}}]}}'


class ChildHealth:
    """The child health system: its patients, and its resources with their days of update."""

    def __init__(self, diary: Diary, seed: int, truth: Truth) -> None:
        """Choose who has a record, number the records, register them in the truth."""
        self.diary, self.pop = diary, diary.pop
        pop = self.pop
        self.rng, self.draw = stream(seed, "fhir"), scalar_stream(seed, "fhir")
        has = ~pop.is_unborn & (self.rng.random(pop.size) < 0.985)
        former = (pop.sealed_on >= 0) & ~pop.is_second
        has &= ~former | (self.rng.random(pop.size) < 0.6)
        children = np.flatnonzero(has)
        doubles = children[self.rng.random(len(children)) < 0.003]
        self.child = np.concatenate([children, doubles])
        self.is_double = np.arange(len(self.child)) >= len(children)
        numbers = 1_000_000 + self.rng.permutation(max(2_000_000, 2 * pop.size))[: len(self.child)]
        self.ids = np.array([f"cch-{number}" for number in numbers], dtype=object)
        self.of_child = np.full(pop.size, None, dtype=object)
        self.of_child[children] = self.ids[: len(children)]
        self.seen: Observed = observe(
            pop, self.child, self.rng, self.draw, scale=1.0, nhs_share=0.985, upn_share=0.0, stale=0.05
        )
        self.seen.nhs[self.is_double] = None
        truth.record(AGENCY, FEED, SYSTEM, self.ids, self.child, retired=self.is_double)

    def registered_day(self, at: int) -> int:
        """Return the day when the record was opened."""
        child = self.child[at]
        return int(self.pop.sealed_on[child]) + 10 if self.pop.is_second[child] else int(self.pop.birth_day[child]) + 2

    def patients(self, first_cut: int) -> list[tuple[int, str]]:
        """Return all patients with the day of the version; who changed after the first cut has an earlier one too."""
        pop, seen, out = self.pop, self.seen, []
        multiples = self._birth_orders()
        roll = self.rng.random((len(self.child), 5))
        for at, child in enumerate(self.child.tolist()):
            opened, moved = self.registered_day(at), int(pop.moved[child])
            renamed = (
                int(pop.surname_changed[child]) if pop.former_surname[child] not in (None, seen.surname[at]) else -1
            )
            moved = moved if moved > 0 and seen.address[at] != pop.old_address[child] else -1
            last = max(opened, renamed, moved + 3 if moved > 0 else -1)
            out.append((last, self._patient(at, last, renamed, moved, multiples, roll[at])))
            if opened <= first_cut < last:
                earlier = self._patient(
                    at,
                    opened,
                    renamed if renamed <= first_cut else -2,
                    moved if moved + 3 <= first_cut else -2,
                    multiples,
                    roll[at],
                )
                out.append((opened, earlier))
        return out

    def _patient(
        self, at: int, updated: int, renamed: int, moved: int, multiples: dict[int, int], roll: np.ndarray
    ) -> str:
        """Return one version; a change of -1 never was, one of -2 has not reached the system yet."""
        pop, seen, child = self.pop, self.seen, int(self.child[at])
        fore, sur = seen.forename[at], seen.surname[at]
        if pop.as_of - pop.birth_day[child] < 45 and roll[0] < 0.3:
            fore = "Baby"
        sur = pop.former_surname[child] if renamed == -2 else sur
        given = f'"{fore}"' if seen.middle[at] is None or roll[1] < 0.3 else f'"{fore}","{seen.middle[at]}"'
        name = f'{{"use":"official","family":"{sur}","given":[{given}]}}'
        if renamed >= 0:
            end = day_text(renamed)
            name += (
                f',{{"use":"old","family":"{pop.former_surname[child]}","given":["{fore}"],"period":{{"end":"{end}"}}}}'
            )
        here, there = seen.address[at], pop.old_address[child]
        address = self._address("home", there if moved == -2 else here)
        if moved >= 0:
            address += "," + self._address("old", there, f',"period":{{"end":"{day_text(moved)}"}}')
        sex = {"M": "male", "F": "female"}.get(seen.sex[at], "unknown")
        sealed = pop.sealed_on[child] >= 0 and not pop.is_second[child]
        parts = [
            f'{{"resourceType":"Patient","id":"{self.ids[at]}"',
            _meta(updated, 1 + (renamed >= 0) + (moved >= 0)),
            self._extensions(child, roll[2]),
            self._identifiers(at, roll[3], roll[4]),
            f'"active":{"false" if self.is_double[at] or sealed else "true"}',
            f'"name":[{name}],"gender":"{sex}","birthDate":"{day_text(seen.birth_day[at])}","address":[{address}]',
        ]
        if child in multiples:
            parts.append(f'"multipleBirthInteger":{multiples[child]}')
        if pop.language[child] == "cy" and roll[2] < 0.6:
            parts.append(f'"communication":[{{"language":{_coding("urn:ietf:bcp:47", "cy")},"preferred":true}}]')
        if pop.has_gp[child]:
            parts.append(
                f'"generalPractitioner":[{{"identifier":{{"system":"{ODS}","value":"{self.practice(child)}"}}}}]'
            )
        parts.append(f'"managingOrganization":{_BOARD}')
        if self.is_double[at]:
            parts.append(f'"link":[{{"other":{{"reference":"Patient/{self.of_child[child]}"}},"type":"replaced-by"}}]')
        return ",".join(part for part in parts if part) + "}"

    def practice(self, child: int) -> str:
        """Return the code of the child's GP practice."""
        return f"W97{int(self.pop.practice[child]):03d}"

    def _birth_orders(self) -> dict[int, int]:
        orders: dict[int, int] = {}
        count: dict[int, int] = defaultdict(int)
        for child in np.flatnonzero(self.pop.twin_group >= 0).tolist():
            group = int(self.pop.twin_group[child])
            count[group] += 1
            orders[child] = count[group]
        return orders

    def _address(self, use: str, place: int, period: str = "") -> str:
        homes = self.pop.addresses
        return (
            f'{{"use":"{use}","line":["{homes["line"][place]}"],"city":"{homes["town"][place]}",'
            f'"postalCode":"{homes["postcode"][place]}"{period}}}'
        )

    def _extensions(self, child: int, roll: float) -> str:
        if roll > 0.9:
            return ""
        code = ETHNIC_CODES[self.pop.ethnic[child]]["wales_fhir"] if roll < 0.87 else "Z"
        return f'"extension":[{{"url":"{_ETHNIC}","valueCodeableConcept":{_coding(_ETHNIC_CODES, code)}}}]'

    def _identifiers(self, at: int, roll: float, spaced: float) -> str:
        local = f'{{"system":"https://fhir.cavuhb.nhs.wales/Id/pas-identifier","value":"H{self.ids[at][4:]}"}}'
        nhs = self.seen.nhs[at]
        if not nhs:
            return f'"identifier":[{local}]'
        nhs = space_nhs_number(nhs) if spaced < 0.004 else nhs
        status = "01" if roll < 0.955 else "02" if roll < 0.98 else "03"
        state = f'"extension":[{{"url":"{_STATUS}","valueCodeableConcept":{_coding(_STATUS_CODES, status)}}}]'
        return f'"identifier":[{{{state},"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{nhs}"}},{local}]'

    def assessments(self, lines: Lines) -> None:
        """Add encounters, missed appointments and dental procedures."""
        for number, row in enumerate(self.diary.rows["health_contacts"]):
            child, code, status, day = row
            patient = self.of_child[child]
            if patient is None:
                continue
            subject = f'{{"reference":"Patient/{patient}"}}'
            entered = min(self.pop.as_of, int(day) + self.draw.choice((0, 0, 1, 2, 5)))
            when = f'{{"start":"{day_text(day)}T10:00:00Z","end":"{day_text(day)}T10:50:00Z"}}'
            if code == "DENTAL":
                lines["Procedure"].append(
                    (
                        entered,
                        (
                            f'{{"resourceType":"Procedure","id":"prc-{number}",{_meta(entered)},"status":"completed",'
                            f'"code":{_coding(CODES, "DENTAL")},"subject":{subject},'
                            f'"performedDateTime":"{day_text(day)}"}}'
                        ),
                    )
                )
            elif status == "missed":
                lines["Appointment"].append(
                    (
                        entered,
                        (
                            f'{{"resourceType":"Appointment","id":"apt-{number}",{_meta(entered)},"status":"noshow",'
                            f'"serviceType":[{_coding(CODES, str(code))}],"start":"{day_text(day)}T10:00:00Z",'
                            f'"end":"{day_text(day)}T10:50:00Z","participant":[{{"actor":{subject},"status":"accepted"}}]}}'
                        ),
                    )
                )
            else:
                done = status == "done"
                reason = "" if done else f'"reasonCode":[{_coding(CODES, "DECLINED")}],'
                lines["Encounter"].append(
                    (
                        entered,
                        (
                            f'{{"resourceType":"Encounter","id":"enc-{number}",{_meta(entered)},'
                            f'"status":"{"finished" if done else "cancelled"}","class":{{"system":'
                            f'"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}},'
                            f'"type":[{_coding(CODES, str(code))}],'
                            f'"subject":{subject},{reason}"period":{when},"serviceProvider":{_BOARD}}}'
                        ),
                    )
                )

    def vaccinations(self, lines: Lines) -> None:
        """Add immunisations."""
        for number, (child, day, code, dose) in enumerate(self.diary.rows["vaccinations"]):
            patient = self.of_child[child]
            if patient is None:
                continue
            entered = min(self.pop.as_of, int(day) + number % 5)
            lines["Immunization"].append(
                (
                    entered,
                    (
                        f'{{"resourceType":"Immunization","id":"imm-{number}",{_meta(entered)},"status":"completed",'
                        f'"vaccineCode":{_coding(SNOMED, str(code))},"patient":{{"reference":"Patient/{patient}"}},'
                        f'"occurrenceDateTime":"{day_text(day)}","protocolApplied":[{{"doseNumberPositiveInt":{dose}}}]}}'
                    ),
                )
            )

    def flags(self, after: int | None, cut: int) -> list[str]:
        """Return flags as they stand at a cut, or those that changed since another cut."""
        out = []
        for number, (child, code, start, end) in enumerate(self.diary.rows["flags"]):
            patient = self.of_child[child]
            if patient is None or start > cut:
                continue
            over = end is not None and end <= cut
            changed = end if over else start
            if after is not None and changed <= after:
                continue
            period = f'"start":"{day_text(start)}"' + (f',"end":"{day_text(end)}"' if over else "")
            out.append(
                f'{{"resourceType":"Flag","id":"flg-{number}",{_meta(changed, 1 + over)},'
                f'"status":"{"inactive" if over else "active"}","category":[{_coding(CODES, "SAFEGUARDING")}],'
                f'"code":{_coding(SNOMED, str(code))},"subject":{{"reference":"Patient/{patient}"}},'
                f'"period":{{{period}}}}}'
            )
        return out

    def registrations(self, after: int | None, cut: int) -> list[str]:
        """Return episodes of GP registration as they stand at a cut, or those that changed since another cut."""
        moves: dict[int, list[int]] = defaultdict(list)
        for child, day in self.diary.rows["gp_moves"]:
            moves[child].append(day)
        out, pop = [], self.pop
        places = max(6, int(pop.practice.max()) + 1)
        for at in np.flatnonzero(~self.is_double).tolist():
            child = int(self.child[at])
            if not pop.has_gp[child]:
                continue
            first = self.registered_day(at) + 20
            starts = [first, *sorted(day for day in moves.get(child, []) if day > first)]
            for number, start in enumerate(starts):
                if start > cut:
                    continue
                end = starts[number + 1] if number + 1 < len(starts) else None
                over = end is not None and end <= cut
                changed = end if over and end is not None else start
                if after is not None and changed <= after:
                    continue
                practice = f"W97{(int(pop.practice[child]) + number) % places:03d}"
                period = f'"start":"{day_text(start)}"' + (
                    f',"end":"{day_text(end)}"' if over and end is not None else ""
                )
                out.append(
                    f'{{"resourceType":"EpisodeOfCare","id":"eoc-{self.ids[at][4:]}-{number}",{_meta(changed)},'
                    f'"status":"{"finished" if over else "active"}","type":[{_coding(CODES, "GPREG")}],'
                    f'"patient":{{"reference":"Patient/{self.ids[at]}"}},"managingOrganization":'
                    f'{{"identifier":{{"system":"{ODS}","value":"{practice}"}}}},"period":{{{period}}}}}'
                )
        return out

    def organisations(self) -> list[str]:
        """Return the GP practices."""
        return [
            f'{{"resourceType":"Organization","id":"org-{number}","identifier":[{{"system":"{ODS}","value":"W97{number:03d}"}}],'
            f'"active":true,"name":"Meddygfa {number + 1}"}}'
            for number in range(max(6, int(self.pop.practice.max()) + 1))
        ]


def _bytes(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode() if lines else b""


def _bad_lines(files: Files, cut: int) -> None:
    """Add lines that must be quarantined one by one: cut JSON, an unknown element, an impossible date."""
    ahead = day_text(cut)
    files["Encounter.000.ndjson"] = (
        files.get("Encounter.000.ndjson", b"")
        + (
            '{"resourceType":"Encounter","id":"enc-bad-1","status":"finis\n'
            '{"resourceType":"Encounter","id":"enc-bad-2","status":"finished","class":{"code":"AMB"},"colour":"red"}\n'
            f'{{"resourceType":"Encounter","id":"enc-bad-3","status":"finished","class":{{"code":"AMB"}},'
            f'"period":{{"start":"31/02/{ahead[:4]}"}}}}\n'
        ).encode()
    )


def write(diary: Diary, inbox: Inbox, weeks: Weeks, truth: Truth, seed: int) -> None:
    """Write the full export and the deltas."""
    system = ChildHealth(diary, seed, truth)
    lines: Lines = defaultdict(list)
    lines["Patient"] = system.patients(weeks.cuts[0])
    system.assessments(lines)
    system.vaccinations(lines)
    spans = [(0, None, weeks.cuts[0]), *weeks.windows()]
    for number, after, cut in spans:
        files: Files = {}
        for kind in ("Patient", "Encounter", "Procedure", "Appointment", "Immunization"):
            part = [line for day, line in lines[kind] if day <= cut and (after is None or day > after)]
            files[f"{kind}.000.ndjson"] = _bytes(part)
        files["EpisodeOfCare.000.ndjson"] = _bytes(system.registrations(after, cut))
        files["Flag.000.ndjson"] = _bytes(system.flags(after, cut))
        if after is None:
            files["Organization.000.ndjson"] = _bytes(system.organisations())
        files = {name: data for name, data in files.items() if data}
        spoiled = after is not None and number == weeks.number(2)
        if spoiled:
            _bad_lines(files, cut)
        inbox.deliver(
            AGENCY,
            FEED,
            SUPPLIER,
            DATASET,
            cut,
            "full" if after is None else "delta",
            files,
            kind="broken_line" if spoiled else "good",
        )
