"""What each channel may sell, by which rules, and what of it has changed."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ValidationError

from domain.selling import SellingRules
from starter.api.auth import Caller
from starter.api.described import described
from starter.api.stock import ChannelView, channel_view
from starter.bodies import LimitedRoute
from starter.composition import composition_of
from starter.problems import invalid, not_found, problems_of
from storage.channel_stock import PAGE_MAX
from storage.selling_rules import NEWEST, SellingRulesRefused, SellingRulesVersion

router = APIRouter(prefix="/api/channels", tags=["channels"], route_class=LimitedRoute)

VERSION_MAX = 2**63 - 1
HISTORY_MAX = 200

Said = Annotated[dict[str, Any], Body()]


class ChannelList(BaseModel):
    channels: list[str]


class RulesView(BaseModel):
    """Version 0 is what holds before anybody said anything: all that is free may be sold."""

    channel: str
    version: int
    rules: SellingRules
    by: str
    at: datetime | None


class RulesHistory(BaseModel):
    """`next` asks for the versions before: `?before=`."""

    versions: list[RulesView]
    next: int | None = None


class ChannelPage(BaseModel):
    stock: list[ChannelView]
    next: str | None = None


class ChangeView(BaseModel):
    sku: str
    quantity: int
    version: int


class ChangePage(BaseModel):
    """Ask on with `version` as `since`; it is `since` itself where nothing has changed."""

    changes: list[ChangeView]
    version: int


async def _channel(request: Request, channel: str, _by: Caller) -> str:
    if channel not in await composition_of(request).wired.channel_stocks.channels():
        raise not_found("channel")
    return channel


Channel = Annotated[str, Depends(_channel)]


@router.get("")
async def channels(request: Request, _by: Caller) -> ChannelList:
    found = await composition_of(request).wired.channel_stocks.channels()
    return ChannelList(channels=list(found))


@router.get("/{channel}/selling-rules")
async def rules(request: Request, channel: Channel) -> RulesView:
    """The rules that hold now."""
    book = composition_of(request).wired.channel_stocks.rules
    return _view(await book.current(channel))


@router.put("/{channel}/selling-rules", openapi_extra=described(SellingRules))
async def put_rules(request: Request, channel: Channel, body: Said, by: Caller) -> RulesView:
    """Let other rules hold from now on: a new version, unless they are the ones that hold."""
    book = composition_of(request).wired.channel_stocks.rules
    try:
        said = SellingRules.model_validate_json(json.dumps(body), strict=True)
        return _view(await book.put(channel, said, by))
    except ValidationError as error:
        raise invalid(problems_of(error)) from None
    except SellingRulesRefused as error:
        raise invalid(error.problems) from None


@router.get("/{channel}/selling-rules/versions")
async def versions(
    request: Request,
    channel: Channel,
    before: Annotated[int, Query(ge=1, le=NEWEST)] = NEWEST,
    limit: Annotated[int, Query(ge=1, le=HISTORY_MAX)] = 50,
) -> RulesHistory:
    """What held before, newest first: who said it, and when."""
    book = composition_of(request).wired.channel_stocks.rules
    found = await book.versions(channel, before=before, limit=limit)
    more = found[-1].version if len(found) == limit else None
    return RulesHistory(versions=[_view(one) for one in found], next=more)


@router.get("/{channel}/stock")
async def stock(
    request: Request,
    channel: Channel,
    cursor: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> ChannelPage:
    """What it may sell now of each SKU, bundles too, by SKU."""
    found = await composition_of(request).wired.channel_stocks.page(channel, cursor, limit)
    more = found[-1].sku if len(found) == limit else None
    return ChannelPage(stock=[channel_view(one) for one in found], next=more)


@router.get("/{channel}/stock/changes")
async def changes(
    request: Request,
    channel: Channel,
    since: Annotated[int, Query(ge=0, le=VERSION_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> ChangePage:
    """Numbers that became others after version `since`, the oldest change first."""
    found = await composition_of(request).wired.channel_stocks.changed(channel, since, limit)
    told = [ChangeView(**one.model_dump()) for one in found]
    return ChangePage(changes=told, version=found[-1].version if found else since)


def _view(version: SellingRulesVersion) -> RulesView:
    return RulesView(**{name: getattr(version, name) for name in RulesView.model_fields})
