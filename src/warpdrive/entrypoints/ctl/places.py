"""Paths as users see them, turned into paths of the namespace."""

import os
from pathlib import PurePosixPath


def namespace_path(given: str, mount_point: str, cwd: str) -> str:
    """Return the absolute namespace path for what the user typed.

    A path below the mount point, absolute or by way of the working directory, is what the user sees there:
    "/data/s3/a" under "/data" is "/s3/a". Anything else is a path of the namespace itself: "s3/a" and "/s3/a" are
    "/s3/a". Pure text: neither the mount (which may be dead) nor symbolic links are looked at.
    """
    seen = PurePosixPath(os.path.normpath(PurePosixPath(cwd) / given))
    mount = PurePosixPath(os.path.normpath(mount_point))
    if seen.is_relative_to(mount):
        return _absolute(str(seen.relative_to(mount)))
    return _absolute(given)


def _absolute(path: str) -> str:
    # normpath keeps two leading slashes (POSIX gives them a meaning of their own); the namespace has one root.
    return "/" + os.path.normpath("/" + path).lstrip("/")
