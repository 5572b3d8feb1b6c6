"""Requests with text that is no UTF-8.

Protobuf says that a `string` is UTF-8, and Python's refuses a whole request for one byte that is
not. The collector takes such text as it is, and so does this: the request is read by twins of the
messages in which every `string` is `bytes`, and shown with the bytes that are no text as lone
surrogates (PEP 383), which `native.encode_text` writes as the bytes they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message

ESCAPE: Final = "surrogateescape"


def parse_leniently(kind: type[Message], body: bytes) -> Any:
    """A request, to be read like a message of its kind.

    Args:
        kind: Its message.
        body: The request in protobuf.

    Raises:
        DecodeError: It is not a message of this kind, whatever its text.
    """
    twin = message_factory.GetMessageClass(
        _pool(kind.DESCRIPTOR.file).FindMessageTypeByName(kind.DESCRIPTOR.full_name)
    )()
    twin.ParseFromString(body)
    return _View(twin, kind.DESCRIPTOR)


class _View:
    """A twin that reads like the message it is a twin of."""

    __slots__ = ("_fields", "_twin")

    def __init__(self, twin: Message, descriptor: Any) -> None:
        self._twin = twin
        self._fields = descriptor.fields_by_name

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._twin, name)
        field: FieldDescriptor | None = self._fields.get(name)
        if field is None:
            return value
        if field.type == FieldDescriptor.TYPE_STRING:
            return _decode(value)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if isinstance(value, Message):
                return _View(value, field.message_type)
            return [_View(item, field.message_type) for item in value]
        return value


def _decode(value: bytes | Iterable[bytes]) -> str | list[str]:
    if isinstance(value, bytes):
        return value.decode(errors=ESCAPE)
    return [item.decode(errors=ESCAPE) for item in value]


@cache
def _pool(file: FileDescriptor) -> descriptor_pool.DescriptorPool:
    """The file and those that it needs, with bytes for strings."""
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(one: FileDescriptor) -> None:
        if one.name in added:
            return
        added.add(one.name)
        for needed in one.dependencies:
            add(needed)
        proto = FileDescriptorProto()
        one.CopyToProto(proto)
        for message in proto.message_type:
            _without_strings(message)
        pool.Add(proto)

    add(file)
    return pool


def _without_strings(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        _without_strings(nested)
