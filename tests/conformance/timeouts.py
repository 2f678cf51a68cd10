"""timeout: a scope with a deadline."""

import asyncio

from scenario import call, ended, error, log, now, run_scenarios, scenario, text, turns
from telling import cancelling, clock, failing, sleeper, state, states, stubborn


def deadline(after):
    return asyncio.get_running_loop().time() + after


def in_ms(when):
    return "no deadline" if when is None else f"deadline {round(when * 1000)} ms"


def expired(*scopes):
    return "expired " + " ".join(text(scope.expired()) for scope in scopes)


async def within(delay, awaitable):
    async with asyncio.timeout(delay):
        return await awaitable


async def sleep_and_log_cancel(name, seconds):
    try:
        await asyncio.sleep(seconds)
        log(f"{name} slept")
    except asyncio.CancelledError:
        log(f"{name} cancelled")
        raise


@scenario("timeouts.basic")
async def _():
    """When the deadline passes, the body is cancelled, and TimeoutError comes out."""
    try:
        async with asyncio.timeout(0.5) as scope:
            log(in_ms(scope.when()))
            await sleeper("work", 10)
            log("not reached")
    except TimeoutError as exc:
        log(error(exc))
    log(f"{expired(scope)} {now()} {cancelling()}")


@scenario("timeouts.value_and_error_pass")
async def _():
    """In time, the body's value and its errors pass, and nothing fires later."""
    log(await within(1, sleeper("work", 0.5)))
    log(await ended(within(1, failing("bad", 0.25, ValueError("x")))))
    log(await ended(within(1, failing("bad at once", 0, LookupError("y")))))
    await asyncio.sleep(5)
    log(f"{now()} {cancelling()}")


@scenario("timeouts.at_basic")
async def _():
    """timeout_at() takes a point in time."""
    when = deadline(0.5)
    try:
        async with asyncio.timeout_at(when) as scope:
            await sleeper("work", 10)
    except TimeoutError:
        log(f"TimeoutError {expired(scope)} {scope.when() == when} {now()}")


@scenario("timeouts.at_in_the_past")
async def _():
    """A point in the past ends the body at its first wait."""
    await asyncio.sleep(2)
    try:
        async with asyncio.timeout_at(1) as scope:
            await sleeper("work", 10)
    except TimeoutError:
        log(f"TimeoutError {expired(scope)} {in_ms(scope.when())} {now()}")


@scenario("timeouts.nested_equal_deadlines")
async def _():
    """Of two scopes with one deadline only the outer one raises TimeoutError."""
    when = deadline(0.5)
    try:
        async with asyncio.timeout_at(when) as outer:
            try:
                async with asyncio.timeout_at(when) as inner:
                    await sleeper("work", 10)
            except asyncio.CancelledError:
                log(f"CancelledError between the scopes, {cancelling()}")
                raise
    except TimeoutError:
        log(f"TimeoutError outside, {expired(outer, inner)} {cancelling()}")


@scenario("timeouts.nested_inner_first")
async def _():
    """An inner scope that expires leaves the outer one as it was."""
    async with asyncio.timeout(2) as outer:
        try:
            async with asyncio.timeout(1) as inner:
                await sleeper("work", 10)
        except TimeoutError:
            log(f"TimeoutError inside at {now()} {cancelling()}")
        log(expired(outer, inner))
        await asyncio.sleep(0.5)
    log(f"{expired(outer, inner)} {now()}")


@scenario("timeouts.nested_outer_first")
async def _():
    """An outer scope that expires goes through the inner one as CancelledError."""
    try:
        async with asyncio.timeout(1) as outer:
            try:
                async with asyncio.timeout(2) as inner:
                    await sleeper("work", 10)
            except asyncio.CancelledError:
                log(f"CancelledError between, {expired(outer, inner)}")
                raise
    except TimeoutError:
        log(f"TimeoutError outside, {expired(outer, inner)} {now()} {cancelling()}")


