"""Secrets known by their place: the value of a key that says so.

`password=`, `"api_key": "..."`, `Authorization: ...`, `--token ...`, `('password', '...')`,
`password is ...`, bare, quoted, and in JSON within JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from exectrail.signals.secret_shapes import is_random

_KEY_VALUE: Final = re.compile(
    # searched for in the lower-cased text; what stands before the word is looked at afterwards
    r"(?P<word>(?:pass|pwd|secret|token|key|auth|cred|cookie|sig|hmac|jwt|connectionstring|otp|mfacode|"
    r"cvv|cvc)[\w.-]{0,64}+(?:[ ](?:key|token|secret|password|passphrase)\b)?)"
    r"(?P<between>[\"'`\\\])]{0,4}[ \t]{0,3}(?:=>|:=|==?|:)\s{0,3}"
    r"|[\"'],[ ]?"
    r"|[ ](?:is|was)[ ]{1,3}"
    r"|[ ]{1,2}(?=[\"'`]))"
    r"(?P<open>(?:[\w.]{0,40}+[\[({]{1,3})?b?\\{0,3}[\"'`])?"
)
_OPTION: Final = re.compile(
    r"(?<![\w-])--(?P<word>[\w-]++)(?P<between>[ ]{1,2})(?P<open>\\{0,3}[\"'`])?(?=[^\s-])"
)
_BEFORE: Final = re.compile(r"[\w.-]*[ ]?\Z")
_UNQUOTED: Final = re.compile(r"[^\s;&\"'`]+")
_AUTHORIZATION: Final = re.compile(
    r"(?i)(?:digest|oauth|hawk|signature|aws4-[\w-]{1,20})[ ][^\n\r]+"
    r"|(?:bearer|basic|token|apikey|negotiate)[ ]+[^\s;&\"'`]+"
    r"|(?![a-z]+\b)[^\s;&\"'`]+"
)
_COOKIES: Final = re.compile(r"[^\s=;]+=[^\n\r\"'`]*")
_LONGEST_KEY: Final = 512
_TO_LINE_END: Final = re.compile(r"[^\n\r]*")

_CAPITALS: Final = {ord(big): ord(big.lower()) for big in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_JOINTS: Final = str.maketrans("", "", "-_. ")
_HEADER: Final = re.compile(r"(?:proxy)?authorization|(?:set)?cookies?")
SECRET_KEYS: Final = re.compile(
    r"password\d?|passwd|passphrase|passwort|pwd|(?:^|user|db|smtp|root|admin|redis|mysql|pg)pass|"
    r"secret|secret(?:value|text)|"
    r"(?:api|access|secret|private|account|shared|auth|client|encryption|signing|master|"
    r"subscription|service|storage|functions|host|license|webhook)key|"
    r"(?:access|auth|refresh|bearer|api|bot|private|personal|csrf|xsrf|sas|jwt|deploy|session|"
    r"security|identity|user|github|gitlab|slack|npm|hf|huggingface|hub|service|webhook|verification|"
    r"reset|x)token|sharedaccesssignature|connectionstring|otp|mfacode|cvv|cvc"
)
"""Keys whose value is a secret whatever it looks like, in lower case and without joints. A key
counts by how it ends: `token_type`, `password_policy` and `secret_name` hold none."""
_PERHAPS: Final = re.compile(r"token|auth|jwt|sig|signature|hmac|credentials?|key")
"""Keys whose value is a secret where it looks like one."""
_OTHER_KEYS: Final = re.compile(
    r"(?:primary|foreign|cache|sort|partition|idempotency|public|resume|object|row|dedup|trace|hash|"
    r"lookup|natural|shard|routing|missing|duplicate|dict|map|unique|unknown|invalid|unexpected)key"
)
_NO_SECRET: Final = re.compile(
    r"(?i)none|null|nil|true|false|undefined|required|missing|invalid|incorrect|wrong|empty|expired|"
    r"field|must|is|not|cannot|should|was|has|the|an?|str|string|int|optional|redacted|hidden|masked|"
    r"authentication|provided|unset|given"
)
"""What messages say after `password:` instead of a password."""
_PLACEHOLDER: Final = re.compile(
    r"[*•xX.…]{2,}|\$\{\w+\}|\$[A-Z_]+|<[^<>]*>|\{[\w. ]*\}|%[sr]|%\(\w+\)s"
)
_DATE_OR_VERSION: Final = re.compile(r"v?\d{1,4}[-.]\d{1,2}\b")
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def joined(key: str) -> str:
    """A key without its joints: `x-api-key` -> `xapikey`."""
    return key.translate(_JOINTS)


def replace_keyed(text: str, replace: Callable[[str], str]) -> str:
    """Put something else in the place of the values of keys that say they are secret.

    Args:
        text: Any text.
        replace: Gets the kind, gives what is put in its place.
    """
    text = _replace(text, _KEY_VALUE, replace)
    return _replace(text, _OPTION, replace) if "--" in text else text


def _replace(text: str, pattern: re.Pattern[str], replace: Callable[[str], str]) -> str:
    lower = text.lower() if text.isascii() else text.translate(_CAPITALS)
    parts: list[str] = []
    done = 0
    match = pattern.search(lower)
    while match:
        found = _secret_value(text, match, _key(lower, match))
        if found is None:
            match = pattern.search(lower, match.end("word"))
            continue
        start, end, kind = found
        parts += [text[done:start], replace(kind)]
        done = end
        match = pattern.search(lower, end)
    return "".join([*parts, text[done:]]) if parts else text


def _key(lower: str, match: re.Match[str]) -> str:
    """The whole key; the match holds its end, such as `key` of `API key` and `x-api-key`."""
    start = match.start("word")
    before = _BEFORE.search(lower, max(start - 40, 0), start)
    return joined(f"{before[0] if before else ''}{match['word']}")


def _secret_value(text: str, match: re.Match[str], key: str) -> tuple[int, int, str] | None:
    """Start, end and kind of the key's secret; None where there is none."""
    start, opening, between = match.end(), match["open"], match["between"]
    if ends_with(_HEADER, key):
        if opening:
            end = _closing(text, start, opening)
        else:
            rest = (_COOKIES if "cookie" in key else _AUTHORIZATION).match(text, start)
            end = rest.end() if rest else start
        return _found(text, start, end, "header") if end > start else None
    certain = ends_with(SECRET_KEYS, key)
    if not certain and (not ends_with(_PERHAPS, key) or ends_with(_OTHER_KEYS, key)):
        return None
    if opening:
        end = _closing(text, start, opening)
    else:
        # What only may be a key is looked at in part, or chains of such keys would add up.
        run = _UNQUOTED.match(text, start, len(text) if certain else start + _LONGEST_KEY)
        if run is None or _PLACEHOLDER.fullmatch(run[0]):
            return None
        end = start + len(run[0].rstrip(",.)]}>:!?\\"))
    value = text[start:end]
    if key.endswith("pwd") and value.startswith("/"):
        return None  # the shell's working directory
    if not value.strip() or _PLACEHOLDER.fullmatch(value) or _NO_SECRET.fullmatch(value):
        return None
    if between.strip() in ("is", "was") and not opening and not is_keylike(value, 6):
        return None
    if not certain and not is_keylike(value, 16 if key.endswith("key") else 8):
        return None
    if not opening and not certain and end - start == _LONGEST_KEY:
        rest = _UNQUOTED.match(text, end)
        end = rest.end() if rest else end
    return _found(text, start, end, "secret")


