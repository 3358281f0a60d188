"""The parts of strict mode's monitor one by one, each against a rule that is written here again."""

from __future__ import annotations

import asyncio
import itertools
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sekisho as sk
from sekisho.context import GUARD, LIBRARY, OWN, SEKISHO
from sekisho.errors import Violation
from sekisho.monitor import broadcasting, hooks, jobs, judging, state, strict
from sekisho.monitor.state import BodyState, BroadcastRefusalError, RefusalError, Watch
from sekisho.worlds import HOST, world_named


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    mine = state.thread
    assert (mine.watch, mine.depth, mine.refused, mine.shown) == (None, 0, [], None)


def taken():
    """Return what was kept as caught, and forget it: otherwise the test fails at its end."""
    found = tuple(state.caught)
    state.caught.clear()
    return found


def frames(*each: dict[str, Any]) -> Any:
    """Return the innermost of frames that are listed from the innermost to the outermost."""
    frame = None
    for given in reversed(each):
        frame = SimpleNamespace(f_back=frame, **given)
    return frame


# --- which operations cross ------------------------------------------------------------------------

KINDS = ("look", "scalar", "export", "import", "compute", "move", "wait")


def expected(kind, home, world, foreign, *, scalars):
    """Return what an operation converts to and the other world, or None if it does not cross."""
    if kind == "scalar":
        return (HOST, HOST) if home is world and not scalars else None
    if kind == "export":
        return (HOST, HOST if home is world else world)
    if world in {home, HOST}:
        return None if foreign is None else (world, foreign if home is world else world)
    return None if kind == "look" else (world, world)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scalars", [True, False])
@pytest.mark.parametrize("by", ["position", "keyword", "a list", "nothing"])
def test_an_operation_is_judged_by_its_kind_its_library_and_what_it_is_given(
    torch, monkeypatch, kind, scalars, by
):
    refused: list[Any] = []
    monkeypatch.setattr(judging, "refuse", lambda *given: refused.append(given))
    both = {HOST: np.ones(2), world_named("torch"): torch.ones(2)}
    for home, world, of in itertools.product(both, both, both):
        refused.clear()
        value = both[of]
        ways: dict[str, tuple[tuple[Any, ...], dict[str, Any] | None]] = {
            "position": ((3, value), None),
            "keyword": ((), {"x": value}),
            "a list": (([3, value],), {}),
            "nothing": ((3,), None),
        }
        foreign = None if by == "nothing" or of is world else of
        watch = Watch("f", home, scalars=scalars)
        judging.judge(watch, world, kind, "sum", *ways[by])
        found = expected(kind, home, world, foreign, scalars=scalars)
        if found is None:
            assert refused == []
            continue
        ((of_watch, name, first, *worlds),) = refused
        assert (of_watch, name, tuple(worlds)) == (watch, world.operation_name("sum"), found)
        assert first is (None if by == "nothing" else value)


# --- the line that is named ------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(1, 5))
def test_the_users_own_line_is_the_nearest_up_to_the_body(monkeypatch, length):
    monkeypatch.setattr(judging, "kind_of", lambda frame: frame.kind)
    for kinds in itertools.product((OWN, GUARD, SEKISHO, LIBRARY), repeat=length):
        inner = frames(*({"kind": kind} for kind in kinds))
        chain = [inner]
        while chain[-1].f_back is not None:
            chain.append(chain[-1].f_back)
        ends = [at for at, kind in enumerate(kinds) if kind in {OWN, GUARD}]
        if not ends:
            wanted = inner  # the thread of a job, in which there is no body
        elif kinds[ends[0]] == OWN:
            wanted = chain[ends[0]]
        else:  # the body itself is a third party's
            inside = [at for at in range(ends[0]) if kinds[at] != SEKISHO]
            wanted = chain[inside[-1]] if inside else inner
        assert judging._own_line(inner) is wanted, kinds