@scenario("timeouts.nested_inner_error_caught_then_outer")
async def _():
    """After an inner timeout the outer scope still ends the body."""
    try:
        async with asyncio.timeout(2) as outer:
            log(await ended(within(1, sleeper("first", 10))))
            await sleeper("second", 10)
    except TimeoutError:
        log(f"TimeoutError {expired(outer)} {now()}")


@scenario("timeouts.three_levels")
async def _():
    """Three scopes with one deadline take their cancellations back one by one."""
    when = deadline(1)
    scopes = [asyncio.timeout_at(when), asyncio.timeout_at(when), asyncio.timeout_at(when)]
    try:
        async with scopes[0]:
            try:
                async with scopes[1]:
                    try:
                        async with scopes[2]:
                            await sleeper("work", 10)
                    finally:
                        log(f"left the third, {cancelling()} {expired(*scopes)}")
            finally:
                log(f"left the second, {cancelling()}")
    except TimeoutError:
        log(f"TimeoutError, {cancelling()}")


@scenario("timeouts.waiter_sees_cancelled_error")
async def _():
    """Inside of the scope a timeout is CancelledError."""
    log(await ended(within(0.5, sleep_and_log_cancel("work", 10))))


@scenario("timeouts.not_called")
async def _():
    """A scope that was left in time never fires."""
    async with asyncio.timeout(10) as scope:
        await asyncio.sleep(0.5)
    log(f"{expired(scope)} {in_ms(scope.when())} {now()}")
    await asyncio.sleep(20)
    log(f"{expired(scope)} {cancelling()}")


@scenario("timeouts.disabled")
async def _():
    """A scope without a deadline."""
    async with asyncio.timeout(None) as scope:
        await asyncio.sleep(1000)
    log(f"{expired(scope)} {in_ms(scope.when())}")


@scenario("timeouts.at_disabled")
async def _():
    """The same by timeout_at()."""
    async with asyncio.timeout_at(None) as scope:
        await asyncio.sleep(1000)
    log(f"{expired(scope)} {in_ms(scope.when())}")


@scenario("timeouts.zero")
async def _():
    """A deadline of now ends the body at its first wait."""
    try:
        async with asyncio.timeout(0) as scope:
            await sleeper("work", 10)
    except TimeoutError:
        log(f"TimeoutError {expired(scope)} {in_ms(scope.when())} {now()}")


@scenario("timeouts.zero_sleep_zero")
async def _():
    """One turn is enough for a deadline of now or in the past."""
    for delay in (0, -11):
        try:
            async with asyncio.timeout(delay) as scope:
                await asyncio.sleep(0)
                log("not reached")
        except TimeoutError:
            log(f"TimeoutError {expired(scope)} {in_ms(scope.when())}")


@scenario("timeouts.zero_without_a_wait")
async def _():
    """A body that never waits does not time out."""

    async def plain():
        return "value"

    async with asyncio.timeout(0) as scope:
        log(await plain())
    log(expired(scope))
    await turns(2)
    log(f"{expired(scope)} {cancelling()}")


@scenario("timeouts.turns")
async def _():
    """How many turns lie between the deadline and TimeoutError."""
    ticking = asyncio.create_task(clock(4))
    log(await ended(within(0, asyncio.sleep(10))))
    await ticking
    asyncio.get_running_loop().call_later(1, lambda: asyncio.create_task(clock(4)))
    log(await ended(within(1, asyncio.sleep(10))))
    await turns(5)


@scenario("timeouts.body_catches_the_cancel")
async def _():
    """A body that swallows the cancellation ends without an error, and the scope is expired."""
    async with asyncio.timeout(0.5) as scope:
        log(await ended(asyncio.sleep(10)))
        log(f"{expired(scope)} {cancelling()}")
        await asyncio.sleep(1)
        log(now())
    log(f"{expired(scope)} {cancelling()}")


@scenario("timeouts.foreign_exception_passes")
async def _():
    """Another exception passes."""
    try:
        async with asyncio.timeout(0.5) as scope:
            raise LookupError("not a timeout")
    except LookupError as exc:
        log(error(exc))
    log(f"{expired(scope)} {now()}")