def _found(text: str, start: int, end: int, kind: str) -> tuple[int, int, str] | None:
    return None if text.startswith("[redacted", start) else (start, end, kind)


def ends_with(pattern: re.Pattern[str], key: str) -> bool:
    """Whether the key ends with one of the pattern's words; keys are short, so this is cheap."""
    return any(pattern.fullmatch(key, start) for start in range(max(len(key) - 24, 0), len(key)))


def is_keylike(value: str, shortest: int) -> bool:
    """Whether a value may be a key: no word, no date, no version, not too short."""
    if len(value) < shortest or " " in value or _DATE_OR_VERSION.match(value):
        return False
    if _UUID.fullmatch(value):
        return shortest <= 8
    sample = value[:128]  # enough to tell, and keeps many long values from adding up
    digits = any(map(str.isdigit, sample))
    return (digits and any(map(str.isalpha, sample))) or is_random(sample)


def _closing(text: str, start: int, opening: str) -> int:
    """Where the value that was opened ends: before its closing quote, or with the line."""
    quote = opening[-1]
    escapes = opening.count("\\")
    end = start
    while (end := text.find(quote, end)) >= 0:
        slashes = 0
        while end - slashes > start and text[end - slashes - 1] == "\\":
            slashes += 1
        if slashes <= escapes or slashes % 2 == 0:
            return end - min(slashes, escapes)
        end += 1
    line = _TO_LINE_END.match(text, start)
    return line.end() if line else len(text)
