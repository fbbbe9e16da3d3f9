"""What a caller may send, as annotated types: the same limits stand in each tool's JSON schema."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

BODY_BYTES = 1024 * 1024
"""Largest HTTP body and WebSocket message."""

CONTENT_CHARACTERS = 100_000
"""Well below the megabyte that PostgreSQL allows for a tsvector."""

EXPORT_CHARACTERS = 500_000
"""An export ends after the memory that reaches this: the answer stays about as large as a request may be."""

BATCH = 25
"""How many memories one step of an import or export takes: a transaction, and a word about the progress."""

PENDING_PER_WEBSOCKET = 32
"""Requests on one WebSocket that may wait for their answers at a time."""

WORD = r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"


def _storable(content: str) -> str:
    if "\0" in content:
        raise ValueError("must not contain the character NUL, which PostgreSQL cannot store")
    if not content.strip():
        raise ValueError("must not be blank")
    return content


def _unique(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


def _left_out(empty: Any) -> BeforeValidator:
    """Take null for «left out»: many clients send it for every optional argument."""
    return BeforeValidator(lambda value: empty if value is None else value)


Content = Annotated[
    str,
    Field(description="The text to keep.", min_length=1, max_length=CONTENT_CHARACTERS),
    AfterValidator(_storable),
]
Key = Annotated[
    str,
    Field(description="Name of the memory: letters, digits and . _ : / @ -"),
    StringConstraints(min_length=1, max_length=200, pattern=f"^{WORD}$"),
]
OptionalKey = Annotated[
    str,
    Field(description="Name of the memory: letters, digits and . _ : / @ - ; left out, the server makes one."),
    StringConstraints(max_length=200, pattern=f"^({WORD})?$"),
    _left_out(""),
]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=f"^{WORD}$")]
OptionalTag = Annotated[
    str,
    Field(description="Only memories that bear this tag."),
    StringConstraints(max_length=50, pattern=f"^({WORD})?$"),
    _left_out(""),
]
Tags = Annotated[
    tuple[Tag, ...],
    Field(description="At most 20 words: letters, digits and . _ : / @ -", max_length=20),
    _left_out(()),
    AfterValidator(_unique),
]
Query = Annotated[
    str,
    Field(
        description='Words to look for; "a phrase" in quotes, or between alternatives, - before a word to leave out.',
        min_length=1,
        max_length=500,
    ),
    AfterValidator(_storable),
]
Cursor = Annotated[
    str,
    Field(description="next_cursor of the page before; left out, the first page.", max_length=500),
    _left_out(""),
]
ExportLimit = Annotated[int, Field(description="How many at most.", ge=1, le=500)]
Limit = Annotated[int, Field(description="How many at most.", ge=1, le=100)]
Offset = Annotated[int, Field(description="How many to pass over.", ge=0, le=1_000_000)]


class Draft(BaseModel):
    """A memory to import; fields as those of `remember`."""

    model_config = ConfigDict(extra="forbid")

    content: Content
    key: OptionalKey = ""
    tags: Tags = ()


Drafts = Annotated[list[Draft], Field(description="What to remember.", min_length=1, max_length=500)]