@scenario("timeouts.error_while_being_cancelled")
async def _():
    """An error in the clean-up takes the place of TimeoutError."""

    async def crash():
        try:
            await asyncio.sleep(10)
        finally:
            raise ValueError("in cleanup")

    try:
        async with asyncio.timeout(0.5) as scope:
            await crash()
    except ValueError as exc:
        log(f"{error(exc)} {expired(scope)} {cancelling()}")


@scenario("timeouts.error_then_wait_in_cleanup")
async def _():
    """A deadline that passes while the body cleans up after an error is TimeoutError."""
    try:
        async with asyncio.timeout(0.5) as scope:
            try:
                raise ValueError("first")
            finally:
                log(f"cleanup at {now()}")
                await asyncio.sleep(10)
    except TimeoutError:
        log(f"TimeoutError {expired(scope)} {now()}")


@scenario("timeouts.error_wait_error_in_cleanup")
async def _():
    """The last of several errors comes out."""
    try:
        async with asyncio.timeout(0.5) as scope:
            try:
                try:
                    raise ValueError("first")
                finally:
                    await asyncio.sleep(10)
            finally:
                raise LookupError("last")
    except LookupError as exc:
        log(f"{error(exc)} {expired(scope)} {cancelling()}")


@scenario("timeouts.own_cancel_before_the_deadline")
async def _():
    """A body that cancels its task before the deadline ends with CancelledError."""
    try:
        async with asyncio.timeout(10) as scope:
            asyncio.current_task().cancel()
            await asyncio.sleep(10)
    except asyncio.CancelledError:
        log(f"CancelledError {expired(scope)} {now()} {cancelling()}")


@scenario("timeouts.outside_cancel_before_the_deadline")
async def _():
    """The same from outside."""
    task = asyncio.create_task(within(10, sleeper("work", 20)))
    asyncio.get_running_loop().call_later(1, task.cancel)
    log(await ended(task))
    log(f"{state(task)} {now()} {task.cancelling()}")


@scenario("timeouts.outside_cancel_at_the_deadline")
async def _():
    """A cancellation right after the deadline wins."""
    loop = asyncio.get_running_loop()
    before = asyncio.create_task(sleep_and_log_cancel("filler", 0))
    task = asyncio.create_task(within(1, sleeper("work", 20)))
    await turns(1)
    loop.call_later(1, task.cancel)
    log(await ended(task))
    log(f"{states(before, task)} {task.cancelling()}")


