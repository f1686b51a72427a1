"""S3 and everything that speaks it, behind the two object ports.

Two ways lead to a bucket. Reading (`reader`: ranged GET, HEAD, listing) is what this system does all day and goes
the lean way: `endpoint` signs (`signing`, with keys from `keychain`) and sends through a small HTTP client
(`http/`) whose bodies land in the caller's memory; `ranged_get`, `object_headers` and `listing` know what answers
mean. Writing (`writer`, with `parts` and `multipart` for what is large) uses the vendor's client (`sdk`). `place`
knows the URLs of both, `faults` is the one table of refusals, `backend` puts the halves together.
"""

from warpdrive.adapters.blob.s3.backend import open_s3

__all__ = ["open_s3"]
