"""``violations="warn"``: a value that violates its contract passes, and each place is reported once."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float, Float32

import sekisho as sk
from sekisho.context import modes, note_violation
from sekisho.context import violations as counted


@pytest.fixture(autouse=True)
def _no_place_known(monkeypatch):
    monkeypatch.setattr(counted, "_places", {})


@contextmanager
def letting_pass(name="convert", **levels):
    """Enter a block in which violations pass; return the list that collects the warnings."""
    with warnings.catch_warnings(record=True) as caught, sk.mode(name, violations="warn", **levels):
        warnings.simplefilter("always")
        yield caught


def texts(caught):
    return [str(each.message) for each in caught]


def counts():
    return [(row.function, row.place, row.error, row.count) for row in counted.violations()]


def declared(kind, **options):
    """Return a decorator, and the array class for its annotations."""
    torch = pytest.importorskip("torch") if kind in {"torch", "boundary"} else None
    if kind == "jax":
        jax = pytest.importorskip("jax")
        return sk.jax_world(**options), jax.Array, jax.numpy
    decorate = {
        "numpy": sk.numpy_world,
        "torch": sk.torch_world,
        "same": sk.same_world,
        "boundary": sk.boundary,
    }[kind]
    array = {"numpy": np.ndarray, "same": sk.Array}.get(kind) or torch.Tensor
    return decorate(**options), array, torch or np


KINDS = ["numpy", "torch", "jax", "same", "boundary"]


def make(kind, flavour, **options):  # noqa: C901 - one function for each flavour
    """Return a function of each flavour that returns its argument, how to call it, and its arrays."""
    decorate, array, xp = declared(kind, **options)
    hint = Float32[array, "n 3"]
    if flavour == "function":

        @decorate
        def f(x: hint) -> hint:
            return x

        return f, xp
    if flavour == "method":

        @decorate
        class Holder:
            def f(self, x: hint) -> hint:
                return x

        return Holder().f, xp
    if flavour == "classmethod":

        class Holder2:
            @classmethod
            @decorate
            def f(cls, x: hint) -> hint:
                return x

        return Holder2.f, xp
    if flavour == "staticmethod":

        class Holder3:
            @staticmethod
            @decorate
            def f(x: hint) -> hint:
                return x

        return Holder3.f, xp
    if flavour == "coroutine":

        @decorate
        async def f_async(x: hint) -> hint:
            return x

        return lambda x: asyncio.run(f_async(x)), xp
    if flavour == "generator":

        @decorate
        def f_items(x: hint) -> Iterator[hint]:
            yield x

        return lambda x: next(f_items(x)), xp

    @decorate
    async def f_async_items(x: hint) -> AsyncIterator[hint]:
        yield x

    async def first(x):
        async for each in f_async_items(x):
            return each
        return None

    return lambda x: asyncio.run(first(x)), xp


FLAVOURS = ["function", "method", "classmethod", "staticmethod", "coroutine", "generator", "async"]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_argument_and_a_refused_result_pass_as_they_are(kind, flavour):
    f, xp = make(kind, flavour)
    wrong = xp.zeros((2, 4), dtype=xp.float32)
    with pytest.raises(sk.ShapeError) as raised:
        f(wrong)
    with letting_pass() as caught:
        assert f(wrong) is wrong
        right = xp.zeros((2, 3), dtype=xp.float32)
        assert f(right) is right
    # The result is rejected for a reason of its own: 4 is not 3.
    assert [each.category for each in caught] == [sk.ViolationWarning] * 2
    assert texts(caught)[0] == str(raised.value)
    assert caught[0].message.violation == raised.value.violation
    assert caught[0].filename == __file__
    with pytest.raises(sk.ShapeError):
        f(wrong)


@pytest.mark.parametrize("value", ["text", 3, None, [1.0], object()])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_array_passes_too(kind, value):
    f, _ = make(kind, "function")
    with letting_pass() as caught:
        assert f(value) is value
    assert {each.category for each in caught} == {sk.ViolationWarning}


@pytest.mark.parametrize("options", [{}, {"on_foreign": "refuse"}, {"on_foreign": "convert"}])
@pytest.mark.parametrize("mode", ["convert", "warn", "strict"])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_a_refused_value_passes_in_every_mode_and_the_others_are_handled_as_usual(
    kind, mode, options
):
    torch = pytest.importorskip("torch")
    decorate, array, xp = declared(kind, **options)
    other = torch if xp is np else np
    seen = []

    @decorate
    def f(x: Float32[array, "n"], y: Float32[array, "n"], z: Float32[array, "m"]) -> None:
        seen.extend([x, y, z])

    x, y = (other.ones(n, dtype=other.float32) for n in (2, 5))
    z = xp.ones(4, dtype=xp.float32)
    converts = options.get("on_foreign") == "convert" or (not options and mode != "strict")
    with letting_pass(mode) as caught:
        f(x, y, z)
    refused = [each for each in caught if each.category is sk.ViolationWarning]
    assert isinstance(seen[0], array) == converts
    assert seen[1] is y
    assert seen[2] is z
    assert len(refused) == (1 if converts else 2)


def test_what_strict_mode_refuses_in_a_body_stays_an_error(torch):
    @sk.torch_world
    def f(x: torch.Tensor) -> torch.Tensor:
        x.numpy()
        return x

    with letting_pass("strict"), pytest.raises(sk.WorldError, match="PyTorch only"):
        f(torch.ones(2))


def test_a_crossing_that_a_level_refuses_passes_at_the_boundary(torch):
    @sk.torch_world
    def f(x: torch.Tensor) -> None:
        assert type(x) is np.ndarray

    with letting_pass(to_torch="refuse") as caught:
        f(np.ones(2))
    assert "to_torch='refuse' lets nothing cross here" in texts(caught)[0]


# --- one fault, one report ------------------------------------------------------------------------


def test_one_fault_is_reported_once_whatever_else_names_the_axis(world):
    array = world.array_type

    @world.decorate
    def f(
        x: Float32[array, "n d"],
        y: Float32[array, "n k"],
        z: Float32[array, "k"],
        *rest: Float32[array, "n"],
        w: Float32[array, "n+1 2*k"],
    ) -> Float32[array, "n"]:
        sk.check(y, Float32[array, "n k"])
        return y[:, 0]

    five = world.zeros(5)
    with letting_pass() as caught:
        f(world.zeros(2, 3), world.zeros(5, 4), world.zeros(4), five, w=world.zeros(6, 8))
    assert len(caught) == 1
    assert [row[1:] for row in counts()] == [("argument 'y'", "ShapeError", 1)]


HINTS = {
    "axis": ("n", "n"),
    "expression": ("n", "n+1"),
    "two": ("n m", "m n"),
    "variadic": ("*b n", "*b n"),
    "broadcast": ("n", "#n"),
    "growing": ("*#b", "*#b"),
    "in the middle": ("n *b m", "m *b n"),
    "min": ("n m", "min(n,m)"),
}


@pytest.mark.parametrize("name", HINTS)
def test_an_axis_that_only_a_refused_value_would_bind_fits_any_size(world, name):
    first, second = HINTS[name]
    array = world.array_type

    @world.decorate
    def f(x: Float32[array, first], y: Float32[array, second]) -> Float32[array, second]:
        return y

    rank = second.replace("*b", "").replace("*#b", "").split()
    for shape in [(3,) * len(rank), (5,) * len(rank)]:
        with letting_pass() as caught:
            f("no array", world.zeros(*shape))
        assert len(caught) <= 1
    assert [row[1:] for row in counts()] == [("argument 'x'", "WorldError", 2)]


def test_a_type_variable_of_a_refused_value_fits_any_dtype():
    from typing import TypeVar

    from numpy.typing import NDArray

    S = TypeVar("S", np.float32, np.float64)

    @sk.numpy_world
    def f(x: NDArray[S], y: NDArray[S], z: NDArray[S]) -> NDArray[S]:
        return z

    single, double = np.ones(2, np.float32), np.ones(2)
    with letting_pass() as caught:
        f(single, double, single)
        f("no array", double, double)
    with letting_pass() as more:
        f(single, double, double)
    assert [text.splitlines()[0] for text in texts(caught)] == [
        "f() argument 'y': expected NDArray[S], got float64[2] (NumPy).",
        "f() argument 'x': expected NDArray[S], got a str.",
    ]
    assert len(more) == 1


def test_a_dtype_that_is_refused_puts_no_axis_in_doubt(world):
    array = world.array_type

    @world.decorate
    def f(x: Float32[array, "n"], y: Float32[array, "n"]) -> Float32[array, "n"]:
        return world.zeros(7)

    with letting_pass() as caught:
        f(world.zeros(2), world.zeros(2, dtype="int64"))
    assert [each.message.violation.place for each in caught] == ["argument 'y'", "the result"]


def test_every_fault_of_a_call_is_reported(world):
    array = world.array_type

    @world.decorate
    def f(x: Float32[array, "n"], y: int, *, z: Float32[array, "2"]) -> str:
        return 3

    with letting_pass() as caught:
        assert f("a", "b", z="c") == 3
    assert [each.message.violation.place for each in caught] == [
        *("argument 'x'", "argument 'y'", "argument 'z'", "the result")
    ]


# --- what passes, by kind -------------------------------------------------------------------------


def test_of_variadic_arguments_those_that_are_valid_are_converted(torch):
    @sk.torch_world
    def f(*args: Float32[torch.Tensor, "n"], **kwargs: Float32[torch.Tensor, "n"]):
        return args, kwargs

    good, bad = np.ones(2, np.float32), np.ones((2, 2), np.float32)
    with letting_pass() as caught:
        args, kwargs = f(good, bad, good, a=bad, b=good)
        ((only,), _) = f([good, good])
    assert [type(each) for each in args] == [torch.Tensor, np.ndarray, torch.Tensor]
    assert args[1] is bad
    assert kwargs["a"] is bad
    assert type(kwargs["b"]) is torch.Tensor
    assert type(only) is list
    assert [each.message.violation.place for each in caught] == [
        *(
            "argument 'args' at args[1]",
            "argument 'kwargs' at kwargs['a']",
            "argument 'args' at args[0]",
        )
    ]


@pytest.mark.parametrize("container", [list, tuple, dict, "record"])
def test_a_container_with_a_refused_item_passes_as_it_is(torch, container):
    tensor = Float32[torch.Tensor, "n"]

    @dataclass
    class Pair:
        a: tensor
        b: tensor

    good, bad = np.ones(2, np.float32), np.ones(3, np.float32)
    hint = {list: list[tensor], tuple: tuple[tensor, tensor], dict: dict[str, tensor]}
    value = {list: [good, bad], tuple: (good, bad), dict: {"a": good, "b": bad}}.get(
        container, Pair(good, bad)
    )

    @sk.torch_world
    def f(x: hint.get(container, Pair), y: tensor) -> None:
        assert x is value
        assert type(y) is torch.Tensor

    with letting_pass() as caught, sk.record_crossings() as log:
        f(value, np.ones(9, np.float32))
    assert len(caught) == 1
    assert [row.place for row in log.violations] == ["argument 'x'"]


def test_an_item_that_is_refused_when_it_is_taken_passes(torch):
    good, bad = np.ones(2, np.float32), np.ones((2, 2), np.float32)

    @sk.torch_world
    def f(xs: Iterable[Float32[torch.Tensor, "n"]]) -> list[type]:
        return [type(each) for each in xs]

    with letting_pass() as caught:
        assert f(each for each in (good, bad, good, bad)) == [torch.Tensor, np.ndarray] * 2
    assert len(caught) == 1
    assert counts()[0][1:] == ("argument 'xs'", "ShapeError", 2)


def test_what_a_generator_yields_is_sent_and_returns_passes(world):
    array = world.array_type
    hint = Float32[array, "n"]

    from collections.abc import Generator

    @world.decorate
    def f() -> Generator[hint, hint, hint]:
        sent = yield "item 0"
        yield sent
        return "end"

    with letting_pass() as caught:
        running = f()
        assert next(running) == "item 0"
        assert running.send("sent") == "sent"
        with pytest.raises(StopIteration) as stop:
            next(running)
    assert stop.value.value == "end"
    places = [each.message.violation.place for each in caught]
    assert places == ["the yielded item 0", "the sent value", "the result"] or len(places) >= 3
    assert sum(row.count for row in counted.violations()) == 4


def test_the_fields_of_a_guarded_dataclass_pass(world):
    array = world.array_type

    @world.decorate
    @dataclass
    class Rows:
        values: Float32[array, "n d"]
        labels: Float32[array, "n"]

    five = world.zeros(5)
    with letting_pass() as caught:
        assert Rows(world.zeros(2, 3), five).labels is five
    assert len(caught) == 1


def test_a_nested_call_has_a_report_of_its_own(world):
    array = world.array_type

    @world.decorate
    def inner(x: Float32[array, "3"]) -> None: ...

    @world.decorate
    def outer(x: Float32[array, "2"]) -> None:
        inner(x)

    with letting_pass() as caught:
        outer(world.zeros(4))
    assert [text.partition("()")[0] for text in texts(caught)] == ["outer", "inner"]
    assert caught[0].lineno != caught[1].lineno


def test_a_tensor_on_another_device_passes(torch, second_device):
    @sk.torch_world(device=second_device, on_foreign="refuse")
    def f(x: torch.Tensor) -> None:
        assert x.device.type == "cpu"

    with letting_pass() as caught:
        f(torch.ones(2))
    assert counts()[0][2] in {"DeviceError", "WorldError"}
    assert len(caught) == 1


def test_a_module_without_parameters_passes(torch):
    class Net(torch.nn.Module):
        @sk.torch_world(device="module")
        def forward(self, x: Float32[torch.Tensor, "n"]) -> None: ...

    with letting_pass() as caught:
        Net()(torch.ones(2))
    assert texts(caught)[0].startswith("Net.forward() argument 'self': expected a module with")
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_result_that_cannot_go_back_is_returned_as_it_is(torch):
    @sk.torch_world(returns="caller")
    def f(x: Float32[torch.Tensor, "n"]) -> torch.Tensor:
        return (x * 2).requires_grad_()

    with pytest.raises(sk.ConversionError):
        f(np.ones(2, np.float32))
    with letting_pass() as caught:
        assert type(f(np.ones(2, np.float32))) is torch.Tensor
    assert len(caught) == 1


def test_a_value_that_nests_too_deep_passes(world):
    @world.decorate
    def f(x: list[Float32[world.array_type, "n"] | str]) -> int:
        return len(x)

    deep = []
    for _ in range(100_000):
        deep = [deep]
    with letting_pass():
        assert f(deep) == 1
    while deep:  # freed level by level: Python would not return from so many levels at once
        deep = deep[0]


def test_what_the_user_checks_passes_too(world):
    array = world.array_type
    wrong = world.zeros(3)

    @world.decorate
    def f(x: Float32[array, "n"]) -> None:
        assert sk.check(wrong, Float32[array, "n"]) is wrong

    with pytest.raises(sk.ShapeError) as raised:
        f(world.zeros(2))
    with letting_pass() as caught:
        f(world.zeros(2))
        assert sk.check("text", int) == "text"
    assert texts(caught)[0] == str(raised.value)
    assert [(row[0].rpartition(".")[2], row[1]) for row in counts()] == [
        ("f", "check"),
        ("check", "check"),
    ]


# --- reports --------------------------------------------------------------------------------------


@sk.numpy_world
def narrow(x: Float[np.ndarray, "3"]) -> None: ...


WRONG = np.ones(4)
TEXT = """\
narrow() argument 'x': expected Float[ndarray, "3"], got float64[4] (NumPy).
  axis 0 of 'x' is 4, not 3"""


def test_a_place_is_reported_once_and_counted(caplog):
    with letting_pass() as caught:
        for size in (*range(4, 100), 3, "3"):
            narrow(np.ones(size) if isinstance(size, int) else size)
        line = sys._getframe().f_lineno - 1
        narrow(WRONG)
    assert texts(caught) == [TEXT, TEXT]
    assert [each.lineno for each in caught] == [line, line + 2]
    assert [row[3] for row in counts()] == [97, 1]
    assert [(each.levelname, each.pathname, each.lineno) for each in caplog.records] == [
        *[("WARNING", __file__, line)] * 2,
        ("WARNING", __file__, line + 2),
    ]
    first = TEXT.partition("\n")[0]
    assert [each.getMessage() for each in caplog.records] == [TEXT, f"{first} (10 times)", TEXT]
    assert caplog.records[1].name == "sekisho"
    assert caplog.records[1].violation == {
        "file": __file__,
        "line": line,
        "function": "narrow",
        "place": "argument 'x'",
        "error": "ShapeError",
        "text": TEXT,
        "process": "",
        "count": 10,
    }


def test_the_words_are_made_once_a_place(monkeypatch):
    made = []
    module = sys.modules["sekisho.validation.validate"]
    real = module.word

    def spy(*args):
        made.append(args)
        return real(*args)

    monkeypatch.setattr(module, "word", spy)
    with letting_pass():
        for _ in range(50):
            narrow(WRONG)
    assert len(made) == 1


def test_python_raises_a_warning_where_warnings_are_errors_at_each_call():
    with warnings.catch_warnings(), sk.mode("convert", violations="warn"):
        warnings.simplefilter("error")
        for _ in range(3):
            with pytest.raises(sk.ViolationWarning) as raised:
                narrow(WRONG)
    assert str(raised.value) == TEXT
    assert counts()[0][3] == 3


def test_a_warning_pickles_with_what_was_violated():
    with letting_pass() as caught:
        narrow(WRONG)
    warning = caught[0].message
    again = pickle.loads(pickle.dumps(warning))
    assert (type(again), str(again)) == (sk.ViolationWarning, TEXT)
    assert again.violation == warning.violation
    assert again.violation.place == "argument 'x'"


def test_the_number_of_places_is_bounded(monkeypatch):
    monkeypatch.setattr(counted, "MOST_PLACES", 3)
    with letting_pass() as caught:
        for number in range(10):
            for _ in range(2):
                exec(compile("narrow(WRONG)", f"<place {number}>", "exec"), globals())
    assert len(caught) == 4
    rows = counted.violations()
    assert [row.count for row in rows] == [2, 2, 2, 14]
    assert (rows[-1].filename, rows[-1].line) == ("(other places)", 0)


def test_counts_of_several_threads_add_up():
    barrier = threading.Barrier(4)

    def work():
        barrier.wait()
        for _ in range(250):
            narrow(WRONG)

    with letting_pass() as caught:
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(work,)) for _ in range(4)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(caught) == 1
    assert counts()[0][3] == 1000


def test_another_thread_has_the_processs_answer_as_it_has_its_mode():
    raised = []

    def work():
        try:
            narrow(WRONG)
        except sk.ShapeError as error:
            raised.append(error)

    with letting_pass():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(raised) == 1


def test_code_without_a_module_is_warned_too():
    with letting_pass() as caught:
        exec("narrow(WRONG)", {"narrow": narrow, "WRONG": WRONG})
    assert texts(caught) == [TEXT]


@pytest.mark.parametrize(
    ("name", "module"), [("mine", "mine"), (None, "<unknown>"), ("", "<unknown>")]
)
def test_python_filters_a_warning_by_the_module_of_the_line_and_remembers_it_there(name, module):
    names = {"narrow": narrow, "WRONG": WRONG, "__name__": name}
    with warnings.catch_warnings(record=True) as caught, sk.mode("convert", violations="warn"):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module=module)
        exec("narrow(WRONG)", names)
    assert texts(caught) == [TEXT]
    assert [key[1] for key in names["__warningregistry__"] if key != "version"] == [
        sk.ViolationWarning
    ]


def test_the_logger_says_each_power_of_ten(caplog):
    with letting_pass():
        for _ in range(1005):
            narrow(WRONG)
    first = TEXT.partition("\n")[0]
    assert [each.getMessage() for each in caplog.records] == [
        *(TEXT, f"{first} (10 times)", f"{first} (100 times)", f"{first} (1,000 times)"),
    ]
    assert {(each.levelno, each.name, each.args) for each in caplog.records[:1]} == {
        (logging.WARNING, "sekisho", (TEXT,))
    }


def test_a_collector_of_the_process_gets_one_row_for_each_value():
    from sekisho.context import everywhere

    class Collector:
        def __init__(self):
            self.rows = []

        def take_violation(self, row):
            self.rows.append(row)

    collector = Collector()
    everywhere.append(collector)
    try:
        with letting_pass(), sk.record_crossings() as log:
            for _ in range(3):
                narrow(WRONG)
    finally:
        everywhere.remove(collector)
    line = sys._getframe().f_lineno - 3
    assert [(*tuple(row)[:6], row.count) for row in collector.rows] == [
        (__file__, line, "narrow", "argument 'x'", "ShapeError", TEXT, 1)
    ] * 3
    assert [row.count for row in log.violations] == [3]


def test_a_handler_that_calls_the_function_again_is_not_called_again():
    class Handler(logging.Handler):
        def emit(self, record):
            narrow(WRONG)

    handler = Handler()
    logging.getLogger("sekisho").addHandler(handler)
    try:
        with letting_pass():
            for _ in range(3):
                narrow(WRONG)
    finally:
        logging.getLogger("sekisho").removeHandler(handler)


# --- how it is set --------------------------------------------------------------------------------


@pytest.fixture
def _restored(monkeypatch):
    monkeypatch.setattr(modes, "_process", modes.make_setting("", "convert"))
    monkeypatch.setenv("SEKISHO_MODE", "convert")


@pytest.mark.usefixtures("_restored")
def test_it_is_of_the_process_and_its_workers_and_stays_until_it_is_set_again():
    sk.set_mode("strict", violations="warn", to_torch="warn")
    assert os.environ["SEKISHO_MODE"] == "strict to_torch=warn violations=warn"
    assert modes.read_setting(os.environ["SEKISHO_MODE"], "") == modes.current()
    sk.set_mode("convert")
    assert os.environ["SEKISHO_MODE"] == "convert violations=warn"
    with sk.mode("strict"):
        assert modes.current().violations == "warn"
        with sk.mode("convert", violations="refuse"):
            assert modes.current().violations == "refuse"
    sk.set_mode("convert", violations="refuse")
    assert os.environ["SEKISHO_MODE"] == "convert"


def test_a_decorated_function_runs_with_it():
    run = sk.mode("convert", violations="warn")(lambda: modes.current().violations)
    around = sk.mode("convert")(lambda: modes.current().violations)
    assert run() == "warn"
    assert around() == "refuse"
    with sk.mode("off", violations="warn"):
        assert around() == "warn"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("wran", "\n  hint: did you mean 'warn'?"),
        ("refuze", "\n  hint: did you mean 'refuse'?"),
        (3, ""),
    ],
)
def test_another_word_is_refused_with_the_one_that_was_meant(word, hint):
    expected = f"expected violations to be one of 'refuse', 'warn', got {word!r}.{hint}"
    for source, enter in (("mode()", sk.mode), ("set_mode()", sk.set_mode)):
        with pytest.raises(ValueError, match="expected violations") as raised:
            enter("convert", violations=word)
        assert str(raised.value) == f"{source}: {expected}"
    with pytest.raises(sk.DeclarationError, match="did you mean 'violations'"):
        sk.mode("convert", violation="warn")


def test_a_text_may_name_nothing_else():
    setting = modes.read_setting("violations=warn", "")
    assert setting == modes.make_setting("", "convert", violations="warn")
    assert str(setting) == "convert violations=warn"


PROGRAM = """
import numpy as np
import sekisho as sk