@scenario("timeouts.outside_cancel_just_before_the_deadline")
async def _():
    """A cancellation right before the deadline wins."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(within(1, sleeper("work", 20)))
    loop.call_later(1, task.cancel)
    log(await ended(task))
    log(f"{state(task)} {task.cancelling()}")


@scenario("timeouts.outside_cancel_during_cleanup")
async def _():
    """A cancellation while the body cleans up after the deadline wins."""
    task = asyncio.create_task(within(1, stubborn("work", 20, 2)))
    await asyncio.sleep(2)
    task.cancel()
    log(await ended(task))
    log(f"{state(task)} {now()} {task.cancelling()}")


@scenario("timeouts.task_is_not_cancelled")
async def _():
    """A task whose timeout was caught is not cancelled."""
    task = asyncio.create_task(ended(within(0.5, asyncio.sleep(10))))
    log(await task)
    log(f"{state(task)} {task.cancelling()}")


@scenario("timeouts.task_ends_with_timeout_error")
async def _():
    """A task whose timeout was not caught fails and is not cancelled."""
    task = asyncio.create_task(within(0.5, asyncio.sleep(10)))
    log(await ended(task))
    log(f"{state(task)} {task.cancelled()} {task.cancelling()}")


@scenario("timeouts.caught_then_works_on")
async def _():
    """A task may run into timeouts again and again."""
    for attempt in range(3):
        log(await ended(within(0.5, sleeper(f"attempt {attempt}", 10))))
    log(await within(1, sleeper("last", 0.25)))
    log(f"{now()} {cancelling()}")


@scenario("timeouts.loop_is_busy_past_both_deadlines")
async def _():
    """Two deadlines that are noticed in one turn: the outer scope raises TimeoutError."""
    loop = asyncio.get_running_loop()
    loop.call_later(3, lambda: log(f"busy until {now()}"))
    try:
        async with asyncio.timeout(1) as outer:
            outer.reschedule(loop.time() + 3)
            try:
                async with asyncio.timeout(3) as inner:
                    await sleeper("work", 10)
            except TimeoutError:
                log("TimeoutError inside")
    except TimeoutError:
        log(f"TimeoutError outside, {expired(outer, inner)} {now()}")


@scenario("timeouts.reschedule")
async def _():
    """A deadline is moved, and taken away, from outside."""
    started = asyncio.get_running_loop().create_future()

    async def body():
        async with asyncio.timeout_at(10) as scope:
            started.set_result(scope)
            await sleeper("work", 50)

    task = asyncio.create_task(body())
    scope = await started
    log(in_ms(scope.when()))
    scope.reschedule(30)
    log(in_ms(scope.when()))
    scope.reschedule(None)
    log(in_ms(scope.when()))
    await asyncio.sleep(40)
    task.cancel()
    log(await ended(task))
    log(f"{expired(scope)} {now()}")


@scenario("timeouts.reschedule_later_and_sooner")
async def _():
    """A deadline is moved both ways."""
    for first, second in ((1, 3), (3, 1)):
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(first) as scope:
                await asyncio.sleep(0.5)
                scope.reschedule(start + second)
                await sleeper("work", 10)
        except TimeoutError:
            log(f"TimeoutError {expired(scope)} {now()}")


@scenario("timeouts.reschedule_to_the_past")
async def _():
    """A deadline moved to the past fires at the next wait."""
    await asyncio.sleep(1)
    try:
        async with asyncio.timeout(10) as scope:
            scope.reschedule(0.5)
            log(f"{in_ms(scope.when())} {expired(scope)}")
            await sleeper("work", 10)
    except TimeoutError:
        log(f"TimeoutError {now()}")


@scenario("timeouts.reschedule_out_of_the_due_turn")
async def _():
    """A deadline that is due can be moved until the loop turns."""
    async with asyncio.timeout(0) as scope:
        scope.reschedule(None)
        await turns(3)
        log(expired(scope))
        scope.reschedule(deadline(1))
        await asyncio.sleep(0.5)
    log(f"{expired(scope)} {now()}")


@scenario("timeouts.repr")
async def _():
    """The repr tells the state, and the deadline of an active scope."""
    async with asyncio.timeout(10.5) as scope:
        log(repr(scope))
    log(repr(scope))
    async with asyncio.timeout(None) as scope:
        log(repr(scope))
    try:
        async with asyncio.timeout(0.5) as scope:
            log(await ended(asyncio.sleep(10)))
            log(repr(scope))
            raise asyncio.CancelledError
    except TimeoutError:
        log(repr(scope))
    log(repr(asyncio.timeout_at(None)))


@scenario("timeouts.nested_in_cleanup")
async def _():
    """A scope within the clean-up of another one that expired."""

    async def body():
        try:
            await asyncio.sleep(10)
        finally:
            log(f"cleanup at {now()}")
            log(await ended(within(0.5, sleeper("cleanup", 10))))
            log(cancelling())

    log(await ended(within(0.5, body())))
    log(f"{now()} {cancelling()}")


@scenario("timeouts.after_a_cancellation")
async def _():
    """A scope in a task that swallowed a cancellation still raises TimeoutError."""
    asyncio.current_task().cancel()
    log(await ended(asyncio.sleep(1)))
    log(cancelling())
    log(await ended(within(0, sleeper("cleanup", 1))))
    log(f"{cancelling()} {now()}")
    log(await ended(within(0.5, sleeper("cleanup", 1))))
    log(f"{cancelling()} {now()}")


@scenario("timeouts.cancel_in_the_scope_after_a_cancellation")
async def _():
    """A second cancellation in such a scope is CancelledError."""
    asyncio.current_task().cancel()
    log(await ended(asyncio.sleep(1)))
    try:
        async with asyncio.timeout(1) as scope:
            asyncio.current_task().cancel()
            await asyncio.sleep(2)
    except asyncio.CancelledError:
        log(f"CancelledError {expired(scope)} {cancelling()}")


@scenario("timeouts.already_entered")
async def _():
    """A scope is not entered within itself."""
    async with asyncio.timeout(0.5) as scope:
        log(await ended(scope.__aenter__()))
        log(expired(scope))


@scenario("timeouts.double_enter")
async def _():
    """A scope is not entered again."""
    async with asyncio.timeout(0.5) as scope:
        pass
    log(await ended(scope.__aenter__()))


@scenario("timeouts.finished_cannot_be_rescheduled")
async def _():
    """A scope that was left cannot be moved."""
    async with asyncio.timeout(0.5) as scope:
        pass
    log(call(scope.reschedule, 0.25))


@scenario("timeouts.expired_cannot_be_rescheduled")
async def _():
    """A scope that expired cannot be moved."""
    try:
        async with asyncio.timeout(0.5) as scope:
            await asyncio.sleep(1)
    except TimeoutError:
        log(call(scope.reschedule, 2))


@scenario("timeouts.expiring_cannot_be_rescheduled")
async def _():
    """A scope whose deadline has passed cannot be moved."""
    async with asyncio.timeout(0.5) as scope:
        log(await ended(asyncio.sleep(1)))
        log(call(scope.reschedule, 2))


@scenario("timeouts.not_entered")
async def _():
    """A scope that was not entered cannot be moved."""
    scope = asyncio.timeout_at(0.5)
    log(call(scope.reschedule, 0.25))
    log(f"{expired(scope)} {in_ms(scope.when())}")


@scenario("timeouts.without_a_task")
async def _():
    """A scope needs a task."""
    scope = asyncio.timeout_at(0.5)

    def enter():
        try:
            scope.__aenter__().send(None)
        except StopIteration:
            pass

    asyncio.get_running_loop().call_soon(lambda: log(call(enter)))
    await turns(1)
    log(call(scope.reschedule, 0.25))


@scenario("timeouts.around_a_task_group")
async def _():
    """Around a task group whose child fails in its clean-up: the group's errors come out."""

    async def child():
        try:
            await asyncio.sleep(2)
        finally:
            raise ValueError("child in cleanup")

    async def body(group):
        group.create_task(child())
        try:
            raise LookupError("body")
        finally:
            await asyncio.sleep(1)

    try:
        async with asyncio.timeout(0.5) as scope:
            async with asyncio.TaskGroup() as group:
                await body(group)
    except ExceptionGroup as exc:
        log(f"{error(exc)} {expired(scope)} {now()} {cancelling()}")