@pytest.mark.parametrize("length", range(1, 5))
def test_the_line_of_an_operation_is_the_innermost_outside_of_libraries(monkeypatch, length):
    monkeypatch.setattr(judging, "is_guard", lambda code: code == "guard")
    names = ("program", "numpy.linalg", "sekisho.helpers", "a guard", "sekisho.validation.validate")
    names += ("sekisho.validation.hand_back",)
    ends = {"a guard", *names[-2:]}
    for modules in itertools.product(names, repeat=length):
        chain = frames(
            *(
                {"f_code": "guard" if name == "a guard" else "", "f_globals": {"__name__": name}}
                for name in modules
            )
        )
        monkeypatch.setattr(
            judging, "inspect", SimpleNamespace(currentframe=lambda chain=chain: chain)
        )
        first = next((name for name in modules if name == "program" or name in ends), None)
        found = judging._line()
        assert (found and found.f_globals["__name__"]) == (
            "program" if first == "program" else None
        )
    monkeypatch.setattr(judging, "_line", lambda: None)
    assert judging.place_of_operation() is None


@pytest.mark.parametrize(
    ("kind", "module", "path", "shown"),
    [
        (OWN, "a.b.c", "/home/me/a/b/c.py", "c.py:3: x = 1"),
        (LIBRARY, "scipy", "/lib/scipy.py", "scipy.py:3: x = 1"),
        (LIBRARY, "scipy.stats.core", "/lib/scipy/stats/core.py", "scipy/stats/core.py:3: x = 1"),
        (LIBRARY, "scipy", "/lib/scipy/__init__.py", "scipy/__init__.py:3: x = 1"),
        (LIBRARY, "scipy.io", "/lib/scipy/io/__init__.py", "scipy/io/__init__.py:3: x = 1"),
    ],
)
def test_a_line_is_shown_with_its_file_and_a_librarys_with_its_path(
    monkeypatch, kind, module, path, shown
):
    class Loader:  # what `linecache` asks for files in an archive
        def get_source(self, name):
            return f"import {module}\n\n    x = 1  \n"

    names = {"__name__": module, "__loader__": Loader()}
    monkeypatch.setattr(judging, "kind_of", lambda _: kind)
    code = SimpleNamespace(co_filename=path)
    frame: Any = SimpleNamespace(f_code=code, f_lineno=3, f_globals=names)
    assert judging._text_of(frame) == shown
    own: Any = SimpleNamespace(f_code=code, f_lineno=1, f_globals=names)
    assert judging.Place(frame, frame).text == shown
    assert judging.Place(frame, frame).is_direct
    first = judging._text_of(own)
    assert first.endswith(f":1: import {module}")
    assert judging.Place(frame, own).text == f"{first}\n  in {shown}"
    assert not judging.Place(frame, own).is_direct
    del names["__name__"]
    assert judging._module_of(frame) == ""


@pytest.mark.parametrize(
    ("modules", "kept"),
    [
        (["program"], 1),
        (["program", "numpy.core"], 1),
        (["sekisho.guard", "program", "helper", "numpy", "sekisho.monitor"], 3),
        (["numpy", "sekisho"], 2),
        (["program", "numpy", "program", "numpy"], 3),
    ],
)
def test_a_traceback_is_cut_after_the_last_line_outside_of_libraries(modules, kept):
    traceback: Any = None
    for name in reversed(modules):
        frame = SimpleNamespace(f_globals={"__name__": name})
        traceback = SimpleNamespace(tb_frame=frame, tb_next=traceback)
    found: Any = judging.to_the_line(traceback)
    assert found is traceback
    length = 0
    while found is not None:
        found, length = found.tb_next, length + 1
    # The first frame always stays, so where all is of libraries, it stays alone.
    assert length == (1 if "program" not in modules else kept)
    assert judging.to_the_line(None) is None


# --- what is said ----------------------------------------------------------------------------------


class FakePlace:
    def __init__(self, *, is_direct=True):
        self.is_direct, self.text, self.warned = is_direct, "f.py:1: x", []
        self.frame = SimpleNamespace(
            f_code=SimpleNamespace(co_filename="f.py"), f_lineno=1, f_lasti=7
        )

    def warn(self, category, violation, once_for=None):
        self.warned.append((category, violation, once_for))


