"""Sees addresses that were surely mistyped (gmial.com, mail.ry, a Russian “о” among Latin letters) and what was meant.

Only warns: the address may be somebody's all the same. Knows the large providers; a rare domain is never doubted.
"""

from __future__ import annotations

from functools import lru_cache

# Mail providers with a name long enough that a letter more or less is a slip.
LONG = (
    "gmail.com", "yandex.ru", "yandex.com", "rambler.ru", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com",
    "inbox.ru", "internet.ru", "protonmail.com",
)  # fmt: skip
# In a short name a letter more or less makes another domain that exists: here only two letters that changed places
# or one that was typed twice.
SHORT = ("mail.ru", "list.ru", "bk.ru", "ya.ru", "live.com", "mail.com")
# Domains of others that lie within one letter of those above.
OTHERS = frozenset({
    "email.com", "ymail.com", "fmail.com", "gmail.ru", "hotmail.ru", "outlook.ru", "yahoo.co", "yandex.by", "yandex.kz",
    "yandex.ua", "yandex.uz", "yandex.ee", "yandex.lt", "yandex.lv", "yandex.md", "yandex.tm", "yandex.az", "index.ru",
    "icloud.co", "inbox.lv", "inbox.eu", "inbox.com", "internet.ua",
})  # fmt: skip
# What nobody can be reached under: these ends do not exist, and lie beside the one that was meant.
ENDS = {
    "com": ("con", "cmo", "ocm", "vom", "xom", "cim", "cpm", "comm", "coom", "kom", "clm"),
    "ru": ("ry", "rv", "ri", "tu", "ur", "rru", "ruu", "rj"),
    "net": ("nte", "ner", "ent"),
    "org": ("ogr", "orf", "rog"),
}
MENDED_ENDS = {wrong: end for end, wrongs in ENDS.items() for wrong in wrongs}
# Letters of other alphabets that look like Latin ones.
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһӏвкмнтАВЕКМНОРСТУХІЈЅοαρνυκτΟΑΡΝΚΤΒΕΖΗΙΜΥΧ",
    "aeopcyxijsdhlbkmhtABEKMHOPCTYXIJSoapvuktOAPNKTBEZHIMYX",
)


def likely(address: str) -> str:
    """Tell what a normalised address was perhaps meant to be; nothing where there is no reason for doubt."""
    local, _at, domain = address.rpartition("@")
    meant = likely_domain(domain)
    return f"{local}@{meant}" if meant else ""


def in_latin(text: str) -> str:
    """Put Latin letters for those of other alphabets that look the same."""
    return text.translate(LOOK_ALIKES)


@lru_cache(maxsize=10_000)
def likely_domain(domain: str) -> str:
    domain_in_latin = ".".join(map(without_look_alikes, domain.split(".")))
    meant = known_neighbour(domain_in_latin) or with_mended_end(domain_in_latin) or domain_in_latin
    return "" if meant == domain else meant


def without_look_alikes(label: str) -> str:
    """Turn a label of two alphabets into the Latin one that it looks like. One of a single alphabet is meant so."""
    if not label.startswith("xn--"):
        return label
    try:
        text = label[4:].encode().decode("punycode")
    except UnicodeError:
        return label
    has_latin = any(letter.isascii() and letter.isalpha() for letter in text)
    meant = in_latin(text)
    return meant if has_latin and meant.isascii() else label


def known_neighbour(domain: str) -> str:
    if domain in LONG or domain in SHORT or domain in OTHERS:
        return ""
    found = [known for known in LONG if is_one_slip(domain, known)]
    found += [known for known in SHORT if is_swap(domain, known) or is_doubling(domain, known)]
    return found[0] if found else ""


def with_mended_end(domain: str) -> str:
    name, _dot, end = domain.rpartition(".")
    return f"{name}.{MENDED_ENDS[end]}" if end in MENDED_ENDS else ""


def is_one_slip(typed: str, meant: str) -> bool:
    """Tell whether one letter was left out, added, replaced, or changed places with the next."""
    if typed == meant or abs(len(typed) - len(meant)) > 1:
        return False
    begin = next((n for n, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant)))
    typed, meant = typed[begin:], meant[begin:]
    if len(typed) == len(meant):
        return typed[1:] == meant[1:] or (typed[1::-1] == meant[:2] and typed[2:] == meant[2:])
    longer, shorter = (typed, meant) if len(typed) > len(meant) else (meant, typed)
    return longer[1:] == shorter


def is_swap(typed: str, meant: str) -> bool:
    return sorted(typed) == sorted(meant) and is_one_slip(typed, meant)


def is_doubling(typed: str, meant: str) -> bool:
    return len(typed) > len(meant) and any(
        typed == meant[:place] + letter + meant[place:] for place, letter in enumerate(meant)
    )
