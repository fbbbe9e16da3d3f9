"""Failures whose text is written for the caller."""


class MemoryFault(Exception):
    """What the caller may read, word for word."""


class UnknownKey(MemoryFault):
    """Nothing is remembered under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Nothing is remembered under {key!r}. Look with search or list_memories.")


class WrongCursor(MemoryFault):
    """The cursor was made up, or cut."""

    def __init__(self) -> None:
        super().__init__("Invalid cursor. Give the next_cursor of the page before, or none for the first page.")


class Unavailable(MemoryFault):
    """PostgreSQL cannot be reached."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL does not answer at the moment. Try again later.")
