"""One stream of log lines for our code and for libraries, for people or machines, never with a secret.

Style: one canonical line per operation, the event a few lowercase words, everything that varies in
fields. Inner layers log with the standard library (`extra=` becomes fields), adapters may use structlog;
both end here.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from warpdrive.adapters.observability.redaction import LineRedactor, hide_secret_fields
from warpdrive.domain.content.texts import shown

LogFormat = Literal["console", "json"]

LEVELS: Final = ("debug", "info", "warning", "error")

_LOUD: Final = (
    "aiobotocore",
    "aiohttp",
    "alembic",
    "asyncio",
    "asyncssh",
    "azure",
    "boto3",
    "botocore",
    "uvicorn",
    "urllib3",
)
"""Libraries that tell more than ours at the same level; at debug they dump whole requests."""

_REPETITIVE: Final = ("asyncpg.pool",)
"""Libraries whose warnings come again and again, with a traceback, about what our own lines tell: a server is away."""


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a record, then takes secrets out of the finished line."""

    def __init__(self, redactor: LineRedactor, renderers: list[Processor], shared: list[Processor]) -> None:
        super().__init__(processors=renderers, foreign_pre_chain=shared)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return self._redactor(super().format(record))


def _show_controls(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Escape what a terminal would obey in words that libraries formatted; fields are quoted by the renderer.

    A message stays on its line, so that nobody's words look like another line; a traceback keeps its own.
    """
    for name, kept in (("event", ""), ("exception", "\n\t"), ("stack", "\n\t")):
        words = line.get(name)
        if isinstance(words, str):
            line[name] = shown(words, kept)
    return line


def configure_logging(
    level: str,
    log_format: LogFormat,
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send everything that logs to `stream` (standard error); called once, after the settings are read.

    `level` is one of `LEVELS`; raises ValueError otherwise. `secrets`: every secret value in the settings.
    """
    if level.lower() not in LEVELS:
        raise ValueError(f"log level must be one of {', '.join(LEVELS)}, not {level!r}")
    output = stream if stream is not None else sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor
    before: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, hide_secret_fields]
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(default=repr)
    else:
        before.append(_show_controls)
        renderer = structlog.dev.ConsoleRenderer(
            colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    formatter = _RedactingFormatter(
        LineRedactor(secrets),
        [*before, renderer],
        shared,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    for name in _REPETITIVE:
        logging.getLogger(name).setLevel(max(number, logging.ERROR))
    logging.captureWarnings(True)  # noqa: FBT003 - the standard library's signature
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
