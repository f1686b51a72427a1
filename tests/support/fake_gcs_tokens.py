"""The fake's token server: service accounts trade a signed JWT for an access token (RFC 7523)."""

import json
import secrets
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class TokenDenied(Exception):
    """The token server's refusal; `str` is the description."""


class TokenServer:
    """Knows the public keys of its service accounts and the tokens it gave."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        self.valid: set[str] = set()
        """Access tokens that the storage service takes."""
        self.issued = 0

    def service_account(self, path: Path, token_uri: str, *, registered: bool = True) -> Path:
        """Write a key file as the console gives it; not `registered`: signed by a key nobody knows."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        email = f"robot-{secrets.token_hex(4)}@project.iam.gserviceaccount.com"
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048) if not registered else key
        self._keys[email] = other.public_key()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": secrets.token_hex(20),
            "private_key": pem.decode(),
            "client_email": email,
            "token_uri": token_uri,
        }
        path.write_text(json.dumps(account), encoding="utf-8")
        return path

    def exchange(self, form: dict[str, str], token_uri: str) -> dict[str, object]:
        """Check the assertion's signature, audience and times; give a token. Raises TokenDenied."""
        if form.get("grant_type") != _GRANT:
            raise TokenDenied("unsupported grant type")
        assertion = form.get("assertion", "")
        try:
            issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss", ""))
            claims = jwt.decode(assertion, self._keys[issuer], algorithms=["RS256"], audience=token_uri)
        except (jwt.PyJWTError, KeyError) as error:
            raise TokenDenied(f"Invalid JWT Signature. ({error!r})") from error
        if not claims.get("scope"):
            raise TokenDenied("Empty or missing scope not allowed.")
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self.valid.add(token)
        self.issued += 1
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
