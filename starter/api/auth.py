"""Who calls the API: `Authorization: Bearer <key>`."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from starter.composition import composition_of
from starter.problems import Refusal

_bearer = HTTPBearer(auto_error=False, description="A key made by `oms key create`.")


async def caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The id of the key that was shown.

    Raises:
        Refusal: 401; it does not say whether the key is unknown or revoked.
    """
    key = credentials.credentials if credentials else ""
    key_id = await composition_of(request).wired.keys.verify(key) if key else None
    if key_id is None:
        raise Refusal(
            401,
            "unauthorised",
            "Authorization: needs a Bearer key that is known and not revoked.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return key_id


Caller = Annotated[str, Depends(caller)]
