"""S3 and everything that speaks it, behind the two object ports.

Two ways lead to a bucket. Reading (`reader`: GET of a range, HEAD, listing) is what this system does all
day and goes the lean way: `endpoint` signs (`signing`, keys from `keychain`) and sends through a small HTTP
client (`http/`) whose bodies land in the caller's memory. Writing uses the vendor's SDK. `place` knows the
URLs, `object_headers` and `listing` what answers mean, `faults` what refusals mean.
"""

from warpdrive.adapters.blob.s3.backend import open_s3

__all__ = ["open_s3"]
