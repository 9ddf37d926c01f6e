"""What every value of the domain has in common: it is frozen and rejects what it does not know."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable value; unknown fields are an error, so that a typing slip is never silent."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(BaseModel):
    """A value that crosses Temporal or comes from outside; later releases may add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")
