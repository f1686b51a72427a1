"""What a PriceBook refuses, as facts with fields. All are permanent: the same command fails again."""


class PriceBookError(Exception):
    """Base of every refusal of a PriceBook."""


class InvalidPriceBookName(PriceBookError):
    """Raised when a price book's name is empty or is no name (see `reason`)."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"price book name {name!r} {reason}")
        self.name = name
        self.reason = reason


class InvalidCurrency(PriceBookError):
    """Raised when a currency is not three capital letters, as ISO 4217 writes them."""

    def __init__(self, currency: str) -> None:
        super().__init__(f"currency {currency!r} is not three capital letters")
        self.currency = currency


class InvalidPrice(PriceBookError):
    """Raised when an entry's field cannot be right (see `reason`)."""

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(f"price's {field} {value!r} {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class UnknownPrice(PriceBookError):
    """Raised when an entry is removed that the book does not have. `valid_from` is an ISO date."""

    def __init__(self, backend: str, storage_class: str, valid_from: str) -> None:
        super().__init__(f"no price of class {storage_class!r} in backend {backend!r} begins on {valid_from}")
        self.backend = backend
        self.storage_class = storage_class
        self.valid_from = valid_from


class PriceBookRetired(PriceBookError):
    """Raised when a retired price book is asked for a change; retirement is final."""

    def __init__(self, name: str) -> None:
        super().__init__(f"price book {name!r} is retired")
        self.name = name
