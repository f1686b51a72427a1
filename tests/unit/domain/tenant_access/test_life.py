"""Any life of a tenant's access against a plain model; whatever happens, a replay decides the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.replay import assert_snapshot_is_the_same, replay
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.errors import InvalidGrant, InvalidNetworkCheck, NotGranted
from warpdrive.domain.tenant_access.values import AccessGrant, AccessRequest, Allowed, DenialReason, Denied

START = datetime(2026, 1, 2, tzinfo=UTC)
BACKENDS = st.sampled_from([("a",), ("a", "b"), ("*",)])
TAGS = st.sampled_from([(), ("Storage",), ("Sql", "Storage")])
ADDRESSES = st.sampled_from([(), ("10.0.0.4",), ("10.0.0.4", "20.1.1.1")])


class TenantAccessLife(RuleBasedStateMachine):
    """Random commands, seconds apart, against a handful of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.access = TenantAccess.open("72f988bf-86f1-41af-91ab-2d7cd011db47", at=self.now)
        self.granted: AccessGrant | None = None
        self.revoked = False
        self.private: bool | None = None
        self.tags: tuple[tuple[str, ...], bool] | None = None

    @rule(seconds=st.integers(0, 3))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    @rule(
        backends=BACKENDS,
        endpoint=st.sampled_from(["", "in.example.net"]),
        expires=st.none() | st.integers(0, 4),
        enforce=st.booleans(),
        tags=TAGS,
    )
    def grant(
        self, backends: tuple[str, ...], endpoint: str, expires: int | None, tags: tuple[str, ...], *, enforce: bool
    ) -> None:
        """Give a grant."""
        expires_at = None if expires is None else self.now + timedelta(seconds=expires)
        grant = AccessGrant(backends, endpoint, expires_at, enforce, tags)
        try:
            self.access.grant(grant, at=self.now)
        except InvalidGrant:
            assert expires == 0
            return
        assert expires != 0
        before = self.granted
        way = (endpoint, endpoint or backends)
        if (
            before is None
            or self.revoked
            or (before.private_endpoint, before.private_endpoint or before.backends) != way
        ):
            self.private = self.tags = None
        self.granted, self.revoked = grant, False

    @rule()
    def revoke(self) -> None:
        """Take the grant back."""
        try:
            self.access.revoke("done", at=self.now)
        except NotGranted:
            assert self.granted is None or self.revoked
        else:
            assert self.granted is not None
            assert not self.revoked
            self.revoked = True

    @rule(valid=st.booleans(), addresses=ADDRESSES)
    def see_private_link(self, addresses: tuple[str, ...], *, valid: bool) -> None:
        """Look at the way."""
        try:
            self.access.record_private_link(valid, addresses, at=self.now)
        except NotGranted:
            assert self.granted is None or self.revoked
        except InvalidNetworkCheck:
            assert valid
            assert addresses != ("10.0.0.4",)
        else:
            self.private = valid

    @rule(tags=TAGS, allowed=st.booleans())
    def see_tags(self, tags: tuple[str, ...], *, allowed: bool) -> None:
        """Look at the way's tags."""
        try:
            self.access.record_service_tags(tags, allowed, at=self.now)
        except NotGranted:
            assert self.granted is None or self.revoked
        else:
            self.tags = (tags, allowed)

    @rule()
    def record(self) -> None:
        """Keep what was denied and allowed; the policy stays what it is."""
        before = self.access.policy
        self.access.record_denial(self.request("a"), Denied((DenialReason.EXPIRED,), 1), at=self.now)
        self.access.record_allows("ann", "/", 1, START, START + timedelta(seconds=1), 1, at=self.now)
        assert self.access.policy == before

    def request(self, backend: str) -> AccessRequest:
        """Want something of a backend."""
        return AccessRequest("ann", backend, "/models", "gpu-7")

    def expected(self, backend: str) -> set[str]:
        """Give the codes of all reasons by the model, none when it allows."""
        grant = self.granted
        if grant is None:
            return {"no_grant"}
        if self.revoked:
            return {"revoked"}
        found = {
            "expired": grant.expires_at is not None and self.now >= grant.expires_at,
            "backend_not_granted": backend not in grant.backends and grant.backends != ("*",),
            "private_link_not_validated": grant.enforce_private_link and self.private is None,
            "private_link_violated": grant.enforce_private_link and self.private is False,
            "service_tags_not_checked": bool(grant.service_tags) and self.tags is None,
            "service_tag_not_allowed": self.tags is not None
            and (not self.tags[1] or bool(grant.service_tags and set(self.tags[0]) - set(grant.service_tags))),
        }
        return {code for code, holds in found.items() if holds}

    @invariant()
    def it_decides_what_the_model_decides(self) -> None:
        """For each backend, with all reasons, now and after a replay; deciding is no event."""
        version = self.access.version
        again = replay(TenantAccess, self.access.pending_events)
        for backend in ("a", "b", "c"):
            decision = self.access.decide(self.request(backend), self.now)
            assert again.decide(self.request(backend), self.now) == decision
            codes = {reason.code for reason in decision.reasons} if isinstance(decision, Denied) else set()
            assert codes == self.expected(backend)
            assert isinstance(decision, Allowed) is not bool(codes)
            assert decision.policy_version == self.access.policy_version
        assert self.access.version == version

    @invariant()
    def the_policy_version_is_that_of_the_last_event_about_it(self) -> None:
        """Counted from the events alone."""
        records = (TenantAccess.AccessDenied, TenantAccess.AllowsAggregated)
        about = [event for event in self.access.pending_events if not isinstance(event, records)]
        assert self.access.policy_version == about[-1].originator_version

    @invariant()
    def replay_gives_the_same(self) -> None:
        """Stored events and a stored snapshot give the state that the commands left."""
        assert_snapshot_is_the_same(self.access)


TestTenantAccessLife = TenantAccessLife.TestCase
