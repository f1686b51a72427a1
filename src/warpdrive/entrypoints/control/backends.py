"""Backends as the control plane opens them: for crawling, for the archive, for inventory reports.

The definition comes from a namespace, credentials from `control_plane.credentials` by the name that its auth reference
is; "" is the default method, `environment`.
"""

from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BACKEND_TYPES, BackendDefinition
from warpdrive.entrypoints.settings.auth import AuthSettings
from warpdrive.entrypoints.settings.backends import BackendSettings, definition_faults
from warpdrive.entrypoints.settings.control import ControlSettings


def open_backend(definition: BackendDefinition, settings: ControlSettings) -> Backend:
    """Open a backend that a namespace defines; nothing is asked of it yet. Raises BackendMisconfigured."""
    if definition.type not in BACKEND_TYPES:
        raise BackendMisconfigured(f"its type {definition.type!r} is not known to this version")
    auth = _auth(definition.auth, settings)
    faults = definition_faults(definition, auth)
    if faults:
        raise BackendMisconfigured("; ".join(f"its option {fault.path} {fault.message}" for fault in faults))
    return build_backend(definition, _credentials(auth, definition.type, definition.auth))


def open_source(source: BackendSettings, settings: ControlSettings) -> Backend:
    """Open a backend that the settings define. Raises BackendMisconfigured."""
    auth = source.auth if source.auth is not None else _auth(source.credentials, settings)
    definition = BackendDefinition(source.name, source.type, source.config.options(), source.config.prefix)
    return build_backend(definition, _credentials(auth, source.type, source.credentials))


def _auth(reference: str, settings: ControlSettings) -> AuthSettings:
    if not reference:
        return AuthSettings()
    try:
        return settings.server.credentials[reference]
    except KeyError:
        raise BackendMisconfigured(
            f"its auth reference {reference!r} has no entry here; add control_plane.credentials.{reference} to the "
            "control plane's file"
        ) from None


def _credentials(auth: AuthSettings, kind: str, reference: str) -> Credentials:
    for key, message in auth.misfits(kind):
        raise BackendMisconfigured(f"control_plane.credentials.{reference or 'environment'}.{key} {message}")
    return auth.credentials(kind)
