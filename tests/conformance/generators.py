"""generators: asynchronous generators, and what becomes of those that are left."""

import asyncio

from scenario import (
    VirtualLoop,
    call,
    ended,
    kind,
    log,
    now,
    run_scenarios,
    scenario,
    turns,
)


async def count_to(limit, delay=1):
    for i in range(1, limit + 1):
        await asyncio.sleep(delay)
        yield i


async def following(generator):
    """The next value, or "end"."""
    return await anext(generator, "end")


@scenario("generators.values")
async def _():
    """The values come one at a time, and then the end, again and again."""
    generator = count_to(2)
    for _ in range(4):
        log(await following(generator), now())


@scenario("generators.loop")
async def _():
    """A loop over a generator waits for each value."""
    async for value in count_to(3):
        log(value, now())


@scenario("generators.lazy")
async def _():
    """Nothing runs before the first value is awaited."""

    async def noisy():
        log("runs")
        yield 1

    generator = noisy()
    await turns(2)
    log("asks")
    log(await following(generator))
    await generator.aclose()


@scenario("generators.does_not_yield_to_the_loop")
async def _():
    """A generator that does not wait gives its values without a turn of the loop."""

    async def ready():
        yield "a"
        yield "b"

    asyncio.get_running_loop().call_soon(log, "a turn")
    async for value in ready():
        log(value)
    await asyncio.sleep(0)


@scenario("generators.two_at_once")
async def _():
    """Two generators in two tasks take turns."""

    async def consume(name, delay):
        async for value in count_to(3, delay):
            log(name, value, now())

    await asyncio.gather(consume("slow", 2), consume("fast", 1.5))


@scenario("generators.exception")
async def _():
    """An error of the body comes out of the next value, and ends the generator."""

    async def failing():
        yield 1
        raise ValueError("boom")

    generator = failing()
    log(await following(generator))
    log(await ended(following(generator)))
    log(await following(generator))


@scenario("generators.cancel")
async def _():
    """A cancellation reaches what the body waits for, and ends the generator."""

    async def waiting():
        try:
            yield 1
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("cancelled in the body")
            raise

    generator = waiting()
    log(await following(generator))
    task = asyncio.create_task(following(generator))
    await asyncio.sleep(1)
    task.cancel()
    log(await ended(task))
    log(await following(generator))


@scenario("generators.catches_the_cancellation")
async def _():
    """A body that catches the cancellation goes on."""

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("caught")
        yield "after all"

    generator = stubborn()
    task = asyncio.create_task(following(generator))
    await asyncio.sleep(1)
    task.cancel()
    log(await ended(task))
    log(await following(generator))


@scenario("generators.aclose")
async def _():
    """aclose() ends a generator where it stands; it may wait to clean up."""

    async def careful():
        try:
            yield 1
            log("not reached")
        except GeneratorExit:
            await asyncio.sleep(1)
            log("cleaned up at", now())
            raise

    generator = careful()
    log(await following(generator))
    await generator.aclose()
    log(await following(generator))
    await generator.aclose()


@scenario("generators.aclose_of_a_fresh_one")
async def _():
    """aclose() of one that has not begun: it never runs."""

    async def noisy():
        log("not reached")
        yield 1

    generator = noisy()
    await generator.aclose()
    log(await following(generator))


@scenario("generators.aclose_ignored")
async def _():
    """A body that yields in answer to aclose() is an error."""

    async def stubborn():
        try:
            yield 1
        except GeneratorExit:
            pass
        yield 2

    generator = stubborn()
    await following(generator)
    log(await ended(generator.aclose()))


@scenario("generators.asked_while_it_runs")
async def _():
    """A generator that runs refuses another one who asks."""
    generator = count_to(2)
    task = asyncio.create_task(following(generator))
    await turns(1)
    try:
        await following(generator)
    except RuntimeError as exception:
        log(kind(exception))
    log(await task)
    await generator.aclose()


@scenario("generators.break_off")
async def _():
    """Who leaves the loop early may go on with the rest."""
    generator = count_to(3)
    async for value in generator:
        log(value)
        break
    async for value in generator:
        log("rest", value)


@scenario("generators.closes_gens_after_hanging_tasks")
def _():
    """run() closes the generators that are left, after the tasks that are left."""
    left = []

    async def ticker():
        try:
            while True:
                yield "tick"
                await asyncio.sleep(1)
        except GeneratorExit:
            await asyncio.sleep(1)
            log("generator closed at", now())
            raise

    async def leftover():
        try:
            await asyncio.sleep(3600)
        finally:
            log("task ended at", now())

    async def main():
        asyncio.create_task(leftover())
        left.append(ticker())
        log(await following(left[0]))
        await turns(1)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    log("closed")


@scenario("generators.error_while_closing")
def _():
    """The error of a generator that run() closes is reported."""
    left = []

    async def bad():
        try:
            yield 1
        except GeneratorExit:
            raise ValueError("while closing") from None

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: log("reported", kind(context["exception"])))
        left.append(bad())
        await following(left[0])

    def run():
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(main())

    log(call(run))


if __name__ == "__main__":
    run_scenarios()
