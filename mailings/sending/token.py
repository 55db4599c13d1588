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


def seal(number: int, key: bytes) -> str:
    """Return the token of a number: 24 URL-safe characters, always the same for the same key.

    The tag is a synthetic IV in the manner of RFC 5297: it authenticates the number, and what hides the number is
    derived from it. Two tokens are alike only when their numbers are equal.

    :raises OverflowError: when the number is negative or has more than 64 bits.
    """
    plain = number.to_bytes(NUMBER_OCTETS, "big")
    tag = _tag(plain, key)
    return urlsafe_b64encode(tag + _mask(plain, tag, key)).decode("ascii")


def unseal(token: str, keys: Sequence[bytes]) -> int | None:
    """Return the number under the token, or ``None`` for anything that was not sealed with one of the keys.

    :param keys: the present key first, then the former ones, so that links in letters already sent go on working.
    """
    if _TOKEN.fullmatch(token) is None:
        return None
    sealed = urlsafe_b64decode(token)
    tag, masked = sealed[:TAG_OCTETS], sealed[TAG_OCTETS:]
    for key in keys:
        plain = _mask(masked, tag, key)
        if hmac.compare_digest(_tag(plain, key), tag):
            return int.from_bytes(plain, "big")
    return None


def _tag(plain: bytes, key: bytes) -> bytes:
    return _derived(key, b"tag", plain)[:TAG_OCTETS]


def _mask(octets: bytes, tag: bytes, key: bytes) -> bytes:
    pad = _derived(key, b"mask", tag)
    return bytes(octet ^ cover for octet, cover in zip(octets, pad, strict=False))


def _derived(key: bytes, label: bytes, data: bytes) -> bytes:
    subkey = hmac.digest(key, b"postroom token " + label, sha256)
    return hmac.digest(subkey, data, sha256)
