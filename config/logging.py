"""Structured logs, as JSON for machines or in colour for people; never a body, never a person."""

import logging
import sys

import structlog

from config.settings import Settings

# Bodies and people stay out of the logs wherever a call site slips: these names are never written.
PRIVATE = frozenset({
    "address", "authorization", "body", "email", "headers", "name", "note", "payload", "phone",
    "secret", "street", "token",
})  # fmt: skip
CHATTY = ("httpx", "httpcore", "uvicorn.access", "sqlalchemy.engine")


def configure_logging(settings: Settings, process: str) -> None:
    """Send every log of this process, the libraries' too, to stdout in one format.

    `process` names who speaks (`worker`, `starter`, …) on each line.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _without_private,
        _naming(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(settings.log_level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # The SDK warns, with a traceback, of each failure that an activity has said in its own words.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)


def _renderers(settings: Settings) -> list[structlog.typing.Processor]:
    if settings.log_format == "console":
        # The default shows the local variables of each frame: bodies, people, secrets.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]


def _without_private(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {key: "(withheld)" if key.lower() in PRIVATE else value for key, value in event.items()}


def _naming(process: str) -> structlog.typing.Processor:
    def name(
        _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return name
