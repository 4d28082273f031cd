"""Celery's way to Redis, which loses one message where one cannot be read, and not the worker."""

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

from expansive_cm.sure import sure

logger = logging.getLogger(__name__)

UNREADABLE = "expansive_cm:unreadable"
"""The list in Redis in which the last messages lie that could not be read, the newest first."""
KEPT = 100
SHOWN = 200


class Channel(redis.Channel):
    """A channel on which anything may arrive: whoever reaches Redis can put it there."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except ValueError as error:
            # What is no JSON, or no text at all: the error has it.
            found = getattr(error, "doc", None) or getattr(error, "object", None)
            self.keep(str(error) if found is None else found)
            raise Empty from None

    def keep(self, message: Any) -> None:
        """Put a message aside, where somebody can look at it, and say so in the log."""
        logger.error("A message in Redis could not be read: %.*r", SHOWN, message)
        with self.conn_or_acquire() as client:
            client.lpush(UNREADABLE, message if isinstance(message, str | bytes) else repr(message))
            client.ltrim(UNREADABLE, 0, KEPT - 1)


def is_message(found: Any) -> bool:
    """Whether this has the parts of a message that kombu relies on."""
    properties = found.get("properties") if isinstance(found, dict) else None
    place = properties.get("delivery_info") if isinstance(properties, dict) else None
    if not (isinstance(found, dict) and isinstance(properties, dict) and isinstance(place, dict)):
        return False
    return (
        "body" in found
        and "delivery_tag" in properties
        and {"exchange", "routing_key"} <= place.keys()
    )


class Transport(redis.Transport):
    """The transport whose channels these are."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_message(message):
            super()._deliver(message, queue)
        else:
            sure(self.channels)[0].keep(message)


def use() -> None:
    """Let every ``redis://`` address be reached this way."""
    TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"
