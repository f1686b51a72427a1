"""Compile proto/ twice: into a descriptor set, which carries annotations and comments, and into betterproto's classes.

betterproto drops options and comments of fields it does not know, and would write a top-level `google` package for
google.api: it only sees our own files, and whatever needs annotations reads the descriptor set.
"""

import contextlib
import importlib.resources
import io
import tempfile
from pathlib import Path

from betterproto.lib.google.protobuf.compiler import CodeGeneratorRequest
from betterproto.plugin.models import monkey_patch_oneof_index
from betterproto.plugin.parser import generate_code
from google.api import annotations_pb2
from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "proto"
GENERATED = ROOT / "src" / "warpdrive" / "adapters" / "wire" / "generated"

MODULE = "messages.py"
DESCRIPTORS = "descriptors.binpb"
PACKAGE = "warpdrive/v1/__init__.py"
"""Where betterproto would put the module of package `warpdrive.v1`."""


class ProtoError(Exception):
    """Raised when the compiler refuses the sources; it has said why on standard error."""


def generate(sources: Path = SOURCES) -> dict[str, bytes]:
    """Return the generated files by name. Raises ProtoError."""
    descriptors = compile_descriptors(sources)
    return {DESCRIPTORS: descriptors.SerializeToString(deterministic=True), MODULE: betterproto_module(descriptors)}


def compile_descriptors(sources: Path) -> FileDescriptorSet:
    """Return every file of the contract and what it imports, ours with their comments. Raises ProtoError."""
    names = sorted(path.name for path in sources.glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / DESCRIPTORS
        arguments = [
            "protoc",
            f"-I{sources}",
            f"-I{importlib.resources.files('grpc_tools') / '_proto'}",
            f"-I{_googleapis()}",
            "--include_imports",
            "--include_source_info",
            f"--descriptor_set_out={target}",
            *names,
        ]
        if protoc.main(arguments) != 0:
            raise ProtoError(f"protoc refused {', '.join(names)}")
        descriptors = FileDescriptorSet.FromString(target.read_bytes())
    for file in descriptors.file:
        if file.name not in names:
            file.ClearField("source_code_info")
    return descriptors


def betterproto_module(descriptors: FileDescriptorSet) -> bytes:
    """Return the module of our messages, and of the clients' stubs."""
    ours = [file for file in descriptors.file if file.package == "warpdrive.v1"]
    request = plugin_pb2.CodeGeneratorRequest(file_to_generate=[file.name for file in ours], proto_file=ours)
    # A field of oneof 0 and a field of none differ by presence, which betterproto's own classes lose without this.
    monkey_patch_oneof_index()  # type: ignore[no-untyped-call]  # betterproto leaves it so
    with contextlib.redirect_stderr(io.StringIO()):  # it announces files that it does not write
        answer = generate_code(CodeGeneratorRequest().parse(request.SerializeToString()))
    files = {file.name: file.content for file in answer.file}
    return files[PACKAGE].encode()


def _googleapis() -> Path:
    """Return the folder above google/api/annotations.proto, which googleapis-common-protos installs."""
    return Path(annotations_pb2.__file__).parents[2]
