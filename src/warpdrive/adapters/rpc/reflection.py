"""Reflection, v1 and v1alpha: clients that bring no proto files (grpcurl, for one) learn ours from the server."""

from collections.abc import Sequence

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpclib._typing import IServable
from grpclib.health.v1 import health_pb2
from grpclib.reflection.service import ServerReflection
from grpclib.reflection.v1 import reflection_pb2
from grpclib.reflection.v1alpha import reflection_pb2 as reflection_alpha_pb2


def reflected(services: Sequence[IServable], files: FileDescriptorSet) -> list[IServable]:
    """Return the services and reflection over them. `files`: dependencies before what needs them."""
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    for foreign in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR, reflection_alpha_pb2.DESCRIPTOR):
        _add(pool, foreign)
    return ServerReflection.extend(services, pool=pool)


def _add(pool: DescriptorPool, file: FileDescriptor) -> None:
    words = FileDescriptorProto()
    file.CopyToProto(words)
    pool.Add(words)
