"""Reads what a signal or an update of an order or a return carries."""

from collections.abc import Mapping, Sequence

from temporalio import workflow
from temporalio.common import RawValue

from domain.verbs import ORDER_VERBS, InvalidVerb, Verb, parse_verb


def parse(kinds: Mapping[str, type[Verb]], name: str, args: Sequence[RawValue]) -> Verb:
    """The message of that name.

    Raises:
        InvalidVerb: there is none of that name, or its fields are not right.
    """
    kind = kinds.get(name)
    if kind is None:
        raise InvalidVerb(
            f"{name}: there is no such signal or update; there are {', '.join(kinds)}"
        )
    raw = None
    if args:
        try:
            raw = workflow.payload_converter().from_payload(args[0].payload)
        except Exception as error:  # noqa: BLE001 - whatever the payload was, it is not ours
            raise InvalidVerb(f"{name}: unreadable payload: {type(error).__name__}") from None
    return parse_verb(kind, raw)


def name_of(verb: Verb) -> str:
    return next(name for name, kind in ORDER_VERBS.items() if type(verb) is kind)
