"""The user's own prices."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exectrail.conventions.names import CostSource
from exectrail.pricing import Price, PriceFileError, PriceTable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs" / "pricing.md"


def _table(folder: Path, text: str) -> PriceTable:
    file = folder / "prices.toml"
    file.write_text(text, encoding="utf-8")
    return PriceTable(file)


def _price(table: PriceTable, provider: str | None, model: str, at: datetime = NOW) -> Price:
    return table.price(
        provider,
        model,
        input_tokens=1_000_000,
        output_tokens=1_000_000,
        cache_read_tokens=100_000,
        at=at,
    )


def test_own_price_goes_before_the_public_one_and_names_its_version(tmp_path: Path) -> None:
    table = _table(
        tmp_path,
        """
        version = "contract-2026"
        currency = "EUR"

        [[price]]
        model = "gpt-4o"
        input = "1"
        output = "2"
        cache_read = "0.5"
        """,
    )
    assert _price(table, "openai", "gpt-4o") == Price(
        Decimal("2.95"), "EUR", CostSource.PRICED, "contract-2026"
    )
    public = _price(table, "openai", "gpt-4o-mini")
    assert (public.currency, public.version.split("/")[0]) == ("USD", "genai-prices")


def test_most_specific_price_wins(tmp_path: Path) -> None:
    entries = [
        ("*", "", "1"),
        ("acme-*", "", "2"),
        ("acme-large-*", "", "3"),
        ("acme-*", 'provider = "acme"', "4"),
        ("acme-large-1", "", "5"),
        ("acme-large-1", 'provider = "acme"', "6"),
    ]
    table = _table(
        tmp_path,
        "\n".join(
            f'[[price]]\nmodel = "{model}"\n{provider}\ninput = "0"\noutput = "{output}"'
            for model, provider, output in entries
        ),
    )

    def output(provider: str | None, model: str) -> Decimal | None:
        return _price(table, provider, model).amount

    assert output(None, "other") == 1
    assert output("other", "acme-small") == 2
    assert output("other", "acme-large-9") == 3
    assert output("acme", "acme-large-9") == 4
    assert output("other", "ACME-Large-1") == 5
    assert output("Acme", "acme-large-1") == 6


def test_prices_hold_from_their_date_and_the_public_one_before(tmp_path: Path) -> None:
    table = _table(
        tmp_path,
        """
        [[price]]
        model = "gpt-4o"
        from = 2026-01-01
        input = "0"
        output = "1"

        [[price]]
        model = "gpt-4o"
        from = "2026-07-01T00:00:00+02:00"
        input = "0"
        output = "2"
        """,
    )
    amounts = [
        _price(table, "openai", "gpt-4o", datetime.fromisoformat(at)).amount
        for at in (
            "2025-12-31T23:59:59+00:00",
            "2026-01-01T00:00:00+00:00",
            "2026-06-30T21:59:59+00:00",
            "2026-06-30T22:00:00+00:00",
        )
    ]
    assert amounts == [Decimal("12.375"), 1, 1, 2]


@pytest.mark.parametrize(
    ("listed", "provider", "model", "matches"),
    [
        ("gemini-2.5-pro", "gcp.gemini", "models/gemini-2.5-pro", True),
        ("models/gemini-2.5-pro", "gcp.gemini", "models/gemini-2.5-pro", True),
        ("gpt-4o", None, "openai/gpt-4o", True),
        ("openai/gpt-4o", None, "openai/gpt-4o", True),
        ("openai/*", None, "openai/gpt-4o", True),
        ("gpt-4?", "x", "gpt-4o", True),
        ("gpt-4[op]", "x", "gpt-4o", True),
        ("gpt-4", "x", "gpt-4o", False),
        ("gpt.4o", "x", "gpt-4o", False),
    ],
)
def test_names_and_patterns_match_the_spellings_of_a_model(
    tmp_path: Path, listed: str, provider: str | None, model: str, matches: bool
) -> None:
    table = _table(
        tmp_path,
        f'version = "own"\n[[price]]\nmodel = "{listed}"\ninput = "7"\noutput = "7"',
    )
    assert (_price(table, provider, model).version == "own") is matches


@pytest.mark.parametrize(
    ("listed", "told", "matches"),
    [
        ("google", "gcp.vertex_ai", True),
        ("google", "gcp.gemini", True),
        ("gcp.vertex_ai", "gcp.vertex_ai", True),
        ("gcp.vertex_ai", "gcp.gemini", False),
        ("azure", "azure.ai.openai", True),
        ("openai", "azure.ai.openai", False),
        ("openai", None, False),
        ("vllm", "vLLM", True),
    ],
)
def test_provider_is_matched_by_its_own_word_or_that_of_genai_prices(
    tmp_path: Path, listed: str, told: str | None, matches: bool
) -> None:
    table = _table(
        tmp_path,
        'version = "own"\n[[price]]\nmodel = "*"\ninput = "7"\noutput = "7"\n'
        f'provider = "{listed}"',
    )
    assert (_price(table, told, "m").version == "own") is matches


def test_price_of_nothing_is_known_and_zero(tmp_path: Path) -> None:
    table = _table(tmp_path, '[[price]]\nmodel = "llama*"\ninput = "0"\noutput = "0"')
    price = _price(table, "ollama", "llama3:8b")
    assert (price.amount, price.source, price.text) == (0, CostSource.PRICED, "0")


def test_version_without_a_label_changes_with_the_file(tmp_path: Path) -> None:
    text = '[[price]]\nmodel = "m"\ninput = "1"\noutput = "{}"'
    versions = {
        _price(_table(tmp_path, text.format(price)), None, "m").version for price in ("1", "2", "1")
    }
    assert len(versions) == 2
    assert all(version.startswith("user-prices/") for version in versions)


def test_own_prices_hold_where_genai_prices_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "genai_prices.data", None)
    table = _table(tmp_path, '[[price]]\nmodel = "m"\nfrom = 2026-01-01\ninput = "1"\noutput = "1"')
    assert _price(table, None, "m").amount == 2
    assert _price(table, "openai", "gpt-4o").source is CostSource.UNKNOWN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[price]\n", "is not TOML"),
        ('prices = "x"', "`prices` is not known here. Known are currency, price, version."),
        ('price = "x"', "`price` is not a list. Write each price under `[[price]]`."),
        ("price = [1]", "price 1: is not a table"),
        ('[[price]]\nmodel = "m"\ninput = "1"', 'price 1 (model "m"): `output` is missing'),
        ('[[price]]\ninput = "1"\noutput = "1"', "price 1: `model` is missing"),
        ('[[price]]\nmodel = ""\ninput = "1"\noutput = "1"', "`model` is empty"),
        ('[[price]]\nmodel = "m"\ninput = 2.5\noutput = "1"', 'in quotes, such as "2.50"'),
        ('[[price]]\nmodel = "m"\ninput = "-1"\noutput = "1"', "`input` is '-1'"),
        ('[[price]]\nmodel = "m"\ninput = "1"\noutput = "NaN"', "`output` is 'NaN'"),
        ('[[price]]\nmodel = "m"\ninput = "1e99"\noutput = "1"', "`input` is '1e99'"),
        ('[[price]]\nmodel = "m"\ninput = "$1"\noutput = "1"', "`input` is '$1'"),
        ('[[price]]\nmodel = "m"\ninput = true\noutput = "1"', "`input` is True"),
        ('[[price]]\nmodel = 5\ninput = "1"\noutput = "1"', "`model` is 5, which is no text"),
        ('[[price]]\nmodel = "m"\ninptu = "1"\noutput = "1"', "`inptu` is not known here"),
        (
            '[[price]]\nmodel = "m"\ninput = "1"\noutput = "1"\nfrom = "soon"',
            "`from` is 'soon', which is no date. Write it as 2026-01-31.",
        ),
        ('currency = "dollars"', '`currency` is "dollars"'),
        (
            '[[price]]\nmodel = "m"\ninput = "1"\noutput = "1"\n' * 2,
            'price 2 (model "m"): is for the same model, provider and date as price 1',
        ),
    ],
)
def test_bad_file_says_which_entry_what_is_wrong_and_what_to_do(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(PriceFileError) as raised:
        _table(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "prices.toml"))
    assert says in str(raised.value)
    assert raised.value.advice.endswith(".")


def test_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"cannot be read \(No such file"):
        PriceTable(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceFileError, match="is not TOML"):
        PriceTable(tmp_path / "binary.toml")


def test_example_of_the_documentation_is_a_price_file(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8").split("```toml")[1].split("```")[0]
    table = _table(tmp_path, text)
    assert _price(table, "openai", "gpt-4o-2024-08-06").version == "contract-2026"
    assert _price(table, "ollama", "llama3.2:3b").amount == 0
    later = datetime(2026, 7, 1, tzinfo=UTC)
    assert _price(table, "acme", "acme-large-2", later).version == "acme-offer-17"
    assert _price(table, "acme", "acme-large-2", later).currency == "EUR"
