"""What a Team refuses, as facts with fields. All are permanent: the same command fails again."""


class TeamError(Exception):
    """Base of every refusal of a Team."""


class InvalidTeamName(TeamError):
    """Raised when a team's name is empty or is no name (see `reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"team name {name!r} {reason}")
        self.name = name
        self.reason = reason


class InvalidPrincipal(TeamError):
    """Raised when what should join a team is no principal's name (see `reason`)."""

    def __init__(self, principal: str, reason: str) -> None:
        super().__init__(f"principal {principal!r} {reason}")
        self.principal = principal
        self.reason = reason


class AlreadyMember(TeamError):
    """Raised when a member is added again."""

    def __init__(self, name: str, principal: str) -> None:
        super().__init__(f"{principal!r} is a member of team {name!r} already")
        self.name = name
        self.principal = principal


class NotMember(TeamError):
    """Raised when somebody is removed who is no member."""

    def __init__(self, name: str, principal: str) -> None:
        super().__init__(f"{principal!r} is no member of team {name!r}")
        self.name = name
        self.principal = principal


class InvalidOwnershipRule(TeamError):
    """Raised when an ownership rule can own nothing (see `reason`)."""

    def __init__(self, backend: str, prefix: str, reason: str) -> None:
        super().__init__(f"ownership rule for {prefix!r} in backend {backend!r} {reason}")
        self.backend = backend
        self.prefix = prefix
        self.reason = reason


class DuplicateOwnershipRule(TeamError):
    """Raised when a team is given a rule that it has."""

    def __init__(self, name: str, backend: str, prefix: str) -> None:
        super().__init__(f"team {name!r} owns {prefix!r} in backend {backend!r} already")
        self.name = name
        self.backend = backend
        self.prefix = prefix


class UnknownOwnershipRule(TeamError):
    """Raised when a rule is removed that the team does not have."""

    def __init__(self, name: str, backend: str, prefix: str) -> None:
        super().__init__(f"team {name!r} has no rule for {prefix!r} in backend {backend!r}")
        self.name = name
        self.backend = backend
        self.prefix = prefix


class TeamDisbanded(TeamError):
    """Raised when a disbanded team is asked for anything; disbanding is final."""

    def __init__(self, name: str) -> None:
        super().__init__(f"team {name!r} is disbanded")
        self.name = name
