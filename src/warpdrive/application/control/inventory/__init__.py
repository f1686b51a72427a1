"""Inventory reports: what providers write down about a bucket that is too large to list.

A report is a manifest and the data files that it names: S3 Inventory, Azure Blob Inventory or a GCS inventory report
(Storage Insights), each as CSV or Parquet. `finding` looks for the newest one that is complete, `manifests` reads what
it says of itself, `blocks` and `csv_text` read CSV as a stream, `objects` turns rows into objects as a listing would
show them, `source` puts it together, and `listing` gives it to a crawl. Parquet is read through a port: that format is
a library's affair.
"""

from warpdrive.application.control.inventory.listing import InventoryListing, open_listing
from warpdrive.application.control.inventory.report import Provider, ReportFault
from warpdrive.application.control.inventory.source import Inventory, InventorySource

__all__ = ["Inventory", "InventoryListing", "InventorySource", "Provider", "ReportFault", "open_listing"]
