"""What is said once everything serves: where the doors, the documents and the token are."""

import sys
from dataclasses import dataclass
from shlex import quote


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where everything is. `rest` and `grpc` are host:port; `token` is a file, None when it is not on this machine."""

    rest: str
    grpc: str
    tls: bool
    loopback_only: bool
    open_door: bool
    database: str
    token: str | None


def welcome(where: Whereabouts) -> None:
    """Print it on standard output, for whoever has started us by hand."""
    scheme = "https" if where.tls else "http"
    base = f"{scheme}://{where.rest}"
    lines = [
        "WarpDrive control plane",
        f"  REST      {base}/api/v1",
        f"  docs      {base}/api/docs",
        f"  gRPC      {where.grpc}{' (TLS)' if where.tls else ''}",
        f"  health    {base}/readyz   metrics {base}/metrics",
        f"  database  {where.database}",
    ]
    if where.open_door:
        lines.append("  callers   everybody on this machine is an admin (auth.mode none)")
    elif where.token is not None:
        lines.append(f"  token     {where.token}")
        lines.append(f"  try       warpdrive-ctl --server {base} --token-file {quote(where.token)} namespace list")
    else:
        lines.append("  token     issued by another start; lost? start once with --new-admin-token")
    if where.loopback_only:
        lines.append("  only this machine may call: give control_plane.tls, or write tls: off, to serve others")
    print("\n".join(lines), flush=True, file=sys.stdout)
