"""Bundles: SKUs that are sold as one and picked as their components."""

import json
from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.problems import Problem
from domain.sourcing.rules import WEIGHT_MAX_G
from domain.values import Value
from storage.catalogue import PAGE_MAX, Put, SkuName
from storage.documents import storable
from storage.outages import transaction

COMPONENTS_MAX = 100

# In SKU order, as everybody locks them: nobody receives or reserves them while they change.
_LOCK = text("""
SELECT sku, weight_g FROM skus
 WHERE sku = ANY (CAST(:skus AS text[])) ORDER BY sku FOR NO KEY UPDATE
""")
_BUNDLED = text("""
SELECT bundle, component FROM bundle_components
 WHERE bundle = ANY (CAST(:skus AS text[])) OR component = ANY (CAST(:skus AS text[]))
""")
_OWN_STOCK = text("""
SELECT s.sku FROM stock s
 WHERE s.sku = ANY (CAST(:skus AS text[]))
   AND (s.on_hand, s.safety_stock, s.incoming) <> (0, 0, 0)
 UNION SELECT unnest(w.skus) FROM stock_waiting w WHERE w.skus && CAST(:skus AS text[])
""")
_BUNDLES = text("""
SELECT b.bundle AS sku, jsonb_agg(jsonb_build_object('sku', b.component, 'quantity', b.quantity)
                                  ORDER BY b.component) AS components
  FROM bundle_components b
 WHERE b.bundle > :after AND (CAST(:sku AS text) IS NULL OR b.bundle = :sku)
 GROUP BY b.bundle ORDER BY b.bundle LIMIT :limit
""")
_REMOVE = text("DELETE FROM bundle_components WHERE bundle = :sku")
_ADD = text("""
INSERT INTO bundle_components (bundle, component, quantity)
SELECT :sku, c.sku, c.quantity
  FROM jsonb_to_recordset(CAST(:components AS jsonb)) AS c (sku text, quantity bigint)
""")


class Component(Value):
    sku: SkuName
    quantity: int = Field(default=1, ge=1, le=10_000)


class Bundle(Value):
    """One unit of `sku` is these components, each named once."""

    sku: SkuName
    components: tuple[Component, ...] = Field(min_length=1, max_length=COMPONENTS_MAX)


