"""What secrets look like by themselves: the shapes that issuers give them, and randomness.

Shapes are facts published by the issuers and by the rule sets of secret scanners (gitleaks,
detect-secrets), loosened in length, because a message may quote a part of a key. Each shape names
literals of which one stands in every match: a text without them is not searched at all. Patterns
have no nested repeats, and those that can fail late are bounded: their time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_START = r"(?<![A-Za-z0-9])"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret.

    Attributes:
        kind: What is put in its place: `[redacted:kind]`.
        hints: Literals, one of which is in every match.
        pattern: Matches the secret.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(kind: str, hints: str, pattern: str) -> Shape:
    return Shape(kind, tuple(hints.split()), re.compile(_START + pattern, re.ASCII))


def _prefixed(kind: str, prefixes: str, body: str = r"[A-Za-z0-9_-]{20,}") -> Shape:
    """Keys that open with one of some literals."""
    words = prefixes.split()
    return _shape(kind, prefixes, f"(?:{'|'.join(map(re.escape, words))}){body}")


_PEM_BLOCK = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
    r"(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|\Z)"
)

SHAPES: Final[tuple[Shape, ...]] = (
    _shape("private-key", "-----BEGIN", _PEM_BLOCK),
    _shape("age", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    _shape("jwt", "eyJ", r"eyJ[\w-]{8,512}+\.[\w-]{2,}(?:\.[\w-]*){0,3}"),
    # models
    _shape("anthropic", "sk-ant-", r"sk-ant-[\w-]{8,}"),
    _shape("openai", "sk-", r"sk-(?=[A-Za-z_-]{0,64}[0-9])[\w-]{16,}"),
    _shape(
        "google", "AIza GOCSPX- ya29.", r"(?:AIza[\w-]{30,}|GOCSPX-[\w-]{16,}|ya29\.[\w.-]{16,})"
    ),
    _prefixed("huggingface", "hf_ api_org_", r"[A-Za-z0-9]{20,}"),
    _prefixed("groq", "gsk_", r"[A-Za-z0-9]{20,}"),
    _prefixed("xai", "xai-"),
    _prefixed("perplexity", "pplx-"),
    _prefixed("replicate", "r8_", r"[A-Za-z0-9]{20,}"),
    _prefixed("nvidia", "nvapi-"),
    _prefixed("cerebras", "csk-"),
    _prefixed("fireworks", "fw_", r"[A-Za-z0-9]{20,}"),
    _prefixed("elevenlabs", "sk_", r"[0-9a-f]{32,}"),
    # tools of agents
    _prefixed("langsmith", "lsv2_ ls__", r"[A-Za-z0-9_]{20,}"),
    _prefixed("tavily", "tvly-", r"[A-Za-z0-9-]{16,}"),
    _prefixed("pinecone", "pcsk_", r"[A-Za-z0-9_]{20,}"),
    _prefixed("firecrawl", "fc-", r"[0-9a-f]{32}"),
    _prefixed("e2b", "e2b_", r"[0-9a-f]{32,}"),
    # clouds
    _shape("aws", "AKIA ASIA ABIA ACCA A3T", r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{12,}"),
    _shape("azure", "Q~", r"[\w~.]{3}\dQ~[\w~.-]{20,}"),
    _shape("alibaba", "LTAI", r"LTAI[A-Za-z0-9]{12,}"),
    _prefixed("digitalocean", "doo_v1_ dop_v1_ dor_v1_", r"[0-9a-f]{32,}"),
    _prefixed("databricks", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _prefixed("heroku", "HRKU-"),
    _shape("terraform", ".atlasv1.", r"[A-Za-z0-9]{8,20}\.atlasv1\.[\w-]{20,}"),
    _prefixed("vault", "hvs. hvb. hvr.", r"[\w-]{20,}"),
    _prefixed("doppler", "dp.pt. dp.st. dp.ct. dp.sa.", r"[\w.-]{20,}"),
    _prefixed("pulumi", "pul-", r"[0-9a-f]{32,}"),
    _prefixed("supabase", "sbp_ sb_secret_", r"[A-Za-z0-9_-]{20,}"),
    _prefixed("planetscale", "pscale_pw_ pscale_tkn_ pscale_oauth_", r"[\w=.-]{20,}"),
    # code
    _prefixed("github", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"[A-Za-z0-9_]{16,}"),
    _prefixed(
        "gitlab",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- GR1348941",
        r"[\w.-]{16,}",
    ),
    _prefixed("atlassian", "ATATT3 ATCTT3 ATBB", r"[\w=-]{16,}"),
    _prefixed("npm", "npm_", r"[A-Za-z0-9]{20,}"),
    _prefixed("pypi", "pypi-AgE"),
    _prefixed("docker", "dckr_pat_ dckr_oat_"),
    _prefixed("rubygems", "rubygems_", r"[0-9a-f]{32,}"),
    _prefixed("linear", "lin_api_ lin_oauth_", r"[A-Za-z0-9]{20,}"),
    _prefixed("artifactory", "AKCp", r"[A-Za-z0-9]{40,}"),
    # services
    _prefixed("slack", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xapp-", r"[\w.-]{8,}"),
    _shape(
        "slack", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]+"
    ),
    _shape("discord", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{5,}/[\w-]+"),
    _shape("telegram", ":AA", r"(?:bot)?\d{6,12}:AA[\w-]{25,}"),
    _prefixed("stripe", "sk_live_ sk_test_ rk_live_ rk_test_ whsec_", r"[A-Za-z0-9+/=]{8,}"),
    _shape("sendgrid", "SG.", r"SG\.[\w-]{12,}\.[\w-]{12,}"),
    _shape("twilio", "SK AC", r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])"),
    _prefixed("mailgun", "key-", r"[0-9a-f]{32}"),
    _shape("mailchimp", "-us", r"[0-9a-f]{32}-us\d{1,2}"),
    _prefixed("shopify", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{20,}"),
    _prefixed("square", "sq0atp- sq0csp-", r"[\w-]{16,}"),
    _prefixed("notion", "secret_ ntn_", r"[A-Za-z0-9]{30,}"),
    _prefixed("figma", "figd_ figu_"),
    _prefixed("postman", "PMAK-", r"[0-9a-f-]{24,}"),
    _prefixed("grafana", "glc_ glsa_", r"[A-Za-z0-9+/=_]{20,}"),
    _prefixed("sentry", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_]{20,}"),
    _prefixed("newrelic", "NRAK- NRJS-", r"[A-Za-z0-9]{16,}"),
    _shape("airtable", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{32,}"),
)

_CANDIDATE: Final = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_PIECE: Final = re.compile(r"[A-Za-z0-9]{5,}")
_RUN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_HEX: Final = re.compile(r"(?:0x)?(?:[0-9a-f]+|[0-9A-F]+)")
_KNOWN_IDS: Final = re.compile(
    r"(?:req|msg|call|cmpl|chatcmpl|resp|run|thread|asst|toolu|srvtoolu|batch|msgbatch|file|step|gen|"
    r"fc|rs|ws|item|evt|event|trace|span|session|conv|sha(?:256|384|512))[-_]|_Z|"
    r"[0-7][0-9A-HJKMNP-TV-Z]{25}(?![A-Za-z0-9])"
)
"""Ids of calls and runs, digests, C++ symbols and ULIDs: random, useful, and no key to anything."""

_SHORTEST_SECRET: Final = 16
"""Random characters that make a secret; fewer are ids of pods, temporary files and the like."""


def replace_random(text: str, replace: Callable[[str], str]) -> str:
    """Put something else in the place of random strings.

    Hexadecimal stays: hashes, commits, UUIDs and trace ids look the same as keys that are written
    so, and error messages are full of them. A hexadecimal key is known by its name (`api_key=...`).

    Args:
        text: Any text.
        replace: Gets the kind, gives what is put in its place.
    """

    def judge(match: re.Match[str]) -> str:
        found = match[0]
        if _KNOWN_IDS.match(found):
            return found
        random = [piece for piece in _PIECE.finditer(found) if is_random(piece[0])]
        size = sum(len(piece[0]) for piece in random)
        if size < _SHORTEST_SECRET:
            return found
        if "/" not in found or size > 0.6 * len(found):
            return replace("token")
        parts: list[str] = []  # a path: its readable steps stay
        end = 0
        for piece in random:
            parts += [found[end : piece.start()], replace("token")]
            end = piece.end()
        return "".join([*parts, found[end:]])

    return _CANDIDATE.sub(judge, text)


def is_random(word: str) -> bool:
    """Whether letters and digits stand together as in no word, name, number or hexadecimal hash.

    Told by runs: digits, capitals, or small letters with the capital before them. Words and numbers
    make runs of more than 4 on average; keys of letters and digits 1.6 to 3.4, by their alphabet.
    Measured on random keys and on the source of some hundred packages.
    """
    if _HEX.fullmatch(word) or word.isdigit():
        return False
    runs = _RUN.findall(word)
    average = len(word) / len(runs)
    if average < 2.4:
        return True
    numbers = sum(run.isdigit() for run in runs)
    if numbers >= 3:
        letters = sum(map(str.isalpha, word))
        return average < 4.5 and 2 * letters > len(word) - letters
    if numbers == 0:
        return average < 3.6 and sum(map(word.lower().count, "aeiou")) < 0.28 * len(word)
    return average < 2.8