@pytest.mark.parametrize("level", ["allow", "convert", "warn", "refuse"])
@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("value", [np.ones(2, "f4"), None])
@pytest.mark.parametrize("is_at_boundary", [False, True])
def test_a_crossing_is_refused_warned_of_or_passed_as_the_mode_says(
    monkeypatch, level, is_direct, value, is_at_boundary
):
    torch_world, asked = world_named("torch"), []
    place = FakePlace(is_direct=is_direct)

    def place_of_operation():
        asked.append("place")
        return None if is_at_boundary else place

    setting = SimpleNamespace(level=lambda name: asked.append(name) or level)
    monkeypatch.setattr(judging, "current", lambda: setting)
    monkeypatch.setattr(judging, "place_of_operation", place_of_operation)
    watch = Watch("f", torch_world)

    def refuse():
        return judging.refuse(watch, "numpy.sum", value, HOST, torch_world)

    text = (
        "f() body: expected PyTorch only, got numpy.sum"
        f"{' of float32[2] (NumPy)' if value is not None else ''}.\n  f.py:1: x\n"
        f"  hint: move {'it' if is_direct else 'the call'} to a torch_world or boundary function, "
        "or allow it: with sekisho.crossing_allowed():"
    )
    if level == "refuse" and not is_at_boundary:
        with pytest.raises(RefusalError) as caught:
            refuse()
        assert str(caught.value) == text
        assert type(caught.value) is RefusalError
    else:
        assert refuse() is None
    warns = level == "warn" and not is_at_boundary
    assert [(each[0], str(each[1]), each[2]) for each in place.warned] == (
        [(sk.CrossingWarning, text, None)] if warns else []
    )
    assert asked == ["numpy", *(["place"] if level in {"warn", "refuse"} else [])]


def expansion(*, is_alike=True, hint="squeeze it"):
    return SimpleNamespace(
        is_alike=is_alike,
        hint=lambda frame: hint,
        operands=(np.ones((2, 1), "f4"), np.ones(2, "f4")),
        shape=(2, 2),
    )


NOT_MEANT = {
    "allowed": {"level": "allow"},
    "not element by element": {"broadcasts": False},
    "not expanded": {"found": None},
    "all pairs": {"found": expansion(is_alike=False)},
    "the axis is named": {"found": expansion(hint=None)},
    "at a boundary": {"place": None},
    "by the library itself": {"frame": None},
}


@pytest.mark.parametrize("why", [None, *NOT_MEANT])
@pytest.mark.parametrize("level", ["warn", "refuse"])
def test_an_expansion_is_judged_if_it_is_not_meant(monkeypatch, why, level):
    place = FakePlace()
    case: dict[str, Any] = {"level": level, "broadcasts": True, "found": expansion()}
    case |= {"place": place, "frame": "a frame", **NOT_MEANT.get(why or "", {})}
    world: Any = SimpleNamespace(
        broadcasts=lambda _: case["broadcasts"], operation_name=lambda name: f"np.{name}"
    )
    setting = SimpleNamespace(broadcasting=case["level"])
    monkeypatch.setattr(broadcasting, "current", lambda: setting)
    monkeypatch.setattr(broadcasting, "find_expansion", lambda *_: case["found"])
    monkeypatch.setattr(broadcasting, "place_of_operation", lambda: case["place"])
    monkeypatch.setattr(broadcasting, "frame_of_operation", lambda _: case["frame"])
    watch = Watch("f", world)
    text = (
        "f() body: expected at most one operand to be expanded, got np.add of float32[2, 1] "
        "(NumPy) and float32[2] (NumPy), which gives [2, 2].\n  f.py:1: x\n  hint: squeeze it"
    )
    if level == "refuse" and why is None:
        with pytest.raises(BroadcastRefusalError) as caught:
            broadcasting.judge_broadcast(watch, world, "add", ())
        assert str(caught.value) == text
    else:
        broadcasting.judge_broadcast(watch, world, "add", ())
    warned = [(each[0], str(each[1]), each[2]) for each in place.warned]
    said = [(sk.BroadcastWarning, text, "f.py:1 np.add 7")]
    assert warned == (said if level == "warn" and why is None else [])


def test_a_warning_of_a_place_is_issued_at_the_users_own_line():
    registry: dict[str, Any] = {}

    def frame(name):
        code = SimpleNamespace(co_filename=f"{name}.py")
        return SimpleNamespace(f_code=code, f_lineno=5, f_globals=registry)

    place = judging.Place(frame("library"), frame("own"))
    violation = Violation("f", "body", "one", "two")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        for _ in range(2):
            place.warn(sk.CrossingWarning, violation)
            place.warn(sk.CrossingWarning, violation._replace(got="three"), "the same")
            place.warn(sk.CrossingWarning, violation._replace(got="four"), "the same")
    assert [(each.filename, each.lineno, str(each.message)) for each in heard] == [
        ("own.py", 5, "f() body: expected one, got two."),
        ("own.py", 5, "f() body: expected one, got three."),
    ]


