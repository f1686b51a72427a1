"""Paths as typed, as paths of the namespace."""

import pytest

from warpdrive.entrypoints.ctl.places import namespace_path


@pytest.mark.parametrize(
    ("given", "cwd", "path"),
    [
        ("/data/s3/a", "/home/ada", "/s3/a"),
        ("/data", "/home/ada", "/"),
        ("/data/", "/home/ada", "/"),
        ("/data/s3/", "/", "/s3"),
        ("a/b", "/data/s3", "/s3/a/b"),
        (".", "/data/s3", "/s3"),
        ("../gcs", "/data/s3", "/gcs"),
        ("/data/s3/../gcs//x", "/", "/gcs/x"),
        ("/s3/a", "/home/ada", "/s3/a"),
        ("s3/a", "/home/ada", "/s3/a"),
        ("//s3/a", "/home/ada", "/s3/a"),
        ("/", "/home/ada", "/"),
        ("/database/x", "/home/ada", "/database/x"),
        ("/s3/caf\udce9", "/", "/s3/caf\udce9"),
        ("/../s3", "/", "/s3"),
    ],
)
def test_a_path_below_the_mount_or_of_the_namespace(given: str, cwd: str, path: str) -> None:
    """Under "/data": what is seen there, also by way of the working directory; else the namespace's own."""
    assert namespace_path(given, "/data", cwd) == path


def test_a_mount_point_with_a_trailing_slash() -> None:
    """As people write it in configs."""
    assert namespace_path("/mnt/d/x", "/mnt/d/", "/") == "/x"
