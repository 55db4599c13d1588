"""The workers: huey's own command, which here also lets a delivery under way know that it is to end."""

from typing import Any

from huey.consumer import Consumer
from huey.contrib.djhuey import HUEY
from huey.contrib.djhuey.management.commands.run_huey import Command as HueyCommand

from mailings import operations


class Command(HueyCommand):  # type: ignore[misc]  # huey has no types
    def handle(self, *args: Any, **options: Any) -> None:
        create = HUEY.create_consumer

        def create_consumer(**values: Any) -> Consumer:
            consumer = create(**values)
            operations.end_with(consumer.stop_flag)
            return consumer

        HUEY.create_consumer = create_consumer
        super().handle(*args, **options)
