"""Whether labels and packed goods are where our rows say, by the carrier's and warehouses' word."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from domain.lifecycles import OrderStatus
from starter.audit.findings import Checked, Finding
from starter.audit.journal import Deed, Effects
from starter.audit.world import World, checked, each
from storage.audit.facts import LabelFact
from storage.audit.snapshot import ORDER_LEFT, PART_OVER

AT_REST = ORDER_LEFT | {OrderStatus.CANCELLED}
"""Of these orders nothing is being bought or packed any more."""
OVER = PART_OVER | {"unknown"}


def all_goods(world: World) -> list[Checked]:
    checks = (one_label_bought, labels_bought, bought_labels_used, warehouse_agrees)
    return each(checks, world, world.effects, "no journal")


def one_label_bought(world: World, effects: Effects) -> Checked:
    """The carrier never has two live labels for one parcel, but for what was given up."""
    findings = (
        Finding(
            "one_label_bought",
            parcel,
            "1 live label",
            f"{len(deeds)} live",
            _order(parcel),
            tuple(deed.shown() for deed in deeds),
        )
        for parcel, deeds in _by_parcel(world, effects).items()
        if len(deeds) > 1
    )
    return checked(one_label_bought, effects.bought, findings)


def bought_labels_used(world: World, effects: Effects) -> Checked:
    """Each label that was bought and neither given back nor given up is on a parcel that left."""
    ours = {label.shipment_ref: label for label in world.facts.labels if label.live}

    def wrong() -> Iterator[Finding]:
        for parcel, deeds in _by_parcel(world, effects).items():
            status = world.status(_order(parcel))
            if len(deeds) > 1 or (status != "unknown" and status not in AT_REST):
                continue  # told of once, by `one_label_bought`; or being bought right now
            label = ours.get(deeds[0].ref)
            if status not in ORDER_LEFT or label is None or label.parcel_id != parcel:
                yield Finding(
                    "bought_labels_used",
                    deeds[0].ref,
                    f"the live label of {parcel}" if status in ORDER_LEFT else "given back",
                    f"live, {'ours' if label else 'not ours'}, order {status}",
                    _order(parcel),
                    (deeds[0].shown(),),
                )

    return checked(bought_labels_used, len(effects.labels), wrong())


def labels_bought(world: World, effects: Effects) -> Checked:
    """Each live label of goods that left was bought and not given back."""
    due = [label for label in world.facts.labels if label.live and label.gone]
    alone = Counter(label.parcel_id for label in due)  # two are told of once, by `one_live_label`
    findings = (
        Finding(
            "labels_bought",
            label.shipment_ref,
            f"live at the carrier, with number {label.tracking_number}",
            _standing(effects, label),
            label.order_id,
            ({"parcel_id": label.parcel_id, "tracking_number": label.tracking_number},),
        )
        for label in due
        if _standing(effects, label) != "live" and alone[label.parcel_id] == 1
    )
    return checked(labels_bought, len(due), findings)


def warehouse_agrees(world: World, effects: Effects) -> Checked:
    """Goods of a cancelled order or a fulfilment that is over are back; others leave once."""
    statuses = {part.reference: part.status for part in world.facts.fulfilments}
    gone: dict[str, list[Deed]] = defaultdict(list)

    def wrong() -> Iterator[Finding]:
        for (reference, ref), deeds in effects.packing.items():
            order_id, last = _order(reference), deeds[-1]
            status = world.status(order_id)
            gone[reference] += [deed for deed in deeds if deed.effect == "handed_over"]
            over = statuses.get(reference, "unknown") in OVER and status in AT_REST
            back = status in (OrderStatus.CANCELLED, "unknown") or over
            if back and last.effect not in ("recalled", "rejected"):
                yield Finding(
                    "warehouse_agrees", f"{reference} {ref}", "recalled or rejected",
                    f"{last.effect}, order {status}", order_id,
                    tuple(deed.shown() for deed in deeds),
                )  # fmt: skip
        for reference, deeds in gone.items():
            if len(deeds) > 1:
                yield Finding(
                    "warehouse_agrees", reference, "handed over once", f"{len(deeds)} times",
                    _order(reference), tuple(deed.shown() for deed in deeds),
                )  # fmt: skip

    looked = len(effects.packing)
    return checked(warehouse_agrees, looked, wrong())


def _by_parcel(world: World, effects: Effects) -> dict[str, list[Deed]]:
    """Live labels by the parcel that their reference names: `<parcel>/label/<generation>`.

    Those that the journal says were given up are left out, unless our rows say otherwise.
    """
    by_parcel: dict[str, list[Deed]] = defaultdict(list)
    kept = {label.shipment_ref for label in world.facts.labels if not label.given_up}
    for deed in effects.labels.values():
        reference = str(deed.data.get("reference") or deed.ref)
        if reference in world.facts.not_voided and deed.ref not in kept:
            continue
        by_parcel[reference.rpartition("/label/")[0] or deed.ref].append(deed)
    return by_parcel


def _standing(effects: Effects, label: LabelFact) -> str:
    deed = effects.labels.get(label.shipment_ref)
    if deed is None:
        return "not bought, or given back"
    code = deed.data["tracking_code"]
    return "live" if code == label.tracking_number else f"live, with number {code}"


def _order(reference: str) -> str:
    return reference.partition("/")[0]
