"""Failures whose text is written for the caller."""


class MemoryFault(Exception):
    """What the caller may read, word for word."""


class UnknownKey(MemoryFault):
    """Nothing is remembered under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Nothing is remembered under {key!r}. Look with search or list_memories.")


class Unavailable(MemoryFault):
    """PostgreSQL cannot be reached."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL does not answer at the moment. Try again later.")
