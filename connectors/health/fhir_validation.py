"""Validation of resources by the R4B models, and the one documented repair pass.

Here belongs whether a resource is FHIR R4, where it is not, and what may be mended. No fault ever carries a value: the
model's own messages quote their input, so only the place and the kind of an error leave this module.

The models come from `fhir.resources.R4B`: the bare import of the package is R5, which refuses a third to
three quarters of real R4 resources.
"""

from __future__ import annotations

import re
import typing
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from fhir.resources.R4B import get_fhir_model_class
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.types import FhirBase
from pydantic import ValidationError

from connectors.health.fhir_datatypes import LONDON, Json

Model = type[FHIRAbstractModel]
Place = tuple[int | str, ...]

# Types of R4 (4.0.1) that R4B (4.3.0) dropped: there is no model to hold them against.
R4_ONLY = frozenset({
    "EffectEvidenceSynthesis", "MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication",
    "MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction",
    "MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect", "RiskEvidenceSynthesis", "SubstanceNucleicAcid", "SubstancePolymer",
    "SubstanceProtein", "SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification",
})
_ABSTRACT = frozenset({"Resource", "DomainResource"})
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{2,63}")
# Whatever names its own model, and what never repeats.
_WHOLE = frozenset({"ResourceType", "FHIRPrimitiveExtensionType", "ElementType", "NarrativeType"})
_MEMORY = 20_000
_NAMED_FAULTS = 5
_DATE_TIME = re.compile(
    r"(?P<minutes>\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(?P<seconds>:\d{2}(?:\.\d+)?)?(?P<zone>Z|[+-]\d{2}:\d{2})?"
)


class Fault(typing.NamedTuple):
    """One error of a resource.

    Attributes:
        place: Keys and indexes down to the element.
        kind: The kind of error, in pydantic's words.
    """

    place: Place
    kind: str


@lru_cache(maxsize=512)
def model_of(resource_type: str) -> Model | None:
    """The R4B model of a resource type, `None` where there is none."""
    if not _TYPE_NAME.fullmatch(resource_type) or resource_type in _ABSTRACT:
        return None
    try:
        model = get_fhir_model_class(resource_type)
    except (ValueError, KeyError, AttributeError):
        return None
    return model if model.has_resource_base() else None


