"""Turns a number into a short sealed token for a public link, and back; tells neither the number nor how many exist."""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

NUMBER_OCTETS: Final = 8
TAG_OCTETS: Final = 10

# 18 octets are 24 characters exactly: no padding, and one spelling only for each token.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24}")


class Seal:
    """Seals and opens with one key, whose sub-keys are derived once.

    A token's tag is a synthetic IV in the manner of RFC 5297: it authenticates the number, and what hides the number
    is derived from it. Two tokens are alike only when their numbers are equal.
    """

    __slots__ = ("_mask_mac", "_tag_mac")

    def __init__(self, key: bytes) -> None:
        self._tag_mac = _keyed(key, b"tag")
        self._mask_mac = _keyed(key, b"mask")

    def seal(self, number: int) -> str:
        """Return the token of a number: 24 URL-safe characters, always the same for the same key.

        :raises OverflowError: when the number is negative or has more than 64 bits.
        """
        plain = number.to_bytes(NUMBER_OCTETS, "big")
        tag = _digest(self._tag_mac, plain)[:TAG_OCTETS]
        return urlsafe_b64encode(tag + self._masked(plain, tag)).decode("ascii")

    def opened(self, sealed: bytes) -> int | None:
        """Return the number under the octets of a token, or ``None`` when they were not sealed with this key."""
        tag, masked = sealed[:TAG_OCTETS], sealed[TAG_OCTETS:]
        plain = self._masked(masked, tag)
        if hmac.compare_digest(_digest(self._tag_mac, plain)[:TAG_OCTETS], tag):
            return int.from_bytes(plain, "big")
        return None

    def _masked(self, octets: bytes, tag: bytes) -> bytes:
        pad = _digest(self._mask_mac, tag)[:NUMBER_OCTETS]
        return (int.from_bytes(octets, "big") ^ int.from_bytes(pad, "big")).to_bytes(NUMBER_OCTETS, "big")


def seal(number: int, key: bytes) -> str:
    """Return one token, as :meth:`Seal.seal` does."""
    return Seal(key).seal(number)


def unseal(token: str, keys: Sequence[bytes]) -> int | None:
    """Return the number under the token, or ``None`` for anything that was not sealed with one of the keys.

    :param keys: the present key first, then the former ones, so that links in letters already sent go on working.
    """
    if _TOKEN.fullmatch(token) is None:
        return None
    sealed = urlsafe_b64decode(token)
    numbers = (Seal(key).opened(sealed) for key in keys)
    return next((number for number in numbers if number is not None), None)


def _keyed(key: bytes, label: bytes) -> hmac.HMAC:
    return hmac.new(hmac.digest(key, b"postroom token " + label, sha256), digestmod=sha256)


def _digest(keyed: hmac.HMAC, octets: bytes) -> bytes:
    mac = keyed.copy()  # a third cheaper than reading the key again
    mac.update(octets)
    return mac.digest()
