"""The one way to Temporal: where it is, how values are written, and what it must know of us."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType, SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from config.settings import Settings
from workflows.search_attributes import KEYS

Kind = Literal["Keyword", "KeywordList"]

_KINDS: Mapping[SearchAttributeIndexedValueType, Kind] = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
}
SEARCH_ATTRIBUTES = tuple((key.name, _KINDS[key.indexed_value_type]) for key in KEYS)
CODES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}


class SearchAttributesMissing(RuntimeError):
    """An unregistered search attribute hangs every workflow that sets it, so nothing starts."""


def search_attribute_keys() -> list[SearchAttributeKey[str] | SearchAttributeKey[Sequence[str]]]:
    """As the SDK wants them, for test servers."""
    return list(KEYS)


async def connect(
    settings: Settings, *, runtime: Runtime | None = None, lazy: bool = False
) -> Client:
    """Connect as Temporal's own variables and configuration file say.

    `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_…` and profiles
    are read by `temporalio.envconfig`; with no address named, the local server is meant. A `lazy`
    client connects at its first call, so that it can be made while the server is down.
    """
    options = ClientConfig.load_client_connect_config()
    options.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    return await Client.connect(
        **options,
        data_converter=pydantic_data_converter,
        runtime=runtime,
        lazy=lazy,
    )


def temporal_is_elsewhere(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Temporal's own configuration names a server, so that no local one is needed."""
    options = ClientConfig.load_client_connect_config(override_env_vars=dict(environment))
    return "target_host" in options


async def check_search_attributes(client: Client) -> None:
    """See that the namespace knows our search attributes.

    Raises:
        SearchAttributesMissing: names each one that is missing or has another type, and the
            command that registers them.
    """
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    wrong = [
        (name, kind)
        for name, kind in SEARCH_ATTRIBUTES
        if answer.custom_attributes.get(name) != CODES[kind]
    ]
    if wrong:
        names = ", ".join(name for name, _ in wrong)
        raise SearchAttributesMissing(
            f"Temporal's namespace {client.namespace} lacks the search attributes {names}; "
            f"register them with: {register_command(client.namespace, wrong)}"
        )


def register_command(
    namespace: str, attributes: tuple[tuple[str, Kind], ...] | list[tuple[str, Kind]]
) -> str:
    pairs = " ".join(f"--name {name} --type {kind}" for name, kind in attributes)
    return f"temporal operator search-attribute create --namespace {namespace} {pairs}"
