"""Parquet, by pyarrow: telemetry's archive is written and inventory reports are read here.

`parquet_files` reads files where they are, in a backend, a row group's columns at a time (`ranged_file` makes an object
look like a file to the library); `record_files` writes access records. pyarrow is an extra, 170 MB of it, so it is
imported when the first file is opened and never before.
"""

from warpdrive.adapters.lake.extra import lake_installed
from warpdrive.adapters.lake.parquet_files import ParquetFiles
from warpdrive.adapters.lake.record_files import ParquetRecordFiles

__all__ = ["ParquetFiles", "ParquetRecordFiles", "lake_installed"]
