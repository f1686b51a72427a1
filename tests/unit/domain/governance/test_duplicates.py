"""What makes objects the same bytes."""

import pytest

from warpdrive.domain.governance.duplicates import Confidence, confidence_of, md5_of_etag, wasted_bytes


def test_confidence_follows_from_the_checksum() -> None:
    """A kind that nothing is compared by has none."""
    assert (confidence_of("md5"), confidence_of("crc32c")) == (Confidence.HIGH, Confidence.MEDIUM)
    with pytest.raises(KeyError):
        confidence_of("sha1")


def test_all_copies_but_one_are_waste() -> None:
    """One copy wastes nothing, none does not either."""
    assert [wasted_bytes(7, copies) for copies in (0, 1, 2, 5)] == [0, 0, 7, 28]


def test_a_plain_etag_compares_and_that_of_a_multipart_upload_does_not() -> None:
    """It depends on the size of the parts."""
    plain = "0123456789abcdef" * 2
    assert md5_of_etag(plain) == bytes.fromhex(plain)
    for etag in (f"{plain}-7", plain[:-1], "", plain.upper(), f'"{plain}"', f"{plain}\n"):
        assert md5_of_etag(etag) is None
