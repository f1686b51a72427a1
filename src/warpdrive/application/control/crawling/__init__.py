"""Crawling: what backends hold becomes rows of the storage index, one place after another.

`crawler` runs wherever no other process does, keeps owners in line (`control.attributing`) and takes crawls from the
queue; `crawl_pass` is one of them: pages of a `ListingSource` are gathered (`gathering`) and merged, and at the end
what was not seen is gone, unless that is doubtful. `backend_listing` is the source that asks a backend itself.
"""
