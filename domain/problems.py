"""A problem with one field of what somebody sent: which field, why, and the sentence for it."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """Why a field will not do.

    `reason` is a code that programs compare and histories may hold; `message` is for people and
    never repeats the value, which may be personal or huge.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    reason: str
    message: str
