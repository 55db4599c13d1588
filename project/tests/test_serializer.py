"""What lies in Redis: tasks that are keys in JSON, and nothing that could run code when it is read."""

import logging
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import caches
from huey import MemoryHuey
from huey.contrib.djhuey import HUEY

from accounts.models import User
from accounts.tests.factories import make_user
from project.serializer import CacheSerializer, TaskSerializer


class Bomb:
    """Code that runs when a pickle of this is read."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def queue():
    return MemoryHuey("test", results=False, serializer=TaskSerializer())


class TestTheQueue:
    def test_of_the_product_takes_keys_only(self):
        assert type(HUEY.serializer) is TaskSerializer

    def test_gives_back_what_it_was_given(self, queue):
        @queue.task(retries=3, retry_delay=60, priority=10, expires=50)
        def count(number, *, step=1):
            pass

        given = count.s(7, step=2)
        given.resolve_expires()

        found = queue.deserialize_task(queue.serialize_task(given))

        assert vars(found) == vars(given)

    def test_runs_a_task_and_tries_it_again(self, queue):
        calls = []

        @queue.task(retries=1, retry_delay=5)
        def fail(number):
            calls.append(number)
            raise ValueError(number)

        fail(7)
        queue.execute(queue.dequeue())
        later = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=6)
        for task in queue.read_schedule(later):
            queue.execute(task, later)

        assert calls == [7, 7]

    @pytest.mark.parametrize("value", ["ivan@client.example", 1.5, True, None, [1], {"id": 1}])
    def test_refuses_whatever_is_no_key(self, queue, value):
        @queue.task()
        def write(value):
            pass

        with pytest.raises(TypeError, match="primary keys only"):
            write(value)
        with pytest.raises(TypeError, match="primary keys only"):
            write(value=value)

    @pytest.mark.django_db
    def test_refuses_a_row(self, queue):
        @queue.task()
        def write(user):
            pass

        with pytest.raises(TypeError, match="primary keys only"):
            write(make_user())

        assert (queue.pending_count(), User.objects.count()) == (0, 1)

    def test_refuses_a_chain(self, queue):
        @queue.task()
        def count(number):
            pass

        with pytest.raises(TypeError, match="not chained"):
            queue.enqueue(count.s(1).then(count, 2))

    def test_runs_no_code_that_somebody_put_there(self, queue, tmp_path):
        queue.storage.enqueue(pickle.dumps(Bomb(tmp_path / "ran")))

        with pytest.raises(ValueError, match=r"codec|Expecting"):
            queue.dequeue()

        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("data", [b"", b"x", b"{}", b'{"name": "os.system", "args": [1]}', b"[1, 2]", b"7"])
    def test_outlives_what_is_no_task(self, queue, data, caplog):
        """A worker that meets it writes a line and takes the next one."""

        @queue.task()
        def count(number):
            calls.append(number)

        calls = []
        queue.storage.enqueue(data)
        count(7)

        worker = queue.create_consumer(workers=1).worker_threads[0][0]
        worker.delay = worker.max_delay = 0
        with caplog.at_level(logging.ERROR):
            worker.loop()
            worker.loop()

        assert (calls, len(caplog.records)) == ([7], 1)


class TestTheCache:
    @pytest.mark.parametrize("value", [None, 7, "Иван", [1, "x"], {"a": {"b": 1.5}}])
    def test_gives_back_what_it_was_given(self, value):
        serializer = CacheSerializer()

        assert serializer.loads(serializer.dumps(value)) == value

    def test_runs_no_code_that_somebody_put_there(self, tmp_path):
        with pytest.raises(ValueError, match=r"codec|Expecting"):
            CacheSerializer().loads(pickle.dumps(Bomb(tmp_path / "ran")))

        assert not (tmp_path / "ran").exists()

    def test_takes_no_object(self):
        with pytest.raises(TypeError):
            CacheSerializer().dumps(datetime(2026, 11, 23))

    def test_of_the_product_keeps_json_on_redis(self, settings):
        if not settings.REDIS_URL:
            assert settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")
            return
        cache = caches["default"]

        cache.set("test-count", 1, 60)
        cache.incr("test-count")
        cache.set("test-words", {"name": "Anna"}, 60)

        raw = cache._cache.get_client().get(cache.make_key("test-words"))
        assert (cache.get("test-count"), cache.get("test-words"), raw) == (2, {"name": "Anna"}, b'{"name": "Anna"}')