# --- what is wrapped -------------------------------------------------------------------------------


def library(**members):
    names: dict[str, Any] = {"compute": ("add", "mul"), "move": ("to",), "wait": ("sync",)}
    defaults = {"operations": names, "unshown": None, "element_wise": ("add", "sub", "neg")}
    return SimpleNamespace(**{"shows_all": False, **defaults, **members})


def test_what_no_watcher_reports_is_wrapped_and_moves_and_waits_are_not():
    plain: Any = library()
    assert hooks._unshown(plain) == {"compute": ("add", "mul")}
    assert hooks._only_element_wise(plain) == {"compute": ("sub", "neg")}
    few: Any = library(unshown={"import": ("sub",)})
    assert hooks._unshown(few) == {"import": ("sub",)}
    assert hooks._only_element_wise(few) == {"compute": ("add", "neg")}
    none: Any = library(unshown={})
    assert hooks._unshown(none) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_asked", [True, False])
@pytest.mark.parametrize("is_home", [True, False])
@pytest.mark.parametrize("kwargs", [None, {"y": 2}])
def test_expansions_are_judged_where_the_mode_asks_in_operations_of_the_bodys_library(
    monkeypatch, kind, is_asked, is_home, kwargs
):
    judged: list[Any] = []
    monkeypatch.setattr(hooks, "judge", lambda *given: judged.append(given))
    monkeypatch.setattr(hooks, "judge_broadcast", lambda *given: judged.append(given))
    world = world_named("torch")
    watch = Watch("f", world if is_home else HOST, broadcasting=is_asked)
    hooks._judge_call(watch, world, kind, "add", (1,), kwargs)
    both = [(watch, world, kind, "add", (1,), kwargs)]
    if is_asked and is_home and kind in {"compute", "scalar"}:
        both.append((watch, world, "add", (1, *(kwargs or {}).values())))
    assert judged == both


