"""What Huey and the cache keep in Redis: JSON, never pickle, which runs whatever code somebody puts there."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer

MOMENTS = ("eta", "expires_resolved")
# One task wakes another by calling it; none of ours waits for, or is told of, another's end.
CHAINS = ("on_complete", "on_error", "chord_config")


class TaskSerializer(Serializer):  # type: ignore[misc]  # huey ships no types
    """Writes tasks whose arguments are primary keys, and nothing else: what a key stands for is read when it runs."""

    def _serialize(self, data: Any) -> bytes:
        """:raises TypeError: an argument is no primary key, or it is nothing that JSON can say."""
        if isinstance(data, Message):
            refuse_more_than_keys(data)
            data = data._asdict() | {name: written(getattr(data, name)) for name in MOMENTS}
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        """:raises ValueError: it is not JSON."""
        value = json.loads(data)
        if not isinstance(value, dict):
            return value
        moments = {name: value[name] and datetime.fromisoformat(value[name]) for name in MOMENTS}
        return Message(**value | moments | {"args": tuple(value["args"])})


def refuse_more_than_keys(message: Message) -> None:
    """:raises TypeError: see above."""
    if any(type(value) is not int for value in (*message.args, *message.kwargs.values())):
        raise TypeError(f"{message.name}: a task takes primary keys only")
    if any(getattr(message, name) for name in CHAINS):
        raise TypeError(f"{message.name}: tasks are not chained here")


def written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


class CacheSerializer:
    """In place of the pickle of Django's Redis cache."""

    def dumps(self, value: Any) -> bytes:
        """:raises TypeError: JSON cannot say it."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