class BundleRefused(ValueError):
    """A bundle that cannot be; nothing was changed. Each problem names its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.field} {one.message}" for one in problems))
        self.problems = tuple(problems)


class Bundles:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, sku: str) -> Bundle | None:
        found = await self._list(sku=sku, after="", limit=1)
        return found[0] if found else None

    async def among(self, skus: Sequence[str]) -> frozenset[str]:
        """Those of `skus` that are bundles."""
        async with transaction(self._engine) as connection:
            found = await connection.execute(_BUNDLED, {"skus": [storable(sku) for sku in skus]})
            return frozenset(row.bundle for row in found) & frozenset(skus)

    async def list(self, *, after: str = "", limit: int = PAGE_MAX) -> tuple[Bundle, ...]:
        """Bundles by SKU, those after `after`."""
        return await self._list(sku=None, after=after, limit=limit)

    async def put(self, bundle: Bundle) -> Put:
        """Say what a SKU is made up of; orders that hold or wait for stock are left as they are.

        Raises:
            BundleRefused: a SKU is unknown, a component is a bundle, the bundle is a component,
                has stock or orders of its own, or weighs too much.
        """
        answer = (await self.put_all([bundle], strict=False))[bundle.sku]
        if isinstance(answer, BundleRefused):
            raise answer
        return answer

    async def put_all(
        self, bundles: Sequence[Bundle], *, strict: bool
    ) -> dict[str, Put | BundleRefused]:
        """The same for many in one transaction; `strict`: none, if one is refused."""
        async with transaction(self._engine) as connection:
            known = await _known(connection, bundles)
            refused = known.judge(bundles)
            if strict and refused:
                return dict(refused)
            written = {
                bundle.sku: await _write(connection, bundle)
                for bundle in bundles
                if bundle.sku not in refused
            }
        return refused | written

    async def remove(self, sku: str) -> bool:
        """Make the SKU one like others again; False if it is no bundle."""
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK, {"skus": [storable(sku)]})
            gone = await connection.execute(_REMOVE, {"sku": storable(sku)})
        return gone.rowcount > 0

    async def _list(self, *, sku: str | None, after: str, limit: int) -> tuple[Bundle, ...]:
        wanted = {
            "sku": None if sku is None else storable(sku),
            "after": storable(after),
            "limit": limit,
        }
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_BUNDLES, wanted)).mappings().all()
        return tuple(_bundle(row["sku"], row["components"]) for row in rows)


class _Known:
    """What the catalogue and the stock say of the SKUs concerned."""

    def __init__(
        self,
        weights_g: Mapping[str, int],
        bundles: set[str],
        components: set[str],
        own_stock: set[str],
    ) -> None:
        self.weights_g = weights_g
        self.bundles = bundles
        self.components = components
        self.own_stock = own_stock

    def judge(self, bundles: Sequence[Bundle]) -> dict[str, BundleRefused]:
        """Those that cannot be; the others are taken for granted by those that come after."""
        refused: dict[str, BundleRefused] = {}
        for bundle in bundles:
            problems = [*self._wrong_whole(bundle), *self._wrong_components(bundle)]
            if problems:
                refused[bundle.sku] = BundleRefused(problems)
            else:
                self.bundles.add(bundle.sku)
                self.components.update(component.sku for component in bundle.components)
        return refused

    def _wrong_whole(self, bundle: Bundle) -> Iterator[Problem]:
        if bundle.sku not in self.weights_g:
            yield _problem("sku", "unknown_sku", "is not in the catalogue")
        if bundle.sku in self.components:
            yield _problem("sku", "is_component", "is itself a component of a bundle")
        if bundle.sku in self.own_stock - self.bundles:
            message = "has stock, or orders that wait for it, of its own: a bundle has none"
            yield _problem("sku", "has_stock", message)
        if not self.weights_g.get(bundle.sku) and self._picked_g(bundle) > WEIGHT_MAX_G:
            message = (
                f"weigh more than {WEIGHT_MAX_G} g together, which nothing can be sourced with"
            )
            yield _problem("components", "too_heavy", message)

    def _picked_g(self, bundle: Bundle) -> int:
        return sum(self.weights_g.get(one.sku, 0) * one.quantity for one in bundle.components)

    def _wrong_components(self, bundle: Bundle) -> Iterator[Problem]:
        seen: set[str] = set()
        for n, component in enumerate(bundle.components):
            field, sku = f"components.{n}.sku", component.sku
            if sku in seen:
                yield _problem(field, "repeated", "is named twice")
            elif sku not in self.weights_g:
                yield _problem(field, "unknown_sku", "is not in the catalogue")
            elif sku in self.bundles or sku == bundle.sku:
                yield _problem(field, "is_bundle", "is itself a bundle")
            seen.add(sku)


def _problem(field: str, reason: str, message: str) -> Problem:
    return Problem(field=field, reason=reason, message=message)


async def _known(connection: AsyncConnection, bundles: Sequence[Bundle]) -> _Known:
    named = {bundle.sku for bundle in bundles}
    skus = named | {component.sku for bundle in bundles for component in bundle.components}
    known = (await connection.execute(_LOCK, {"skus": sorted(skus)})).all()
    bundled = (await connection.execute(_BUNDLED, {"skus": sorted(skus)})).all()
    stocked = (await connection.execute(_OWN_STOCK, {"skus": sorted(named)})).scalars()
    return _Known(
        weights_g={row.sku: row.weight_g for row in known},
        bundles={row.bundle for row in bundled},
        components={row.component for row in bundled},
        own_stock=set(stocked),
    )


async def _write(connection: AsyncConnection, bundle: Bundle) -> Put:
    wanted = {"sku": bundle.sku, "after": "", "limit": 1}
    before = (await connection.execute(_BUNDLES, wanted)).mappings().one_or_none()
    if before is not None:
        earlier = _bundle(before["sku"], before["components"])
        if set(earlier.components) == set(bundle.components):
            return Put.UNCHANGED
        await connection.execute(_REMOVE, {"sku": bundle.sku})
    components = [component.model_dump() for component in bundle.components]
    await connection.execute(_ADD, {"sku": bundle.sku, "components": json.dumps(components)})
    return Put.CHANGED if before is not None else Put.ADDED


def _bundle(sku: str, components: list[dict[str, object]]) -> Bundle:
    return Bundle(sku=sku, components=tuple(Component.model_validate(one) for one in components))
