"""What the tools give back. Each model is the output schema of one tool."""

from datetime import datetime

from pydantic import BaseModel, Field


class Memory(BaseModel):
    """One memory, whole; Redis holds it in this form."""

    key: str
    content: str
    tags: list[str]
    created_at: datetime
    updated_at: datetime


class Remembered(BaseModel):
    """Answer of `remember`."""

    key: str
    created: bool = Field(description="False when the key existed and its memory was replaced.")
    tags: list[str]
    updated_at: datetime


class Recalled(Memory):
    """Answer of `recall`."""

    cached: bool = Field(description="True when Redis answered, false when PostgreSQL did.")


class Hit(BaseModel):
    """One line of `search`."""

    key: str
    snippet: str = Field(description="The best passage; the words that matched stand between ** and **.")
    rank: float = Field(description="Between 0 and 1; comparable within one search only.")
    tags: list[str]
    updated_at: datetime


class Found(BaseModel):
    """Answer of `search`: best first."""

    query: str
    results: list[Hit]


class Forgotten(BaseModel):
    """Answer of `forget`."""

    key: str
    forgotten: bool = Field(description="False when there was nothing under this key.")


class Entry(BaseModel):
    """One line of `list_memories`."""

    key: str
    preview: str = Field(description="The first 120 characters.")
    tags: list[str]
    updated_at: datetime


class Listing(BaseModel):
    """Answer of `list_memories`: the latest first."""

    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int
    memories: list[Entry]
    next_cursor: str | None = Field(description="Give it as cursor for the next page; null on the last one.")


class Exported(BaseModel):
    """Answer of `export_memories`: in the order of the keys."""

    total: int = Field(description="How many there are in all.")
    memories: list[Memory]
    next_cursor: str | None = Field(description="Give it as cursor for the rest; null when there is none.")


class Imported(BaseModel):
    """Answer of `import_memories`."""

    created: int
    replaced: int = Field(description="How many had a memory under their key already.")