@sk.numpy_world
def half(n: int) -> int:
    return n / 2

for n in range(3):
    half(n)
"""


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, "utf-8")
    return path


def test_a_variable_of_the_environment_sets_it_and_w_error_makes_it_an_error(program):
    done = run(str(program), SEKISHO_MODE="violations=warn")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"{program}:10: ViolationWarning: half() the result: expected int, got a float.",
        "  half(n)",
    ]
    failed = run("-W", "error", str(program), SEKISHO_MODE="violations=warn")
    assert failed.returncode == 1
    assert "sekisho.errors.ViolationWarning: half() the result: expected int" in failed.stderr


def test_a_recorded_program_shows_them(program, tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "report.json"
    for text in ("import torch\n" + PROGRAM, PROGRAM):
        program.write_text(text, "utf-8")
        arguments = ("-m", "sekisho", "crossings", "--json", str(path), "--github", str(program))
        done = run(*arguments, SEKISHO_MODE="violations=warn")
        (row,) = json.loads(path.read_text("utf-8"))["violations"]
        assert (row["count"], row["error"], row["place"]) == (3, "BoundaryError", "the result")
        assert 'values that contracts refused, and that passed (violations="warn")' in done.stderr
        assert (
            "BoundaryError, 3 x\n    half() the result: expected int, got a float." in done.stderr
        )
        assert "::warning file=" in done.stdout


def test_a_log_adds_them_up_and_shows_them():
    with letting_pass(), sk.record_crossings() as outer:
        narrow(WRONG)
        with sk.record_crossings() as inner:
            for _ in range(2):
                narrow(WRONG)
    assert [row.count for row in outer.violations] == [1, 2]
    assert [row.count for row in inner.violations] == [2]
    both = outer + inner
    assert [row.count for row in both.violations] == [1, 4]
    assert [row.count for row in both.since(inner).violations] == [1, 2]
    assert [row.count for row in both.merged().violations] == [1, 4]
    assert "test_violations.py:" in str(both)
    assert str(both).count("ShapeError, ") == 2
    assert "ShapeError, 4 x" in both.to_html()
    assert both.to_dict()["violations"][1]["count"] == 4
    assert len(both) == 0


def test_the_plugin_reads_the_project_and_prints_them(pytester):
    pytester.makepyprojecttoml("[tool.sekisho]\nviolations = 'warn'\n")
    pytester.makepyfile(
        """
        import numpy as np, sekisho as sk, pytest

        @sk.numpy_world
        def half(n: int) -> int:
            return n / 2

        def test_passes():
            for n in range(3):
                half(n)

        @pytest.mark.sekisho_mode("strict", violations="refuse")
        def test_raises():
            with pytest.raises(sk.BoundaryError):
                half(3)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "sekisho: violations warn (from ?tool.sekisho?)",
            "*= violations =*",
            "values that contracts refused, and that passed*",
            "*.py:9: BoundaryError, 3 x",
            "    half() the result: expected int, got a float.",
        ]
    )
    line = pytester.runpytest_subprocess("--sekisho-mode=strict violations=refuse", "-k", "passes")
    line.assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize(
    ("environment", "ini", "section", "expected"),
    [
        ("convert violations=warn", "strict", "", "strict violations=warn"),
        ("convert violations=warn", "strict violations=refuse", "warn", "strict"),
        ("strict", "", "warn", "strict violations=warn"),
        ("strict", "warn", "warn", "warn violations=warn"),
    ],
)
def test_the_mode_comes_first_then_the_environment_then_the_project(
    pytester, monkeypatch, environment, ini, section, expected
):
    monkeypatch.setenv("SEKISHO_MODE", environment)
    said = f"[tool.sekisho]\nviolations = {section!r}\n" if section else ""
    pytester.makepyprojecttoml(f"{said}[tool.pytest.ini_options]\nsekisho_mode = {ini!r}\n")
    pytester.makepyfile(
        f"""
        from sekisho.context import current

        def test_it():
            assert str(current()) == {expected!r}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_workers_of_xdist_hand_their_counts_over(pytester):
    pytest.importorskip("xdist")
    pytester.makepyfile(
        """
        import numpy as np, sekisho as sk, pytest

        @sk.numpy_world
        def half(n: int) -> int:
            return n / 2

        @pytest.mark.parametrize("n", range(6))
        def test_passes(n):
            with sk.mode("strict", violations="warn"):
                half(n)
        """
    )
    for options in (["-n2"], ["-n2", "--sekisho-report=everywhere"], ["--sekisho-report"]):
        result = pytester.runpytest_subprocess(*options, "-Wignore")
        result.stdout.fnmatch_lines(["*.py:10: BoundaryError, *"])
        lines = [line for line in result.outlines if "BoundaryError, " in line]
        counts = [int(line.split("BoundaryError, ")[1].split(" x")[0]) for line in lines]
        assert sum(counts) == 6


def test_the_project_file_is_refused_with_the_word_that_was_meant(pytester):
    path = pytester.makepyprojecttoml("[tool.sekisho]\nviolations = 'wran'\n")
    result = pytester.runpytest_subprocess()
    result.stderr.fnmatch_lines(
        [
            f"*{path.name}: ?tool.sekisho? violations: expected 'refuse' or 'warn', got 'wran'. Did you mean 'warn'?"
        ]
    )


def test_a_package_under_the_import_hook_goes_on(pytester, monkeypatch):
    pytester.mkpydir("gently").joinpath("halves.py").write_text(
        "import numpy as np\ndef half(x: np.ndarray, n: int) -> int:\n    return n / 2\n", "utf-8"
    )
    monkeypatch.syspath_prepend(pytester.path)
    with sk.install_import_hook("gently", worlds={"gently": "numpy"}):
        from gently.halves import half
    with letting_pass() as caught:
        assert half("no array", 4) == 2.0
    assert [each.message.violation.place for each in caught] == ["argument 'x'", "the result"]


def test_jit_of_jax_traces_past_a_refused_value():
    jax = pytest.importorskip("jax")
    decorate, array, xp = declared("jax")

    @decorate
    def f(x: Float32[array, "n"], y: Float32[array, "n"]) -> Float32[array, "m"]:
        return y * 2

    with letting_pass() as caught:
        assert jax.jit(f)(xp.ones(2), xp.ones(5)).shape == (5,)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.usefixtures("_restored")
def test_a_compiler_of_torch_traces_past_a_refused_value(torch):
    @sk.torch_world
    def f(
        x: Float32[torch.Tensor, "n"],
        y: Float32[torch.Tensor, "n k"],
        z: Float32[torch.Tensor, "k"],
    ) -> Float32[torch.Tensor, "k"]:
        sk.check(x, Float32[torch.Tensor, "9"])
        return y.sum(0)

    sk.set_mode("convert", violations="warn")
    compiled = torch.compile(f, fullgraph=True, backend="eager")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert compiled(torch.ones(2), torch.ones(5, 4), torch.ones(4)).shape == (4,)
    refused = [each for each in caught if each.category is sk.ViolationWarning]
    assert [row[1] for row in counts()] == ["argument 'y'", "check"]
    assert len(refused) == 2
    assert "axis 'n' is 2 (from argument 'x'), but axis 0 of 'y' is 5" in texts(refused)[0]
    sk.set_mode("convert", violations="refuse")
    with pytest.raises(Exception, match="expected"):
        compiled(torch.ones(2), torch.ones(5, 4), torch.ones(4))


def test_note_violation_needs_the_words_of_the_first_only():
    asked = []

    def refuse():
        asked.append(1)
        return sk.ShapeError(sk.Violation("f", "argument 'x'", "a", "b"))

    with letting_pass():
        for _ in range(3):
            note_violation("f", "argument 'x'", (), refuse)
    assert len(asked) == 1
