"""The pyfuse3 transport: the kernel's requests in, `application/mount` verbs out, answers back.

No rule about files lives here, so that a second transport can drive the same surface:

- `surface` says which verbs are driven, `operations` decodes and encodes them, `presentation` adds what a
  namespace does not know (owner, mode bits), `errnos` is the one table from faults to errno;
- `notices` takes names back that the kernel remembers;
- `scheduler` is the small async library that pyfuse3 runs its workers on, `session` mounts, serves and unmounts;
- `mount_point` inspects the directory before anything is mounted, `kernel` tunes the mount afterwards.
"""
