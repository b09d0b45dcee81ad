from runtime.errors import *
from tests.runtime.kit import *

A = ("t", "counter", "1")


async def test_smoke(autojump_clock, nursery):
    store = FaultyStore(0.01)
    s = node(store)
    await nursery.start(s.run)
    assert await s.ask(A, Add(3), deadline=5) == 3
    assert (await s.ask(A, Get(), deadline=5)).total == 3
    try:
        await s.ask(A, Boom(), deadline=5)
        assert 0
    except ActorCrashed as e:
        assert e.attempts == 1
    assert (await s.ask(A, Get(), deadline=5)).total == 3
    B = ("t", "counter", "2")
    await s.ask(A, Add(1, letters=((B, Note(7, "x")),)), deadline=5)
    await trio.sleep(1)
    assert (await s.ask(B, Get(), deadline=5)).total == 7
    print(s.inspect.tree(), s.inspect.actor(A), s.inspect.stats())
    await s.drain(5)
