"""Edge cases of modes and logs: what happens once, and how a log shows unusual values."""

import _thread
import contextvars
import sys
import time

import numpy as np
import pytest

import sekisho as sk
from sekisho.context import log, modes
from sekisho.log import CrossingLog
from sekisho.worlds import Policy, world_named


@pytest.fixture
def prepared(monkeypatch):
    """Pretend that this process was never strict; count how often strict mode is prepared."""
    for name in ("_becomes_strict", "_is_prepared"):
        monkeypatch.setattr(modes, name, False)
    monkeypatch.setattr(modes, "_on_strict", [])
    monkeypatch.setattr(modes, "_strict", [])  # a test ends while the process is strict
    monkeypatch.setattr(modes, "_process", modes.make_setting("", "convert"))
    monkeypatch.setenv("SEKISHO_MODE", "convert")
    seen = []
    modes.on_strict(lambda: seen.append("before"))
    return seen


@pytest.mark.parametrize("enter", ["block", "process"])
def test_what_strict_mode_needs_is_prepared_once_when_it_is_entered_first(prepared, enter):
    def go(mode):
        if enter == "process":
            sk.set_mode(mode)
        else:
            with sk.mode(mode):
                pass

    for mode in ("convert", "warn", "off"):
        go(mode)
        assert prepared == []
    for mode in ("strict", "convert", "strict"):
        go(mode)
        assert prepared == ["before"]
    modes.on_strict(lambda: prepared.append("after"))
    go("strict")
    assert prepared == ["before", "after"]


