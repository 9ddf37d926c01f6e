"""The parts that many of Shopify's answers have in common: ids, amounts, pages."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, field_validator

from adapters.channels.reading import mended
from adapters.channels.shopify.graphql import SYSTEM, Wire
from domain.errors import Unavailable
from domain.money import InvalidMoney, Money

Handle = Annotated[str, Field(pattern=r"^[!-~]{1,500}$")]
"""What we keep, or say back as it came: an id, a cursor. What can be neither is no answer."""
Words = Annotated[str, AfterValidator(mended)]
"""What people wrote, a gateway's name for one."""


class MoneyV2(Wire):
    """A decimal such as "12.3" and its currency."""

    amount: str
    currency_code: str

    @field_validator("amount", mode="before")
    @classmethod
    def _written_out(cls, amount: object) -> object:
        return str(amount) if isinstance(amount, int) and not isinstance(amount, bool) else amount

    def money(self) -> Money:
        try:
            return Money.parse(self.amount, self.currency_code)
        except InvalidMoney as error:
            raise ValueError(str(error)) from error


class ShopBag(Wire):
    shop_money: MoneyV2

    @field_validator("shop_money")
    @classmethod
    def _readable(cls, side: MoneyV2) -> MoneyV2:
        side.money()
        return side

    @property
    def shop(self) -> Money:
        return self.shop_money.money()


class MoneyBag(ShopBag):
    presentment_money: MoneyV2

    @field_validator("presentment_money")
    @classmethod
    def _shown_readable(cls, side: MoneyV2) -> MoneyV2:
        side.money()
        return side

    @property
    def presentment(self) -> Money:
        return self.presentment_money.money()


Bag = TypeVar("Bag", bound=ShopBag)


def _no_less_than_nothing(bag: Bag) -> Bag:
    if bag.shop.amount_minor < 0:
        raise ValueError("is below zero")
    return bag


Paid = Annotated[MoneyBag, AfterValidator(_no_less_than_nothing)]
Given = Annotated[ShopBag, AfterValidator(_no_less_than_nothing)]
"""What the customer got back."""


class Ref(Wire):
    id: Handle


class PageInfo(Wire):
    has_next_page: bool
    end_cursor: Handle | None = None

    def next(self, this: str | None) -> str | None:
        """Where the page after `this` begins; None if that was the last.

        Raises:
            Unavailable: it is the same page over again, for ever.
        """
        if not self.has_next_page:
            return None
        if self.end_cursor in (None, this):
            raise Unavailable(SYSTEM, "unreadable_answer", "the next page is this one")
        return self.end_cursor
