"""Rubbish in Redis costs one message. About 1 s."""

from contextlib import suppress
from typing import Any

import pytest
import redis
from kombu import Queue

from expansive_cm import broker
from expansive_cm.celery import app

RUBBISH = [
    b"not json",
    b"\xff\xfe\x00",
    b"",
    b"[]",
    b"7",
    b"null",
    b'{"body": "e30="}',
    b'{"properties": [], "body": "e30="}',
    b'{"properties": {}, "body": "e30="}',
    b'{"properties": {"delivery_tag": "1"}, "body": "e30="}',
    b'{"properties": {"delivery_tag": "1", "delivery_info": 7}, "body": "e30="}',
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_what_comes_behind_rubbish_is_taken(rubbish: bytes, caplog: Any) -> None:
    client = redis.Redis.from_url(app.conf.broker_url)
    client.delete("rubbish", broker.UNREADABLE)
    taken: list[Any] = []

    def take(body: Any, message: Any) -> None:
        taken.append(body)
        message.ack()

    with app.connection_for_read() as connection:
        queue = Queue("rubbish", channel=connection.default_channel)
        client.lpush("rubbish", rubbish)
        with connection.Producer() as producer:
            producer.publish({"good": 1}, routing_key="rubbish", serializer="json")
        with connection.Consumer([queue], callbacks=[take], accept=["json"]):
            for _turn in range(20):
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.2)
                if taken:
                    break
    assert taken == [{"good": 1}]
    assert client.llen(broker.UNREADABLE) == 1
    assert "could not be read" in caplog.text
    client.delete("rubbish", broker.UNREADABLE)


def test_the_worker_uses_it() -> None:
    with app.connection_for_read() as connection:
        assert isinstance(connection.transport, broker.Transport)
