import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailings.sending.address import AddressFault, BadAddress, mask, normalise

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class TestNormalise:
    @pytest.mark.parametrize(
        ("raw", "address"),
        [
            ("ivan@mail.ru", "ivan@mail.ru"),
            ("  Ivan.Petrov@Mail.RU\n", "ivan.petrov@mail.ru"),
            ("\ufeffivan@mail.ru\u200b", "ivan@mail.ru"),
            ("user+tag@mail.ru", "user+tag@mail.ru"),
            ("o'neil_!#$%&*+/=?^`{|}~-@x.test", "o'neil_!#$%&*+/=?^`{|}~-@x.test"),
            ("a@faß.de", "a@xn--fa-hia.de"),
            ("a@почта.рф", "a@xn--80a1acny.xn--p1ai"),
            ("a@ПОЧТА.РФ", "a@xn--80a1acny.xn--p1ai"),
            ("a@xn--80a1acny.xn--p1ai", "a@xn--80a1acny.xn--p1ai"),
            ("a@cafe\u0301.fr", "a@xn--caf-dma.fr"),
            ("a@1.2.3.com", "a@1.2.3.com"),
            ("x" * 64 + "@x.ru", "x" * 64 + "@x.ru"),
        ],
    )
    def test_gives_one_form(self, raw, address):
        assert normalise(raw) == address

    @pytest.mark.parametrize(
        ("raw", "fault"),
        [
            ("", AddressFault.EMPTY),
            (" \u200b ", AddressFault.EMPTY),
            ("ivan", AddressFault.NO_AT),
            ("a@x.ru, b@x.ru", AddressFault.SEVERAL),
            ("a@x.ru;b@x.ru", AddressFault.SEVERAL),
            ("a@x.ru b@x.ru", AddressFault.SEVERAL),
            ("a@@x.ru", AddressFault.SEVERAL),
            ("a b@x.ru", AddressFault.CONTROL),
            ("a\n@x.ru", AddressFault.CONTROL),
            ("a@x.ru\0", AddressFault.CONTROL),
            ("a@x\u202e.ru", AddressFault.CONTROL),
            ("a\u200bb@x.ru", AddressFault.CONTROL),
            ("иван@x.ru", AddressFault.LOCAL_NOT_ASCII),
            ("x" * 65 + "@x.ru", AddressFault.LOCAL_TOO_LONG),
            ("a@" + "x." * 130 + "ru", AddressFault.TOO_LONG),
            ("a@" + "я." * 40 + "рф", AddressFault.TOO_LONG),
            (".a@x.ru", AddressFault.BAD_LOCAL),
            ("a.@x.ru", AddressFault.BAD_LOCAL),
            ("a..b@x.ru", AddressFault.BAD_LOCAL),
            ("@x.ru", AddressFault.BAD_LOCAL),
            ("a<b@x.ru", AddressFault.BAD_LOCAL),
            ('"a b"@x.ru', AddressFault.BAD_LOCAL),
            ("a@x", AddressFault.BAD_DOMAIN),
            ("a@", AddressFault.BAD_DOMAIN),
            ("a@x_y.ru", AddressFault.BAD_DOMAIN),
            ("a@x..ru", AddressFault.BAD_DOMAIN),
            ("a@x.ru.", AddressFault.BAD_DOMAIN),
            ("a@-x.ru", AddressFault.BAD_DOMAIN),
            ("a@x-.ru", AddressFault.BAD_DOMAIN),
            ("a@" + "x" * 64 + ".ru", AddressFault.BAD_DOMAIN),
            ("a@" + "я" * 60 + ".рф", AddressFault.BAD_DOMAIN),
            ("a@1.2.3.4", AddressFault.BAD_DOMAIN),
            ("a@[1.2.3.4]", AddressFault.BAD_DOMAIN),
            ("a@mail.123", AddressFault.BAD_DOMAIN),
            ("a@ｍail.ru", AddressFault.BAD_DOMAIN),
            ("a@x.ru>", AddressFault.BAD_DOMAIN),
            ("a@☃.ru", AddressFault.BAD_DOMAIN),
            ("a@\u0301почта.рф", AddressFault.BAD_DOMAIN),
        ],
    )
    def test_refuses(self, raw, fault):
        with pytest.raises(BadAddress) as caught:
            normalise(raw)

        assert caught.value.code is fault

    @given(st.text(max_size=80))
    def test_is_safe_on_any_text(self, raw):
        try:
            address = normalise(raw)
        except BadAddress:
            return

        assert address.isascii()
        assert address.isprintable()
        assert normalise(address) == address

    @given(st.text(LETTERS, min_size=1, max_size=64), st.text(LETTERS, min_size=1, max_size=63))
    def test_keeps_plain_addresses_as_they_are(self, local, label):
        assert normalise(f"{local}@{label}.ru") == f"{local}@{label}.ru"


class TestMask:
    @pytest.mark.parametrize(
        ("address", "shown"), [("ivan@mail.ru", "i***@mail.ru"), ("@mail.ru", "***@mail.ru"), ("ivan", "***")]
    )
    def test_leaves_one_letter(self, address, shown):
        assert mask(address) == shown