class Lends:
    """Exports its memory by DLPack, and is not an array itself."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_a_log_says_of_lent_memory_that_it_had_no_dtype_and_was_on_the_host(world):
    @world.decorate
    def f(x: world.array_type):
        return x

    convert = sk.to_numpy if world.name == "numpy" else sk.to_torch
    for call in (f, convert):
        with sk.record_crossings() as log:
            result = call(Lends(np.ones(3, "float32")))
        (crossing,) = log
        assert isinstance(result, world.array_type)
        assert (crossing.source, crossing.source_dtype, crossing.source_device) == (
            *("numpy", "", "cpu"),
        )
        assert (crossing.target, crossing.dtype, crossing.shape) == (world.name, "float32", (3,))


def test_a_log_says_where_and_what_an_array_was(world, other):
    @world.decorate
    def f(x: world.array_type): ...

    for dtype in ("float32", "int64"):
        with sk.record_crossings() as log:
            f(other.zeros(2, 3, dtype=dtype))
        (crossing,) = log
        assert (crossing.source, crossing.source_dtype) == (other.name, dtype)
        assert (crossing.source_device, crossing.target_device) == ("cpu", "cpu")
        assert crossing.shape == (2, 3)
        assert crossing.nbytes == 6 * np.dtype(dtype).itemsize


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("strict to_nowhere=warn", "to_nowhere=warn"), ("convert torch=warn", "torch=warn")],
)
def test_who_wrote_a_direction_that_does_not_exist_is_named(text, wrong):
    with pytest.raises(ValueError, match="expected to_") as caught:
        modes.read_setting(text, "environment variable SEKISHO_MODE")
    start, _, got = str(caught.value).partition(": expected ")
    assert start == "environment variable SEKISHO_MODE"
    assert got.endswith(f"=..., got {wrong!r}.")


@pytest.mark.parametrize("level", ["allow", "warn", "refuse"])
def test_mode_off_takes_no_level(level):
    for enter in (sk.set_mode, sk.mode):
        with pytest.raises(ValueError, match="mode 'off' looks at nothing, so it takes no level"):
            enter("off", to_numpy=level)
    assert sk.get_mode() == "convert"


# --- blocks and the process ------------------------------------------------------------------------


@pytest.fixture
def strict_ends(monkeypatch):
    """Pretend that no thread is in strict mode; collect the times at which its last holder leaves."""
    with sk.mode("strict"):
        pass  # what strict mode needs is prepared, and cleans up after it
    monkeypatch.setattr(modes, "_strict", [])
    monkeypatch.setattr(modes, "_after_strict", [*modes._after_strict])
    monkeypatch.setattr(modes, "_process", modes.make_setting("", "convert"))
    monkeypatch.setenv("SEKISHO_MODE", "convert")
    ends = []
    modes.after_strict(lambda: ends.append(modes.is_strict_anywhere()))
    return ends


def test_strict_mode_is_over_when_its_last_holder_leaves(strict_ends):
    outer, inner = sk.mode("strict"), sk.mode("strict")
    assert modes.is_strict_anywhere() is False
    with sk.mode("warn"):
        assert modes.is_strict_anywhere() is False
    assert strict_ends == []
    outer.__enter__()
    inner.__enter__()
    assert modes.is_strict_anywhere() is True
    sk.set_mode("strict")
    outer.__exit__(None, None, None)
    outer.__exit__(None, None, None)  # once more than it was entered
    assert modes.is_strict_anywhere() is True
    inner.__exit__(None, None, None)
    assert modes.is_strict_anywhere() is True
    assert strict_ends == []
    sk.set_mode("convert")
    assert modes.is_strict_anywhere() is False
    assert strict_ends == [False]


def test_what_to_do_after_strict_mode_is_returned_so_that_it_decorates(strict_ends):
    def clean_up(): ...

    assert modes.after_strict(clean_up) is clean_up


def test_a_compiler_that_traces_sees_the_mode_of_the_process(monkeypatch):
    with sk.mode("warn"):
        monkeypatch.setattr(modes, "is_compiling", lambda: True)
        assert sk.get_mode() == "convert"
        assert modes.current_untraced().name == "warn"


SETTING = modes.make_setting("", "strict", mutations="allow", to_torch="allow", violations="warn")


def test_a_setting_holds_in_its_block_and_what_was_around_comes_back():
    with sk.mode("warn"):
        with modes.scoped(SETTING), sk.mode("off"):
            pass
        with modes.scoped(SETTING):
            assert modes.current() == SETTING
        with pytest.raises(KeyError), modes.scoped(SETTING):
            raise KeyError
        assert sk.get_mode() == "warn"


def test_a_decorated_function_runs_with_all_levels_and_options():
    decorate = sk.mode(
        "strict", to_torch="allow", violations="warn", broadcasting="warn", mutations="allow"
    )
    setting = modes.make_setting(
        *("", "strict"), to_torch="allow", violations="warn", broadcasting="warn", mutations="allow"
    )

    @decorate
    def f():
        """Say what holds."""
        return modes.current()

    assert (f(), f.__name__, f.__doc__) == (setting, "f", "Say what holds.")
    assert f() == setting  # a block of its own for each call


def _generator():
    yield


async def _async_generator():
    yield


@pytest.mark.parametrize("function", [_generator, _async_generator])
@pytest.mark.parametrize("name", ["warn", "strict"])
def test_a_generator_takes_a_block_in_place_of_a_mode(function, name):
    with pytest.raises(sk.DeclarationError) as caught:
        sk.mode(name)(function)
    assert str(caught.value) == (
        f"mode() cannot decorate a generator.\n  hint: with sekisho.mode('{name}'): inside of it"
    )


# --- settings as text ------------------------------------------------------------------------------

TEXTS = [
    "convert",
    "off violations=warn",
    "warn to_numpy=refuse to_jax=allow",
    "strict to_numpy=allow to_torch=warn to_jax=allow to_cupy=warn",
    "strict to_jax=warn violations=warn broadcasting=refuse mutations=allow",
    "strict broadcasting=warn",
    "strict mutations=warn",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_setting_is_the_text_it_was_read_from(text):
    setting = modes.read_setting(text, "here")
    assert str(setting) == text
    name, *pairs = text.split()
    words = dict(pair.split("=") for pair in pairs)
    for given in (words, dict(reversed(words.items())), {"to_numpy": None} | words):
        assert modes.make_setting("", name, **given) == setting


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  strict   to_torch=warn ", "strict to_torch=warn"),
        ("violations=warn to_torch=warn", "convert to_torch=warn violations=warn"),
        ("strict to_torch=refuse violations=refuse mutations=refuse", "strict"),
        ("convert to_jax=allow", "convert"),
    ],
)
def test_what_is_as_usual_is_left_out_of_the_text(text, same):
    assert str(modes.read_setting(text, "here")) == same


MODES = "'convert', 'warn', 'strict', 'off'"
LEVELS = "'allow', 'warn', 'refuse'"
WRONG = {
    "": f"expected one of {MODES}, got ''.",
    "loose": f"expected one of {MODES}, got 'loose'.",
    "Strict": f"expected one of {MODES}, got 'Strict'.\n  hint: did you mean 'strict'?",
    "strict to_torch": f"expected to_torch to be one of {LEVELS}, got ''.",
    "strict to_jax=warn=x": f"expected to_jax to be one of {LEVELS}, got 'warn=x'."
    "\n  hint: did you mean 'warn'?",
    "warn to_numpy=ALLOW": f"expected to_numpy to be one of {LEVELS}, got 'ALLOW'."
    "\n  hint: did you mean 'allow'?",
    "strict numpy=warn": "expected to_numpy=..., to_torch=..., to_jax=... or to_cupy=..., "
    "got 'numpy=warn'.",
    "off to_torch=allow": "mode 'off' looks at nothing, so it takes no level.",
    "warn broadcasting=refuse": "mode 'warn' monitors no body, so it takes no broadcasting."
    "\n  hint: mode 'strict' does",
    "strict mutations=refuze": "expected mutations to be one of 'refuse', 'warn', 'allow', "
    "got 'refuze'.\n  hint: did you mean 'refuse'?",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_text_is_said_with_its_source(text):
    with pytest.raises(ValueError, match=r"^here: ") as caught:
        modes.read_setting(text, "here")
    assert str(caught.value) == f"here: {WRONG[text]}"


@pytest.mark.parametrize("word", ["world", "to_mars", "violation", "broadcast"])
def test_a_keyword_that_no_mode_has_is_refused_alike_by_blocks_and_process(word):
    said = []
    for name, enter in (("mode", sk.mode), ("set_mode", sk.set_mode)):
        with pytest.raises(sk.DeclarationError) as caught:
            enter("strict", to_torch="warn", **{word: "warn"})
        said.append(str(caught.value).replace(f"{name}()", "f()"))
    assert said[0] == said[1]
    assert f"'{word}'" in said[0]


def test_a_direction_without_a_world_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="got 'to_mars'") as caught:
        modes.make_setting("here", "strict", to_mars="warn")
    assert str(caught.value) == (
        "here: expected to_numpy=..., to_torch=..., to_jax=... or to_cupy=..., got 'to_mars'."
    )


def test_the_level_of_a_direction_is_the_modes_where_none_is_given():
    setting = modes.read_setting("strict to_torch=warn to_numpy=allow", "")
    levels = {world: setting.level(world) for world in ("numpy", "torch", "jax", "other")}
    assert levels == {"numpy": "allow", "torch": "warn", "jax": "refuse", "other": "refuse"}
    assert modes.read_setting("off", "").level("numpy") == "off"
    assert setting.why_closed("jax") == "mode 'strict' lets nothing cross here"
    closed = modes.read_setting("warn to_jax=refuse", "")
    assert closed.why_closed("jax") == "to_jax='refuse' lets nothing cross here"


# --- open logs -------------------------------------------------------------------------------------


class Collector:
    """Collects what the whole process does."""

    def __init__(self):
        self.taken, self.violations = [], []

    def take(self, crossing, frame):
        self.taken.append((crossing, frame))

    def take_violation(self, row):
        self.violations.append(row)


@pytest.fixture
def collector():
    made = Collector()
    log.everywhere.append(made)
    yield made
    log.everywhere.remove(made)


def test_a_log_of_this_thread_and_a_collector_of_the_process_see_a_crossing(
    world, other, collector
):
    assert log.logs_here() == ()
    convert = sk.to_numpy if world.name == "numpy" else sk.to_torch
    convert(other.zeros(2))
    with sk.record_crossings() as outer:
        convert(other.zeros(3))
        with sk.record_crossings() as inner:
            assert log.logs_here() == (outer, inner)
            convert(other.zeros(4))
        assert log.logs_here() == (outer,)
    assert log.logs_here() == ()
    assert log.open_logs() is log.everywhere
    assert [[each.shape for each in one] for one in (outer, inner)] == [[(3,), (4,)], [(4,)]]
    assert [each.shape for each, _ in collector.taken] == [(2,), (3,), (4,)]
    assert {frame.f_code.co_name for _, frame in collector.taken} == {
        sys._getframe().f_code.co_name
    }


def test_a_log_that_is_closed_elsewhere_stays_open_here(collector):
    made = CrossingLog()
    log.open_log(made)
    contextvars.Context().run(log.close_log, made)
    assert log.logs_here() == (made,)
    log.close_log(CrossingLog())
    assert log.logs_here() == (made,)
    log.close_log(made)
    assert log.logs_here() == ()


def test_a_crossing_is_recorded_with_its_home_its_reason_and_its_time(torch):
    numpy, pytorch = world_named("numpy"), world_named("torch")
    value, policy = np.ones((2, 3), "float32"), Policy(None, None, False)
    with sk.record_crossings() as rows:
        for home in (None, numpy, pytorch):
            log.cross(value, pytorch, policy, "f", "argument 'x'", home)
        log.cross(value, pytorch, policy, "f", "argument 'x'", None, "it was copied before")
        log.cross(value[::-1], pytorch, policy, "f", "argument 'x'")
        log.cross(value, numpy, policy, "f", "argument 'x'")  # it stays where it is
    assert [each.home for each in rows] == [None, "numpy", "torch", None, None]
    assert [each.copied for each in rows] == [
        *(None, None, None, "it was copied before", "it has a negative stride"),
    ]
    line = sys._getframe().f_lineno
    for each in rows:
        assert each.function == "f"
        assert each.place == "argument 'x'"
        assert (each.filename, line - 14 <= each.line <= line) == (__file__, True)
        assert 0 < each.seconds < 60


@pytest.mark.parametrize("module", ["sekisho", "sekisho.context.log", "sekishonen", "mine", None])
def test_the_callers_line_is_the_nearest_outside_of_sekisho(module):
    names = {"ask": log.caller, "__name__": module}
    exec(compile("def call():\n    return ask()", "<module>", "exec"), names)
    is_ours = str(module).partition(".")[0] == "sekisho"
    name = sys._getframe().f_code.co_name if is_ours else "call"
    assert names["call"]().f_code.co_name == name


def test_the_outermost_frame_is_the_caller_where_all_are_sekishos():
    made = []
    names = {"ask": log.caller, "made": made, "__name__": "sekisho.x"}
    exec(compile("def call():\n    made.append(ask())", "<module>", "exec"), names)
    _thread.start_new_thread(names["call"], ())
    while not made:
        time.sleep(0.001)
    assert made[0].f_code.co_name == "call"
