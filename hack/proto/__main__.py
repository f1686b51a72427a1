"""`python -m hack.proto [FOLDER]`: write the generated files, into adapters/wire/generated unless told otherwise."""

import sys
from pathlib import Path

from hack.proto.generate import GENERATED, generate

if __name__ == "__main__":
    for name, content in generate().items():
        target = (Path(sys.argv[1]) if len(sys.argv) > 1 else GENERATED) / name
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)
            print(f"proto: wrote {target.name}", file=sys.stderr)
