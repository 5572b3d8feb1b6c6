"""OTLP values as text: the table is what Go's pdata writes, by hand."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from exectrail.receiver.values import to_pairs, to_text

NUMBERS = [
    (0.0, "0"),
    (-0.0, "-0"),
    (1.0, "1"),
    (-2.5, "-2.5"),
    (0.1, "0.1"),
    (1e-6, "0.000001"),
    (1.5e-5, "0.000015"),
    (9.9e-7, "9.9e-7"),
    (1e-10, "1e-10"),
    (5e-324, "5e-324"),
    (1e16, "10000000000000000"),
    (123456789012345683968.0, "123456789012345680000"),
    (1e21, "1e+21"),
    (-1.5e300, "-1.5e+300"),
    (math.nan, "NaN"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
]


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_doubles_read_as_go_writes_them(number: float, text: str):
    assert to_text(AnyValue(double_value=number)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_read_back_as_the_same_number(number: float):
    text = to_text(AnyValue(double_value=number))

    assert math.copysign(1, float(text)) == math.copysign(1, number)
    assert float(text) == number


def listed(*values: AnyValue) -> AnyValue:
    made = AnyValue()
    made.array_value.SetInParent()
    made.array_value.values.extend(values)
    return made


def mapped(**values: AnyValue) -> AnyValue:
    made = AnyValue()
    made.kvlist_value.SetInParent()
    made.kvlist_value.values.extend(KeyValue(key=k, value=v) for k, v in values.items())
    return made


VALUES = [
    (AnyValue(), ""),
    (AnyValue(string_value=""), ""),
    (AnyValue(string_value="<&>\u2028"), "<&>\u2028"),
    (AnyValue(int_value=0), "0"),
    (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
    (AnyValue(bool_value=True), "true"),
    (AnyValue(bool_value=False), "false"),
    (AnyValue(bytes_value=b""), ""),
    (AnyValue(bytes_value=b"\x00\xff"), "AP8="),
    (listed(), "[]"),
    (mapped(), "{}"),
    (
        listed(AnyValue(string_value='<a>"\\\n\x01é\u2028'), AnyValue(), AnyValue(bool_value=True)),
        '["<a>\\"\\\\\\n\\u0001é\\u2028",null,true]',
    ),
    (listed(AnyValue(double_value=1.0), AnyValue(double_value=1e21)), "[1,1e+21]"),
    (
        mapped(
            b=listed(AnyValue(int_value=1)), a=mapped(x=AnyValue(bytes_value=b"\xff")), B=AnyValue()
        ),
        '{"B":null,"a":{"x":"/w=="},"b":[1]}',
    ),
    # Go's encoder gives up on the whole value.
    (listed(AnyValue(int_value=1), AnyValue(double_value=math.nan)), ""),
]


@pytest.mark.parametrize(("value", "text"), VALUES, ids=[text for _, text in VALUES])
def test_values_read_as_go_writes_them(value: AnyValue, text: str):
    assert to_text(value) == text


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)
)


def wrap(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, list):
        return listed(*map(wrap, value))
    if isinstance(value, dict):
        made = mapped()
        made.kvlist_value.values.extend(KeyValue(key=k, value=wrap(v)) for k, v in value.items())
        return made
    return AnyValue()


@given(st.lists(trees) | st.dictionaries(st.text(), trees))
def test_lists_and_maps_are_json_of_the_same(tree: object):
    assert json.loads(to_text(wrap(tree))) == tree


def test_pairs_are_sorted_and_equal_keys_stay_in_their_order():
    attributes = [
        KeyValue(key=key, value=AnyValue(string_value=text))
        for key, text in (("b", "1"), ("é", "2"), ("a", "3"), ("b", "4"), ("", "5"))
    ]

    assert to_pairs(attributes) == [("", "5"), ("a", "3"), ("b", "1"), ("b", "4"), ("é", "2")]


def test_a_value_of_a_kind_that_only_profiles_have_is_nothing():
    """Found by fuzzing: such a value called for itself without end."""
    strange = AnyValue(string_value_strindex=7)

    assert to_text(strange) == ""
    assert to_text(AnyValue(array_value=ArrayValue(values=[strange]))) == "[null]"
