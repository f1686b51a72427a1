"""What a Dismissal refuses, as facts with fields. All are permanent: the same command fails again."""


class DismissalError(Exception):
    """Base of every refusal of a Dismissal."""


class InvalidDismissal(DismissalError):
    """Raised when a field of a dismissal cannot be right (see `reason`): why it is dismissed, or what it is about."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"dismissal's {field} {reason}")
        self.field = field
        self.reason = reason


class NotDismissed(DismissalError):
    """Raised when a recommendation is restored that is not dismissed."""

    def __init__(self, recommendation: str) -> None:
        super().__init__(f"recommendation {recommendation} is not dismissed")
        self.recommendation = recommendation
