"""Who we are to Google, as the Authorization header of a request."""

import asyncio
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from gcloud.aio.auth import Token
from jwt import PyJWTError

from warpdrive.application.ports.credentials import (
    Anonymous,
    Credentials,
    EnvironmentChain,
    ServiceAccountFile,
)
from warpdrive.application.ports.errors import AccessDenied, BackendMisconfigured, Stalled, Unavailable

SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"]


class Bearer:
    """Gives the header, with a token that is fetched when needed and kept while it is good.

    The SDK's own `Token.get` is not used: it tries five times with waits of up to a minute where retrying is
    not its business, and one cancelled reader would cancel the refresh that all others wait for.
    """

    def __init__(
        self,
        credentials: Credentials,
        session: Callable[[], aiohttp.ClientSession],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._wall = wall
        self._anonymous = isinstance(credentials, Anonymous)
        self._file: str | None = None
        if isinstance(credentials, ServiceAccountFile):
            self._file = credentials.path
            _check_file(self._file)
        elif not isinstance(credentials, Anonymous | EnvironmentChain):
            raise BackendMisconfigured(f"GCS takes no credentials of kind {type(credentials).__name__}")
        self._token: Any = None
        # One refresh at a time; whoever waits finds the token made.
        self._refreshing = asyncio.Lock()

    async def header(self) -> dict[str, str]:
        """Return the Authorization header, or nothing for Anonymous.

        Raises AccessDenied when Google refuses the account, BackendMisconfigured when the environment's
        credentials cannot be read, Unavailable when no token server answers.
        """
        if self._anonymous:
            return {}
        if not self._fresh():
            async with self._refreshing:
                if not self._fresh():
                    await self._refresh()
        return {"Authorization": f"Bearer {self._token.access_token}"}

    def forget(self) -> None:
        """The service refused the token: fetch another for the next request."""
        if self._token is not None:
            self._token.access_token = None

    def _fresh(self) -> bool:
        token = self._token
        return token is not None and token.access_token is not None and self._wall() < token.access_token_refresh_after

    async def _refresh(self) -> None:
        try:
            if self._token is None:
                session: Any = self._session()
                self._token = Token(service_file=self._file, session=session, scopes=SCOPES)
            # The undecorated coroutine: without the SDK's retries.
            await Token.acquire_access_token.__wrapped__(self._token)
        except aiohttp.ClientResponseError as error:
            if HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise AccessDenied(f"no access token: HTTP {error.status} {error.message}") from error
            raise Unavailable(f"no access token: HTTP {error.status}") from error
        except TimeoutError as error:
            raise Stalled("no access token: the token server does not answer") from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, FileNotFoundError):
                raise BackendMisconfigured(f"no credentials: {error}") from error
            raise Unavailable(f"no access token: {error!r}") from error
        except (ValueError, KeyError, TypeError, PyJWTError) as error:
            raise BackendMisconfigured(f"the credentials are not usable: {error!r}") from error


def _check_file(path: str) -> None:
    """Refuse early what the SDK would silently replace by the machine's own identity."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BackendMisconfigured(f"the service account file cannot be read: {error}") from error
    except ValueError as error:
        raise BackendMisconfigured(f"the service account file {path} is not JSON") from error
    missing = {"type", "client_email", "private_key"} - (content.keys() if isinstance(content, dict) else set())
    if missing:
        raise BackendMisconfigured(f"the service account file {path} lacks {', '.join(sorted(missing))}")
