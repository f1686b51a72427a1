"""The server's side of TLS: its certificate, and, when asked for, the client's."""

import ssl
from dataclasses import dataclass
from pathlib import Path


class TlsUnusable(Exception):
    """Raised when the files of a certificate, key or authority cannot be used. The message says which and why."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM files. `client_ca_file`: clients must show a certificate that this authority signed (mutual TLS)."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None


def server_context(files: ServerTls) -> ssl.SSLContext:
    """Return a context for gRPC: TLS 1.2 or later, HTTP/2 only. Raises TlsUnusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # HTTP/2 forbids older suites, renegotiation and compression (RFC 9113, 9.2); the last two are OpenSSL's defaults.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(files.cert_file, files.key_file)
    except (OSError, ValueError) as error:
        raise TlsUnusable(f"cannot use certificate {files.cert_file} with key {files.key_file}: {error}") from None
    if files.client_ca_file is not None:
        try:
            context.load_verify_locations(files.client_ca_file)
        except (OSError, ValueError) as error:
            raise TlsUnusable(f"cannot use client authority {files.client_ca_file}: {error}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context
