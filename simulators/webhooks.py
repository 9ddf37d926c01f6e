"""Sends signed webhooks until they arrive, and remembers across a crash which have not."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from pydantic import BaseModel

from simulators.faults import WEBHOOK, Faults
from simulators.settings import Settings

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
REORDER_S = 1.0
CONCURRENT = 64

log = logging.getLogger(__name__)


class Webhook(BaseModel):
    """One delivery: the exact bytes to send, base64 in the outbox file."""

    id: str
    system: str
    url: str
    headers: dict[str, str]
    body: str
    wait_s: float = 0

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.body)


def shopify_signature(secret: str, body: bytes) -> str:
    """As <https://shopify.dev/docs/apps/build/webhooks/verify-deliveries>."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def easypost_signature(secret: str, body: bytes) -> str:
    """As <https://docs.easypost.com/guides/webhooks-guide>; the secret is NFKD-normalised."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def standard_signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """As <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Sender:
    """An outbox on disk and a task for each delivery under way."""

    def __init__(
        self, settings: Settings, faults: Faults, settle: Callable[[], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._settle = settle
        self._path = settings.state_dir / "webhooks.jsonl"
        self._pending: dict[str, Webhook] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._made = 0
        self.delivered = 0
        self.given_up = 0
        self._recover()
        self._file = self._path.open("a", encoding="utf-8")

    async def start(self) -> None:
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENT))
        self._slots = asyncio.Semaphore(CONCURRENT)
        for webhook in list(self._pending.values()):
            self._launch(webhook)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
        self._file.close()

    def send(
        self,
        system: str,
        url: str | None,
        headers: dict[str, str],
        content: bytes,
        *,
        text: str = "",
        wait_s: float = 0,
    ) -> int:
        """Queue one delivery, or as many as the faults in force make of it; how many."""
        if url is None:
            return 0
        fault = self._faults.fire(system, WEBHOOK, text + content.decode(errors="replace"))
        mode = fault.mode if fault else None
        if mode == "drop":
            return 0
        if fault is not None and mode == "reorder":
            wait_s += REORDER_S if fault.seconds is None else fault.seconds
        copies = 2 if mode == "duplicate" else 1
        for _ in range(copies):
            self._queue(system, url, headers, content, wait_s)
        return copies

    def state(self) -> dict[str, Any]:
        return {
            "pending": len(self._pending),
            "delivered": self.delivered,
            "given_up": self.given_up,
        }

    def _queue(
        self, system: str, url: str, headers: dict[str, str], content: bytes, wait_s: float
    ) -> None:
        self._made += 1
        body = base64.b64encode(content).decode()
        webhook = Webhook(
            id=str(self._made), system=system, url=url, headers=headers, body=body, wait_s=wait_s
        )
        self._pending[webhook.id] = webhook
        self._note({"queued": webhook.model_dump()})
        self._launch(webhook)

    def _launch(self, webhook: Webhook) -> None:
        task = asyncio.create_task(self._deliver(webhook))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, webhook: Webhook) -> None:
        await self._settle()
        await asyncio.sleep(webhook.wait_s)
        arrived = False
        for attempt in range(self._settings.webhook_tries):
            arrived = await self._arrives(webhook)
            if arrived:
                self.delivered += 1
                break
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        else:
            self.given_up += 1
            log.warning("given up on a webhook of %s to %s", webhook.system, webhook.url)
        del self._pending[webhook.id]
        self._note({"done": webhook.id, "arrived": arrived})

    async def _arrives(self, webhook: Webhook) -> bool:
        try:
            async with self._slots:
                answer = await self._client.post(
                    webhook.url,
                    content=webhook.content,
                    headers=webhook.headers,
                    timeout=self._settings.webhook_timeout_s,
                )
        except httpx.HTTPError as error:
            log.info("webhook to %s: %r", webhook.url, error)
            return False
        if not answer.is_success:
            log.info("webhook to %s: %s %s", webhook.url, answer.status_code, answer.text[:200])
        return answer.is_success

    def _note(self, line: dict[str, Any]) -> None:
        """Flushed, not fsynced: this outlives a killed process, which is all a webhook promises."""
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def _recover(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            return
        whole = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                note = json.loads(line)
            except ValueError:
                continue  # cut short by a kill: it was never queued
            whole.append(f"{line}\n")
            if "queued" in note:
                webhook = Webhook.model_validate(note["queued"])
                self._pending[webhook.id] = webhook
                self._made = max(self._made, int(webhook.id))
            else:
                self._pending.pop(note["done"], None)
        # what arrived is kept too: an audit asks whether it is still there
        self._path.write_text("".join(whole), encoding="utf-8")
