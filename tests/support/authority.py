"""A certificate authority of our own, for servers and clients that show certificates to each other."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, PEM files."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates for names; its own is what others trust."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = name
        self.cert = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        subject = ("-days", "2", "-subj", f"/CN={name}")
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.cert, *subject)

    def issue(self, name: str = "localhost") -> Identity:
        """Return a certificate for a DNS name, with 127.0.0.1 beside it."""
        cert, key, wish, words = (self._folder / f"{self._name}-{name}.{kind}" for kind in ("pem", "key", "csr", "ext"))
        words.write_text(f"subjectAltName=DNS:{name},IP:127.0.0.1\n")
        _openssl("req", "-new", *_NEW_KEY, "-keyout", key, "-out", wish, "-subj", f"/CN={name}")
        signing = ("-CA", self.cert, "-CAkey", self._key, "-CAcreateserial", "-days", "2", "-extfile", words)
        _openssl("x509", "-req", "-in", wish, "-out", cert, *signing)
        return Identity(cert, key)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
