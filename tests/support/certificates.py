"""Certificates that nobody trusts by default, for servers on loopback."""

import subprocess
from pathlib import Path


def self_signed(folder: Path, name: str = "localhost") -> Path:
    """Make a key and a certificate for `name`, both in one PEM file that serves as the trusted bundle as well."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*argv, "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
