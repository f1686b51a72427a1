"""What a team is made of besides members: rules that say which bytes are its own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class OwnershipRule:
    """Objects of `backend` ("*": of every one) whose keys start with `prefix` belong to the team.

    `prefix` is "" (everything) or ends in "/", so that "data/" is never the owner of "data2/x". Which team wins
    where rules of several meet is attribution's business: the longest prefix.
    """

    backend: str
    prefix: str
