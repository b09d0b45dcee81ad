"""Contract ids (eMAID) and how they are compared: without separators, without check digit, in any case (PROTOCOLS 3.6).

A reference is made of one spelling, so whoever looks for a contract tries all that are in use.
"""

BODY = 14
"""Country (2), provider (3), instance (9); a fifteenth character is the check digit."""


def plain(emaid: str) -> str:
    """What all spellings of one contract have in common."""
    text = _bare(emaid)
    return text[:BODY] if len(text) == BODY + 1 else text


def _bare(emaid: str) -> str:
    return "".join(character for character in emaid if character not in "-* ").upper()


def spellings(emaid: str) -> tuple[str, ...]:
    """As it came, bare and with separators, each with and without check digit where that is known; upper case."""
    bare, body = _bare(emaid), plain(emaid)
    found = [emaid.strip().upper(), bare, body]
    if len(body) == BODY:
        dashed = f"{body[:2]}-{body[2:5]}-{body[5:]}"
        found.append(dashed)
        if len(bare) > BODY:
            found += [f"{dashed}-{bare[-1]}", f"{dashed}{bare[-1]}"]
    return tuple(dict.fromkeys(found))