class Validator:
    """Holds resources against their models.

    The models call Python for every nested element, which is nearly all of the cost, and feeds repeat the same codes,
    references, metas and periods in thousands of resources. So each distinct element is validated once, and its model
    stands in for it in every resource that repeats it: twice as fast, with the same result. The memory lives as long as
    one file.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Model, bytes], FHIRAbstractModel] = {}

    def faults(self, model: Model, resource: Json) -> list[Fault]:
        """The errors of a resource; none when it is valid."""
        try:
            model.model_validate(self._with_known_parts(model, resource))
        except ValidationError as fault:
            errors = fault.errors(include_url=False, include_context=False, include_input=False)
            return [Fault(error["loc"], error["type"]) for error in errors]
        except RecursionError:
            return [Fault((), "nested_too_deeply")]
        except (KeyError, TypeError, ValueError, AttributeError):
            # The models stumble over a contained resource of an unknown type instead of naming it.
            return [Fault((), "structure")]
        return []

    def _with_known_parts(self, model: Model, element: Json) -> dict[str, Any]:
        ready: dict[str, Any] = dict(element)
        parts = _parts(model)
        for name, value in element.items():
            if name not in parts:
                continue
            part, has_parts = parts[name]
            ready[name] = (
                [self._known_part(part, each, has_parts=has_parts) for each in value] if isinstance(value, list)
                else self._known_part(part, value, has_parts=has_parts)
            )
        return ready

    def _known_part(self, model: Model, value: object, *, has_parts: bool) -> object:
        if not isinstance(value, dict):
            return value
        try:
            key = (model, orjson.dumps(value))
        except orjson.JSONEncodeError:
            raise RecursionError from None
        found = self._known.get(key)
        if found is None:
            try:
                found = model.model_validate(self._with_known_parts(model, value) if has_parts else value)
            except (ValueError, KeyError, TypeError, AttributeError):
                # Left as it is, so that the error of the whole resource names the whole path.
                return value
            if len(self._known) >= _MEMORY:
                self._known.clear()
            self._known[key] = found
        return found


@lru_cache(maxsize=2048)
def _parts(model: Model) -> dict[str, tuple[Model, bool]]:
    """The elements of a model that are objects, each with its model and whether it is worth looking into."""
    found: dict[str, tuple[Model, bool]] = {}
    for name, info in model.model_fields.items():
        kind = _element_type(info.annotation)
        if kind is None or kind.__name__ in _WHOLE:
            continue
        try:
            inner = kind.get_model_klass()
        except (ImportError, AttributeError):
            continue
        has_parts = any(base.__name__ == "BackboneElement" for base in inner.__mro__)
        found[info.alias or name] = (inner, has_parts)
    return found


def _element_type(annotation: object) -> type[FhirBase] | None:
    """The FHIR type inside `Optional[List[...]]`."""
    if isinstance(annotation, type) and issubclass(annotation, FhirBase):
        return annotation
    inner = (_element_type(each) for each in typing.get_args(annotation))
    return next((each for each in inner if each), None)


def describe(resource_type: str, faults: list[Fault]) -> str:
    """The places and kinds of the errors, for the supplier's report.

    Names of unknown elements are left out: a supplier's software can put anything there, a name among it.
    """
    spoken = []
    for fault in faults[:_NAMED_FAULTS]:
        places = fault.place[:-1] if fault.kind == "extra_forbidden" else fault.place
        unknown = ".(unknown element)" if fault.kind == "extra_forbidden" else ""
        spoken.append(f"{path(resource_type, places)}{unknown} ({fault.kind})")
    more = len(faults) - _NAMED_FAULTS
    return "; ".join(spoken) + (f"; {more} more" if more > 0 else "")


def path(resource_type: str, place: Place) -> str:
    """A place as the supplier reads it: `Patient.name[0].period.start`."""
    return resource_type + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def repair(resource: Json, faults: list[Fault]) -> list[tuple[str, Place]]:
    """Mend what may be mended at the places of the errors, in the resource itself.

    Blanks around a value are removed, empty text is left out, a date-time without seconds gets `:00`, one without a
    zone is the time in London. In the hour that comes twice in October it is the first; a time in the hour that
    March skips comes from a clock that was not put forward, so it is GMT.

    Args:
        resource: The resource; changed.
        faults: Its errors.

    Returns:
        Rule and place of each repair.
    """
    repairs: list[tuple[str, Place]] = []
    # From the end, so that leaving out an item of a list moves none that is still to be mended.
    for place in sorted({fault.place for fault in faults}, key=_sort_key, reverse=True):
        holder, key = _locate(resource, place)
        if holder is None:
            continue
        repairs += ((rule_id, place) for rule_id in _mend(holder, key))
    return repairs[::-1]


def _sort_key(place: Place) -> list[tuple[bool, int, str]]:
    return [(isinstance(part, str), part if isinstance(part, int) else 0, str(part)) for part in place]


def _locate(resource: Json, place: Place) -> tuple[Any, Any]:
    """Holder and key of the text at a place, `(None, None)` where there is no text."""
    holder: Any = resource
    for depth, key in enumerate(place):
        try:
            value = holder[key]
        except (KeyError, IndexError, TypeError):
            return None, None
        if isinstance(value, str):
            return (holder, key) if depth == len(place) - 1 else (None, None)
        holder = value
    return None, None


def _mend(holder: Any, key: Any) -> list[str]:
    sent = holder[key]
    value = sent.strip()
    if not value:
        # A null keeps the places of a list in step with the extensions beside it.
        if isinstance(holder, list):
            holder[key] = None
        else:
            del holder[key]
        return ["fhir-empty-removed"]
    rules = [] if value == sent else ["fhir-blanks-trimmed"]
    found = _DATE_TIME.fullmatch(value)
    if found and not (found["seconds"] and found["zone"]):
        seconds, zone = found["seconds"], found["zone"]
        if not zone:
            zone = _london_offset(found["minutes"])
            rules += ["fhir-zone-assumed"] if zone else []
        if not seconds:
            rules.append("fhir-seconds-added")
        value = f"{found['minutes']}{seconds or ':00'}{zone or ''}"
    holder[key] = value
    return rules


def _london_offset(minutes: str) -> str | None:
    try:
        offset = datetime.fromisoformat(minutes).replace(tzinfo=LONDON).strftime("%z")
    except ValueError:
        return None
    return f"{offset[:3]}:{offset[3:5]}"
