"""What every scenario of CPython's side uses: the registry, the log, and a loop in virtual time.

A scenario is an `async def`, run by asyncio.Runner on a loop whose clock jumps to the next deadline
when nothing can run, or a plain `def`, called as it is. Its twin in <area>_scenarios.cpp has the
same id and must print the same lines. Its first docstring line goes into docs/conformance.md.
"""

import asyncio
import gc
import inspect
import selectors
import sys
import threading


PATIENCE = 0.05  # seconds that the kernel gets for what is on its way


class _JumpingSelector(selectors.DefaultSelector):
    """Lets time jump instead of waiting, unless another thread has been given work."""

    loop = None

    def select(self, timeout=None):
        # Asked before the look: a thread that ends in between has posted by then.
        others = self.loop.in_executor > 0 or (timeout is None and threading.active_count() > 1)
        events = super().select(0)
        if events or timeout is not None and timeout <= 0:
            return events
        if others:
            return super().select(timeout)
        if len(self.get_map()) > 1:  # sockets: the kernel may owe an answer
            events = super().select(PATIENCE)
            if events:
                return events
        if timeout is None:
            raise RuntimeError("deadlock: nothing can ever wake this event loop")
        self.loop.jump()
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and jumps to the next deadline."""

    def __init__(self):
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self._now = 0.0
        self._clock_resolution = 1e-9
        self.in_executor = 0

    def time(self):
        return self._now

    def jump(self):
        self._now = max(self._now, self._scheduled[0].when())

    def run_in_executor(self, executor, func, *args):
        future = super().run_in_executor(executor, func, *args)
        self.in_executor += 1

        def ended(_):
            self.in_executor -= 1

        future.add_done_callback(ended)
        return future

    async def shutdown_default_executor(self, timeout=None):
        # CPython joins in a thread and guards that with a timer, which would fire at once here.
        self._executor_shutdown_called = True
        if self._default_executor is not None:
            self._default_executor.shutdown(wait=True)


_scenarios = []


def scenario(name, since=(3, 11), loop_factory=VirtualLoop):
    """Registers a function under an id; `since`: the first Python that behaves like this.

    What waits for others than this process takes a `loop_factory` whose clock is the real one.
    """

    def register(function):
        _scenarios.append((name, since, loop_factory, function))
        return function

    return register


def text(value):
    if isinstance(value, bytes):
        return value.decode("latin-1").replace("\n", " ")  # one line, as C++ logs it
    return value if isinstance(value, str) else repr(value)


def log(*parts):
    """Prints one line: the parts with blanks between them, as str() for strings, else repr()."""
    print(*map(text, parts), flush=True)


def kind(exception):
    """The type of an exception alone, for where the texts differ."""
    if isinstance(exception, OSError) and not isinstance(exception, TimeoutError):
        return "OSError"
    return type(exception).__name__


def error(exception):
    """`ValueError: text`, or `None`; for a group also what is in it."""
    if exception is None:
        return "None"
    name = kind(exception)
    if name == "OSError":
        return f"OSError: {exception.errno}"
    if hasattr(exception, "exceptions"):
        inner = ", ".join(error(each) for each in exception.exceptions)
        return f"{name}: {exception.message} [{inner}]"
    described = str(exception).replace("asyncio.", "")
    return f"{name}: {described}" if described else name


async def ended(awaitable):
    """Awaits, and gives the value as text, or the error."""
    try:
        return text(await awaitable)
    except BaseException as exception:
        return error(exception)


def call(function, *args):
    """The same for a plain call."""
    try:
        return text(function(*args))
    except BaseException as exception:
        return error(exception)


def loop_future():
    """A future of the running loop."""
    return asyncio.get_running_loop().create_future()


async def value(result):
    return result


async def fail(message):
    raise ValueError(message)


def now():
    """The time of the running loop in seconds, without the noise of binary fractions."""
    return round(asyncio.get_running_loop().time(), 6)


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def log_reports(loop=None):
    """Logs what reaches the loop's exception handler, without the names of places."""

    def handler(_, context):
        message = context["message"].replace("asyncio.", "").replace("_GatheringFuture", "Future")
        if message.startswith("Exception in callback"):
            message = "Exception in callback"
        log("reported:", message + ",", error(context.get("exception")))

    (loop or asyncio.get_running_loop()).set_exception_handler(handler)


def collect():
    """Destroys what is unreachable, as C++ does by itself."""
    gc.collect()


def _run(function, loop_factory):
    try:
        if inspect.iscoroutinefunction(function):
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(function())
        else:
            function()
    except BaseException as exception:
        print("!", error(exception), flush=True)
    collect()


def run_scenarios():
    """Runs those whose ids stand in the command line, or all."""
    wanted = sys.argv[1:]
    for name, since, loop_factory, function in _scenarios:
        if wanted and name not in wanted:
            continue
        suffix = "" if since <= (3, 11) else " since {}.{}".format(*since)
        print(f"# {name}{suffix}", flush=True)
        if sys.version_info >= since:
            _run(function, loop_factory)
