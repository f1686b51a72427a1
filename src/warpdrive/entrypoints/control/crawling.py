"""What the crawler opens backends with: this process's own credentials, by the definition's reference."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.index.runner import PostgresStorageIndex
from warpdrive.application.control.crawling.backend_listing import BackendListing, Root, roots_of
from warpdrive.application.control.crawling.crawl_pass import OpenSource
from warpdrive.application.control.crawling.crawler import Crawler
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.listing_source import ListingFailed, ListingSource
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import definition_faults
from warpdrive.entrypoints.settings.control import ControlSettings

_METHODS: Final = ("environment", "static", "none")


def crawler(place: DatabasePlace, questions: Questions, settings: ControlSettings, clock: Clock) -> Crawler:
    """Put the crawler together; its `run` has to be started."""
    return Crawler(
        PostgresCrawlRegister(questions),
        PostgresStorageIndex(place),
        backend_source(settings),
        clock,
        timedelta(seconds=settings.server.storage_crawl_interval),
    )


def backend_source(settings: ControlSettings) -> OpenSource:
    """Return what opens the backends of a place to list them."""

    @asynccontextmanager
    async def source(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
        del place
        # Nothing is connected before it is used, so none needs to be closed when another cannot be opened.
        opened = [open_backend(settings, definition) for definition in roots_of(definitions)]
        try:
            yield BackendListing([Root(each.definition.name, each.definition.prefix, each.reader) for each in opened])
        finally:
            for each in opened:
                await each.aclose()

    return source


def open_backend(settings: ControlSettings, definition: BackendDefinition) -> Backend:
    """Open a backend as this control plane reaches it. Raises ListingFailed that says what to do."""
    try:
        return build_backend(definition, credentials_for(settings, definition))
    except BackendMisconfigured as fault:
        raise ListingFailed(f"backend {definition.name!r} cannot be opened here: {fault.detail}") from fault


def credentials_for(settings: ControlSettings, definition: BackendDefinition) -> Credentials:
    """Resolve a backend's auth reference in `control_plane.credentials`; "" is the default method, `environment`.

    Raises BackendMisconfigured when the reference names nothing there, or nothing that fits the backend.
    """
    auth = AuthSettings()
    if definition.auth:
        keys = settings.server.credentials.get(definition.auth)
        where = f"control_plane.credentials.{definition.auth}"
        if keys is None:
            raise BackendMisconfigured(
                f"its auth reference {definition.auth!r} has no entry here; add {where} to the control plane's file"
            )
        if keys.method not in _METHODS:
            raise BackendMisconfigured(
                f"{where}.method {keys.method} is not available in this version; use {', '.join(_METHODS)}"
            )
        given = {name: getattr(keys, name) for name in AuthSettings.__struct_fields__ if name != "method"}
        auth = AuthSettings(method=keys.method, **given)
        for key, message in (*auth.contradictions(), *auth.misfits(definition.type)):
            raise BackendMisconfigured(f"{where}.{key} {message}")
    faults = definition_faults(definition, auth)
    if faults:
        raise BackendMisconfigured("; ".join(f"its option {fault.path} {fault.message}" for fault in faults))
    return auth.credentials(definition.type)
