"""A wrong setting is explained before the first letter, not by every mailing that pauses."""

import pytest
from django.core.checks import run_checks


def faults(settings, **changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    return [fault.id for fault in run_checks() if fault.id.startswith("mailings.")]


class TestTheSender:
    @pytest.mark.parametrize(
        "sender",
        [
            "news@shop.example",
            "Shop <news@shop.example>",
            "Магазин «Ромашка» <news@shop.example>",
            '"Shop, Ltd" <news@shop.example>',
        ],
    )
    def test_may_have_a_name_in_any_letters(self, settings, sender):
        assert faults(settings, DEFAULT_FROM_EMAIL=sender) == []

    @pytest.mark.parametrize(
        "sender",
        [
            "",
            "Shop",
            "Shop <news@shop>",
            "Shop, Ltd <news@shop.example>",
            "a@shop.example, b@shop.example",
            "Shop\nBcc: x@y.example <news@shop.example>",
            "Shop\u202e <news@shop.example>",
            "Shop <новости@shop.example>",
            "Shop <news@магазин.рф>",
        ],
    )
    def test_is_one_address_that_can_stand_in_a_header(self, settings, sender):
        assert faults(settings, DEFAULT_FROM_EMAIL=sender) == ["mailings.E003"]


class TestTheAddressForAnswers:
    @pytest.mark.parametrize("address", ["", "office@shop.example"])
    def test_may_be_left_out(self, settings, address):
        assert faults(settings, REPLY_TO_EMAIL=address) == []

    @pytest.mark.parametrize(
        "address", ["office", "a@shop.example, b@shop.example", "a@shop.example\r\nBcc: b@x.example"]
    )
    def test_is_a_bare_address(self, settings, address):
        assert faults(settings, REPLY_TO_EMAIL=address) == ["mailings.E006"]


class TestTheNameWeGreetWith:
    @pytest.mark.parametrize("name", ["", "post.example.org", "localhost"])
    def test_may_be_left_to_us(self, settings, name):
        assert faults(settings, EMAIL_HELO=name) == []

    @pytest.mark.parametrize("name", ["post example", "post.example.org\r\nRSET", "почта.рф"])
    def test_is_a_host(self, settings, name):
        assert faults(settings, EMAIL_HELO=name) == ["mailings.E007"]