@scenario("timeouts.around_a_quiet_task_group")
async def _():
    """Around a task group: its tasks are cancelled and waited for, then TimeoutError."""
    try:
        async with asyncio.timeout(0.5) as scope:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(10))
                group.create_task(stubborn("slow child", 10, 1))
    except TimeoutError:
        log(f"TimeoutError {expired(scope)} {now()} {cancelling()}")


@scenario("timeouts.within_a_task_group", since=(3, 13))
async def _():
    """In a task of a group: TimeoutError is an error of the group."""

    async def child():
        async with asyncio.timeout(0.5):
            await asyncio.sleep(10)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(sleeper("sibling", 10))
    except ExceptionGroup as exc:
        log(f"{error(exc)} {now()} {cancelling()}")


@scenario("timeouts.awaits_a_shared_task")
async def _():
    """A timeout cancels the task that is awaited, unless a shield is between."""
    shared = asyncio.create_task(sleeper("shared", 1))
    log(await ended(within(0.5, asyncio.shield(shared))))
    log(await ended(within(1, asyncio.shield(shared))))
    other = asyncio.create_task(sleeper("other", 1))
    log(await ended(within(0.5, other)))
    log(states(shared, other))


@scenario("timeouts.ends_between_deadline_and_resume")
async def _():
    """A result that is there when the deadline passes is lost if the task has not resumed."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(1, future.set_result, "set")
    log(await ended(within(1, future)))
    log(f"{state(future)} {cancelling()}")


if __name__ == "__main__":
    run_scenarios()