@pytest.mark.parametrize("name", ["Tensor.__init__", "Tensor.add", "made.__init__s"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_wrapped_operation_is_judged_first_and_what_it_calls_is_not(monkeypatch, name, fails):
    judged: list[Any] = []
    monkeypatch.setattr(hooks, "_judge_call", lambda *given: judged.append(given))
    watch = Watch("f", HOST)

    def operation(*args, **kwargs):
        judged.append(state.thread.watch)
        if fails:
            raise KeyError(args)
        return args, kwargs

    call = hooks._judged(HOST, "compute", name, operation)
    if not fails:
        assert call(1, 2, x=3) == ((1, 2), {"x": 3})  # outside of a body
        assert judged == [None]
        judged.clear()
    monkeypatch.setattr(state.thread, "watch", watch)
    if fails:
        with pytest.raises(KeyError):
            call(1, 2, x=3)
    else:
        assert call(1, 2, x=3) == ((1, 2), {"x": 3})
    args = (2,) if name.endswith(".__init__") else (1, 2)
    assert judged == [(watch, HOST, "compute", name, args, {"x": 3}), None]
    assert state.thread.watch is watch
    judged.clear()
    monkeypatch.setattr(hooks, "is_compiling", lambda: True)
    if not fails:
        assert call(1, 2) == ((1, 2), {})
        assert judged == [watch]  # a compiler traces the operation alone
    monkeypatch.setattr(state.thread, "watch", None)


@pytest.mark.parametrize("is_compiling", [False, True])
@pytest.mark.parametrize("watch", [None, (HOST, True), (HOST, False), (None, True)])
def test_an_element_wise_operation_is_judged_in_bodies_of_its_library(
    monkeypatch, is_compiling, watch
):
    judged: list[Any] = []
    monkeypatch.setattr(hooks, "judge_broadcast", lambda *given: judged.append(given))
    monkeypatch.setattr(hooks, "is_compiling", lambda: is_compiling)
    torch_world = world_named("torch")
    made = watch and Watch("f", watch[0] or torch_world, broadcasting=watch[1])
    monkeypatch.setattr(state.thread, "watch", made)
    call = hooks._judged_pair(HOST, "compute", "add", lambda *args: args)
    assert call(1, 2) == (1, 2)
    is_judged = watch == (HOST, True) and not is_compiling
    assert judged == ([(made, HOST, "add", (1, 2))] if is_judged else [])
    monkeypatch.setattr(state.thread, "watch", None)


def test_bodies_wrap_each_library_once_and_the_last_one_ends_it(monkeypatch):
    done: list[Any] = []
    shows, plain = library(shows_all=True), library()
    libraries = (SimpleNamespace(watcher="w1", **vars(shows)), SimpleNamespace(**vars(plain)))

    class Watcher:
        def push(self):
            done.append("push")

        def pull(self):
            done.append("pull")

    class Hashable:
        def __init__(self, given):
            self.__dict__.update(vars(given))

    one, two = map(Hashable, libraries)
    monkeypatch.setattr(hooks, "loaded_worlds", lambda: (one, two))
    monkeypatch.setattr(hooks, "_watcher", lambda world: Watcher() if world is one else None)
    monkeypatch.setattr(
        hooks,
        "wrap_operations",
        lambda observer, world, names, make: done.append((world, dict(names), make)),
    )
    monkeypatch.setattr(hooks, "starters", [done.append])
    monkeypatch.setattr(hooks, "_observer", SimpleNamespace(end=lambda: done.append("end")))
    monkeypatch.setattr(hooks._State, "wrapped", set())
    is_strict = [False]
    monkeypatch.setattr(hooks, "is_strict_anywhere", lambda: is_strict[0])
    first = hooks.begin_body()
    assert done == [
        (one, {"compute": ("add", "mul")}, hooks._judged),
        (two, {"compute": ("add", "mul")}, hooks._judged),
        (two, {"compute": ("sub", "neg")}, hooks._judged_pair),
        hooks._observer,
        "push",
    ]
    done.clear()
    second = hooks.begin_body()
    assert done == [hooks._observer, "push"]
    done.clear()
    hooks.end_body(second)
    assert done == ["pull"]
    is_strict[0] = True
    hooks.end_body(first)
    assert done == ["pull", "pull"]
    assert hooks._State.wrapped == {one, two}
    is_strict[0] = False
    hooks._end_if_idle()
    assert done == ["pull", "pull", "end"]
    assert hooks._State.wrapped == set()
    assert hooks._State.bodies == 0


# --- a body -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["allow", "warn", "refuse"])
def test_a_body_is_monitored_in_its_block_and_what_was_before_comes_back(monkeypatch, level):
    done: list[Any] = []
    monkeypatch.setattr(strict, "begin_body", lambda: done.append("begin") or ["a watcher"])
    monkeypatch.setattr(strict, "end_body", done.append)
    monkeypatch.setattr(strict, "current", lambda: SimpleNamespace(broadcasting=level))
    watch = Watch("f", HOST)
    wanted = watch._replace(broadcasting=level != "allow")
    body, mine = strict.Watching(watch), state.thread
    with strict.Watching(None):
        assert (mine.watch, mine.depth, mine.shown, done) == (None, 1, None, [])
    for _ in range(2):  # it can be entered again
        with body:
            assert (mine.watch, mine.depth, mine.shown) == (wanted, 1, ["a watcher"])
            with strict.Watching(None):
                assert (mine.watch, mine.depth, mine.shown) == (None, 2, ["a watcher"])
            with strict.Watching(watch):
                assert (mine.watch, mine.depth) == (wanted, 2)
            assert mine.watch == wanted
            assert done == ["begin"]
        assert (mine.watch, mine.depth, mine.shown) == (None, 0, None)
        assert done == ["begin", ["a watcher"]]
        done.clear()


def test_a_body_that_is_suspended_in_a_pause_goes_on_in_it():
    body, mine = strict.Watching(Watch("f", HOST)), state.thread
    block: Any = object()
    with body:
        mine.pause(block)
    assert mine.pauses == ()
    with body:
        assert (mine.watch, mine.pauses) == (None, ((block,),))
        mine.resume(block)
        assert mine.watch == Watch("f", HOST)
    assert body._body == BodyState(Watch("f", HOST))


@pytest.mark.parametrize(
    ("refusal", "leaves_as"),
    [(RefusalError, sk.WorldError), (BroadcastRefusalError, sk.BroadcastError)],
)
@pytest.mark.parametrize("depth", [1, 2])
def test_a_refusal_leaves_a_body_as_an_error_of_its_kind(refusal, leaves_as, depth):
    violation = Violation("f", "body", "one", "two")
    watch = Watch("f", HOST)

    def run(depth):
        with strict.Watching(watch):
            if depth > 1:
                run(depth - 1)
            raise state.note_refusal(refusal(violation))

    with pytest.raises(sk.SekishoError) as caught:
        run(depth)
    assert type(caught.value) is leaves_as
    assert caught.value.args == (violation,)
    assert caught.value.__suppress_context__
    assert state.caught == []


def test_each_refusal_that_stays_in_its_body_is_kept_and_earlier_ones_are_left(monkeypatch):
    monkeypatch.setattr(state.thread, "depth", 1)  # a body around
    before, stays, leaves, inside = (RefusalError(name) for name in ("0", "1", "2", "3"))
    state.thread.refused[:] = [before, stays, leaves, inside]
    error = KeyError()
    error.__context__ = leaves
    strict._settle(1, error)
    assert taken() == ("1", "3")
    assert state.thread.refused == [before, leaves]
    strict._settle(2, None)
    assert state.thread.refused == [before, leaves]
    monkeypatch.setattr(state.thread, "depth", 0)
    strict._settle(2, None)  # the outermost body has ended
    assert state.thread.refused == []


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_jobs_refusal_that_leaves_the_body_was_not_caught(monkeypatch, is_kept):
    monkeypatch.setattr(state.thread, "depth", 1)
    mine, other = sk.WorldError("mine"), sk.WorldError("other")
    for each in (mine, other):
        state.of_jobs.add(each)
    state.caught.extend(["other", *(["mine"] if is_kept else [])])
    error = KeyError()
    error.__cause__ = mine
    strict._hand_on(error)
    assert taken() == ("other",)
    assert set(state.of_jobs) == {other}
    assert state.thread.refused == [mine]
    state.of_jobs.clear()
    state.thread.refused.clear()


def test_the_latest_messages_are_kept_and_refusals_are_noted_in_bodies_only():
    for number in range(105):
        state.note_caught(RefusalError(str(number)))
    assert taken() == tuple(str(number) for number in range(5, 105))
    error = RefusalError()
    assert state.note_refusal(error) is error
    assert state.thread.refused == []
    state.thread.watch = watch = Watch("f", HOST)
    with pytest.raises(KeyError), state.unwatched():
        assert state.thread.watch is None
        raise KeyError
    assert state.thread.watch is watch
    state.thread.watch = None


# --- what a body starts -----------------------------------------------------------------------------


def test_what_starts_work_is_wrapped_once_if_it_is_imported(monkeypatch):
    done: list[Any] = []
    observer: Any = SimpleNamespace(
        wraps=lambda holder, name: name == "submit",
        wrap=lambda *given: done.append(given),
    )
    missing = ("a module that is not there", "Starter", "start", jobs._start_thread)
    monkeypatch.setattr(jobs, "_STARTERS", (*jobs._STARTERS, missing))
    jobs.wrap_starters(observer)
    assert done == [
        (jobs.sys.modules["threading"].Thread, "start", "starters", jobs._start_thread),
        (asyncio.BaseEventLoop, "create_task", "starters", jobs._create_task),
    ]


@pytest.mark.parametrize("is_monitored", [True, False])
@pytest.mark.parametrize("fails", [None, RuntimeError, KeyboardInterrupt])
def test_a_thread_has_its_own_run_again_before_it_runs_or_if_it_does_not_start(
    monkeypatch, is_monitored, fails
):
    watch = Watch("f", HOST) if is_monitored else None
    seen: list[Any] = []

    class Thread:
        def run(self):
            seen.append((state.thread.watch, "run" in vars(self)))

    def start(self):
        seen.append("run" in vars(self))
        if fails is not None:
            raise fails
        state.thread.watch = None  # a thread of its own has none
        self.run()
        return "started"

    monkeypatch.setattr(state.thread, "watch", watch)
    thread = Thread()
    call = jobs._start_thread(start)
    if fails is not None:
        with pytest.raises(fails):
            call(thread)
        assert seen == [is_monitored]
    else:
        assert call(thread) == "started"
        assert seen == [is_monitored, (watch, False)]
    assert vars(thread) == {}
    monkeypatch.setattr(state.thread, "watch", None)


def test_an_interrupt_while_a_thread_is_starting_is_that_though_it_runs_already(monkeypatch):
    monkeypatch.setattr(state.thread, "watch", Watch("f", HOST))

    class Thread:
        def run(self):
            """Do nothing."""

    def start(self):
        self.run()
        raise KeyboardInterrupt

    thread = Thread()
    with pytest.raises(KeyboardInterrupt):
        jobs._start_thread(start)(thread)
    assert vars(thread) == {}
    monkeypatch.setattr(state.thread, "watch", None)


@pytest.mark.parametrize("is_monitored", [True, False])
def test_an_executor_is_not_monitored_and_its_job_is(monkeypatch, is_monitored):
    watch = Watch("f", HOST) if is_monitored else None
    monkeypatch.setattr(state.thread, "watch", watch)
    seen: list[Any] = []

    def submit(self, work, *args, **kwargs):
        seen.append(state.thread.watch)
        return work(*args, **kwargs)

    def work(*args, **kwargs):
        seen.append(state.thread.watch)
        return args, kwargs

    assert jobs._submit(submit)("pool", work, 1, x=2) == ((1,), {"x": 2})
    assert seen == [None, watch]
    assert state.thread.watch is watch
    monkeypatch.setattr(state.thread, "watch", None)


class Coroutine:
    name = "inner"

    def __init__(self):
        self.done = []

    def send(self, value):
        self.done.append(("send", value, state.thread.watch))
        return "sent"

    def throw(self, *error):
        self.done.append(("throw", error, state.thread.watch))
        return "thrown"

    def close(self):
        self.done.append(("close", state.thread.watch))


@pytest.mark.parametrize("is_monitored", [True, False])
def test_a_task_runs_each_step_under_the_monitor_of_its_body(monkeypatch, is_monitored):
    watch = Watch("f", HOST) if is_monitored else None
    monkeypatch.setattr(state.thread, "watch", watch)
    create = jobs._create_task(lambda self, coro, **options: (self, coro, options))
    inner: Any = Coroutine()
    loop, task, options = create("loop", inner, name="n")
    assert (loop, options) == ("loop", {"name": "n"})
    future = object()
    assert create("loop", future) == ("loop", future, {})  # the loop itself says what is wrong
    monkeypatch.setattr(state.thread, "watch", None)
    if not is_monitored:
        assert task is inner
        return
    assert (task.name, task.send(1), task.throw(KeyError)) == ("inner", "sent", "thrown")
    assert task.close() is None
    assert inner.done == [("send", 1, watch), ("throw", (KeyError,), watch), ("close", watch)]


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("error", [sk.WorldError, sk.BroadcastError, sk.DTypeError, KeyError])
def test_a_refusal_that_leaves_a_job_counts_as_caught_until_it_leaves_a_body(
    monkeypatch, depth, error
):
    monkeypatch.setattr(state.thread, "depth", depth)
    job = jobs._Job()
    is_noted = depth == 0 and error in {sk.WorldError, sk.BroadcastError}
    for run in (job.run, job.step):
        raised = error("text")

        def work(*args, raised=raised, **kwargs):
            assert (args, kwargs) == ((1,), {"x": 2})
            raise raised

        with pytest.raises(error):
            run(work, 1, x=2)
        assert taken() == (("text",) if is_noted else ())
        assert (raised in state.of_jobs) is is_noted
        state.of_jobs.clear()
    monkeypatch.setattr(state.thread, "depth", 0)
    state.thread.refused.clear()


def test_a_job_runs_in_the_mode_in_which_it_was_made():
    with sk.mode("warn"):
        job = jobs._Job()
    modes: list[Any] = []
    job.run(lambda: modes.append(sk.get_mode()))
    job.step(lambda: modes.append(sk.get_mode()))
    assert modes == ["warn", sk.get_mode()]
