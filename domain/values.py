"""What every value of the domain has in common: it is frozen and rejects what it does not know.

No error quotes what did not parse: it may be personal, and errors are logged.
"""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable value; unknown fields are an error, so that a typing slip is never silent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Message(BaseModel):
    """A value that crosses Temporal or comes from outside; later releases may add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
