"""What every adapter package in this room hands to the factory: both halves of a backend in one object."""

from typing import Protocol

from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.object_writer import ObjectWriter


class ObjectStore(ObjectReader, ObjectWriter, Protocol):
    """Reads and writes one place. Made synchronously and without I/O; connections are made on first use."""
