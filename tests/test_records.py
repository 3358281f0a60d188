"""Records: their fields are checked, whatever makes them, and their axis names are their own."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import numpy as np
import pytest
from jaxtyping import Float32, Shaped

import sekisho as sk

A = np.ndarray
Box = TypeVar("Box")


def refused(function, *args, **kwargs) -> bool:
    try:
        function(*args, **kwargs)
    except sk.BoundaryError:
        return True
    return False


def zeros(*shape: int) -> Any:
    return np.zeros(shape, "f4")


FIELDS = {"rows": Float32[A, "n d"], "labels": Float32[A, "n"]}


def pydantic_model(name: str, fields: dict[str, Any], **config: Any) -> Any:
    pydantic = pytest.importorskip("pydantic")
    allowed = pydantic.ConfigDict(arbitrary_types_allowed=True, **config)
    # pydantic itself checks classes; sekisho checks the axes.
    hints = {key: (hint, ...) for key, hint in fields.items()}
    return pydantic.create_model(name, __config__=allowed, **hints)


def pydantic_dataclass(name: str, fields: dict[str, Any]) -> Any:
    pydantic = pytest.importorskip("pydantic")
    plain = dataclasses.make_dataclass(name, list(fields.items()))
    return pydantic.dataclasses.dataclass(plain, config={"arbitrary_types_allowed": True})


def msgspec_struct(name: str, fields: dict[str, Any], **options: Any) -> Any:
    msgspec = pytest.importorskip("msgspec")
    return msgspec.defstruct(name, list(fields.items()), **options)


KINDS: dict[str, Any] = {
    "dataclass": lambda name, fields: dataclasses.make_dataclass(name, list(fields.items())),
    "frozen dataclass": lambda name, fields: dataclasses.make_dataclass(
        name, list(fields.items()), frozen=True
    ),
    "slotted dataclass": lambda name, fields: dataclasses.make_dataclass(
        name, list(fields.items()), slots=True
    ),
    "attrs": lambda name, fields: attrs.make_class(
        name, {key: attrs.field(type=hint) for key, hint in fields.items()}
    ),
    "NamedTuple": lambda name, fields: NamedTuple(name, list(fields.items())),
    "TypedDict": lambda name, fields: TypedDict(name, fields),  # noqa: PLW0108 - TypedDict is not a class
    "pydantic": pydantic_model,
    "frozen pydantic": lambda name, fields: pydantic_model(name, fields, frozen=True),
    "pydantic dataclass": pydantic_dataclass,
    "msgspec": msgspec_struct,
    "frozen msgspec": lambda name, fields: msgspec_struct(name, fields, frozen=True),
}
VALIDATED = [kind for kind in KINDS if "pydantic" in kind or "msgspec" in kind]
THIRD_PARTY = pytest.mark.parametrize("kind", VALIDATED)
every_kind = pytest.mark.parametrize("kind", KINDS)


def make(kind: str, fields: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """Return a record class of that kind, and a function that makes it from any values, unchecked."""
    own = KINDS[kind]("Batch", FIELDS if fields is None else fields)

    def build(**values: Any) -> Any:
        if "pydantic" in kind and "dataclass" not in kind:
            return own.model_construct(**values)  # does not validate
        if kind == "pydantic dataclass":
            record = object.__new__(own)
            record.__dict__.update(values)
            return record
        return own(**values)

    return own, build


def guard(hint: Any, *others: Any, returns: Any = None, decorate: Any = sk.numpy_world) -> Any:
    def f(x, *rest):
        return x

    if others:

        def f(x, y):
            return x

    hints = dict(zip(("x", "y"), (hint, *others), strict=False))
    f.__annotations__ = hints if returns is None else {**hints, "return": returns}
    return decorate(f)


@every_kind
def test_a_records_fields_are_checked(kind):
    own, build = make(kind)
    f = guard(own)
    good = build(rows=zeros(2, 3), labels=zeros(2))
    assert f(good) is good
    assert refused(f, build(rows=zeros(2, 3), labels=zeros(4)))
    assert refused(f, build(rows=zeros(2), labels=zeros(2)))
    assert refused(f, build(rows=zeros(2, 3).astype("f8"), labels=zeros(2)))
    assert refused(f, build(rows=None, labels=zeros(2)))
    assert refused(f, 3)
    assert refused(guard(list[own]), [good, build(rows=zeros(2, 3), labels=zeros(4))])
    assert not refused(guard(own | None), None)


@every_kind
def test_an_error_names_the_field(kind):
    own, build = make(kind)
    with pytest.raises(sk.ShapeError) as caught:
        guard(own)(build(rows=zeros(2, 3), labels=zeros(4)))
    at = (lambda name: f"x[{name!r}]") if kind == "TypedDict" else (lambda name: f"x.{name}")
    assert str(caught.value) == (
        f"""f() argument 'x' at {at("labels")}: expected Float32[ndarray, "n"], """
        "got float32[4] (NumPy).\n"
        f"  axis 'n' is 2 (from {at('rows')}), but axis 0 of {at('labels')} is 4"
    )


@every_kind
def test_a_foreign_field_is_converted_in_a_record_of_its_own(kind, torch):
    own, build = make(kind)
    labels = torch.zeros(2)
    given = build(rows=zeros(2, 3), labels=labels)
    got = guard(own)(given)

    def look(record: Any, name: str) -> Any:
        return record[name] if kind == "TypedDict" else getattr(record, name)

    assert isinstance(look(got, "labels"), np.ndarray)
    assert look(got, "rows") is look(given, "rows")
    assert type(got) is type(given)
    assert look(given, "labels") is labels
    with sk.mode("strict"):
        assert refused(guard(own), given)


# --- whose axes are these ---------------------------------------------------------------------------


@every_kind
def test_two_records_in_one_call_may_be_of_different_sizes(kind):
    own, build = make(kind)
    two, three = (build(rows=zeros(n, 1), labels=zeros(n)) for n in (2, 3))
    joined = guard(own, own, returns=own)
    assert joined(two, three) is two
    assert not refused(guard(list[own]), [two, three])
    assert not refused(guard(dict[str, own]), {"a": two, "b": three})
    assert not refused(guard(tuple[own, own]), (two, three))
    assert refused(joined, two, build(rows=zeros(2, 1), labels=zeros(3)))


@every_kind
@pytest.mark.parametrize("name", ["n", "*n", "#n", "2*n"])
def test_what_the_function_names_the_record_shares(kind, name):
    own, build = make(kind, {"labels": Float32[A, "n"], "more": Float32[A, "*n"]})
    record = build(labels=zeros(2), more=zeros(2))
    sizes = {"n": 2, "*n": 2, "#n": 2, "2*n": 4}
    f = guard(own, Float32[A, name])
    assert not refused(f, record, zeros(sizes[name]))
    assert refused(f, record, zeros(sizes[name] + 1))
    assert refused(guard(Float32[A, "n"], own), zeros(3), record)
    assert not refused(guard(Float32[A, "k"], own), zeros(3), record)
    assert refused(
        guard(list[own], Float32[A, "n"]), [record, build(labels=zeros(3), more=zeros(2))], zeros(2)
    )


def test_a_result_may_name_the_axis_of_a_record():
    own, build = make("dataclass")
    result: list[Any] = []

    def f(x) -> Float32[A, "n"]:
        return result[0]

    f.__annotations__["x"] = own
    guarded = sk.numpy_world(f)
    for size, passes in ((2, True), (3, False)):
        result[:] = [zeros(size)]
        assert refused(guarded, build(rows=zeros(2, 1), labels=zeros(2))) != passes


@dataclasses.dataclass
class Inner:
    image: Shaped[A, "h w"]
    mask: Shaped[A, "h w"]


@dataclasses.dataclass
class Free:
    first: Inner
    second: Inner


@dataclasses.dataclass
class Tied:
    first: Inner
    second: Inner
    weights: Shaped[A, "h w"]


def inner(h: int, w: int) -> Inner:
    return Inner(np.zeros((h, w)), np.zeros((h, w)))


def test_a_record_in_a_record_shares_what_the_outer_one_names():
    assert not refused(guard(Free), Free(inner(2, 3), inner(4, 5)))
    assert refused(guard(Free), Free(inner(2, 3), Inner(np.zeros((2, 3)), np.zeros((2, 4)))))
    assert not refused(guard(Tied), Tied(inner(2, 3), inner(2, 3), np.zeros((2, 3))))
    assert refused(guard(Tied), Tied(inner(2, 3), inner(4, 5), np.zeros((2, 3))))
    assert refused(guard(Free, Shaped[A, "h w"]), Free(inner(2, 3), inner(4, 5)), np.zeros((2, 3)))


def test_the_fields_of_packed_keywords_are_arguments():
    class Options(TypedDict):
        rows: Float32[A, "n d"]
        labels: Float32[A, "n"]

    def f(x: Float32[A, "n"], **options: typing.Unpack[Options]): ...

    f.__annotations__["options"] = typing.Unpack[Options]
    f.__annotations__["x"] = Float32[A, "n"]
    guarded = sk.numpy_world(f)
    assert not refused(guarded, zeros(2), rows=zeros(2, 1), labels=zeros(2))
    assert refused(guarded, zeros(3), rows=zeros(2, 1), labels=zeros(2))


def test_a_size_in_braces_is_a_field_of_the_record():
    @dataclasses.dataclass
    class Table:
        k: int
        x: Float32[A, "{k} {len(self.names)}"]
        names: list[str]

    Table.__annotations__["x"] = Float32[A, "{k} {len(self.names)}"]
    f = guard(Table)
    assert not refused(f, Table(2, zeros(2, 1), ["a"]))
    assert refused(f, Table(3, zeros(2, 1), ["a"]))
    assert refused(f, Table(2, zeros(2, 1), ["a", "b"]))


def test_a_symbolic_axis_in_a_record_needs_its_names_there():
    own, build = make("dataclass", {"a": Float32[A, "n"], "b": Float32[A, "n+1"]})
    assert not refused(guard(own), build(a=zeros(1), b=zeros(2)))
    assert refused(guard(own), build(a=zeros(1), b=zeros(3)))
    unbound, _ = make("dataclass", {"b": Float32[A, "n+1"]})
    with pytest.raises(sk.DeclarationError, match="uses 'n', which no axis before it binds"):
        guard(unbound)
    assert not refused(guard(Float32[A, "n"], unbound), zeros(1), unbound(zeros(2)))


# --- records of other libraries -----------------------------------------------------------------------


@THIRD_PARTY
@pytest.mark.parametrize("decorate", [sk.numpy_world, sk.boundary, sk.same_world(copy=True)])
def test_a_record_that_its_library_makes_cannot_be_guarded_in_silence(kind, decorate):
    own, _ = make(kind, {"x": Float32[A, "n"]} if decorate is not sk.boundary else None)
    with pytest.raises(sk.DeclarationError) as caught:
        decorate(own)
    assert "Batch holds arrays in its fields, and its library makes it, past any guard." in str(
        caught.value
    )
    assert "hint: annotate the argument of a guarded function with Batch" in str(caught.value)


@THIRD_PARTY
def test_a_record_without_arrays_may_have_guarded_methods(kind):
    own, _ = make(kind, {"k": int})
    if "msgspec" in kind:
        pytest.skip("the methods of a struct are written in its class")

    def scale(self, x: Float32[A, "n"]) -> Float32[A, "n"]:
        return x * self.k

    scale.__annotations__ = {"x": Float32[A, "n"]}
    own.scale = scale
    guarded = sk.numpy_world(own)
    assert not refused(guarded(k=2).scale, zeros(2))
    assert refused(guarded(k=2).scale, 3)


def test_a_field_that_is_a_type_parameter_is_what_it_stands_for():
    pydantic = pytest.importorskip("pydantic")

    class Wrapped(pydantic.BaseModel, Generic[Box]):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        value: Box

    own = Wrapped[Float32[A, "n n"]]
    f = guard(own)
    assert not refused(f, own.model_construct(value=zeros(2, 2)))
    assert refused(f, own.model_construct(value=zeros(2, 3)))


@pytest.mark.parametrize("base", ["metaclass", "base class"])
def test_a_record_that_nobody_can_read_is_refused_at_decoration(base):
    @typing.dataclass_transform()
    class Meta(type):
        pass

    @typing.dataclass_transform()
    class Base:
        pass

    own: Any = (
        Meta("Own", (), {"__annotations__": {"x": Float32[A, "n"], "k": int}})
        if base == "metaclass"
        else type("Own", (Base,), {"__annotations__": {"x": list[A]}})
    )
    with pytest.raises(sk.DeclarationError, match="the field 'x' of an Own cannot be checked"):
        guard(own)
    harmless: Any = Meta("Harmless", (), {"__annotations__": {"k": int}})
    assert not refused(guard(harmless), harmless())


def test_typed_tensor_dicts_are_read(torch):
    tensordict = pytest.importorskip("tensordict")
    T = torch.Tensor

    class Typed(tensordict.TypedTensorDict):
        x: Any
        y: Any

    Typed.__annotations__ = {"x": Float32[T, "n"], "y": Float32[T, "n d"]}
    f = guard(Typed, decorate=sk.torch_world)

    def typed(x, y):
        return Typed(x=x, y=y, batch_size=[])

    good = typed(torch.zeros(2), torch.zeros(2, 3))
    assert f(good) is good
    assert refused(f, typed(torch.zeros(2), torch.zeros(3, 3)))
    assert refused(f, typed(torch.zeros(2), torch.zeros(2, 3, dtype=torch.float64)))
    assert refused(f, 3)


def test_a_record_that_cannot_hold_what_its_field_becomes_is_refused(torch):
    tensordict = pytest.importorskip("tensordict")

    @tensordict.tensorclass
    class Typed:
        x: Any

    Typed.__annotations__["x"] = A
    f = guard(Typed)
    given = Typed(x=torch.zeros(2), batch_size=[])
    with pytest.raises(sk.BoundaryError):
        f(given)
    assert isinstance(given.x, torch.Tensor)


def test_a_named_tuple_that_inherits_has_the_fields_it_inherits():
    class Pair(NamedTuple):
        rows: Float32[A, "n d"]
        labels: Float32[A, "n"]

    class Named(Pair):
        title: str = "a class attribute, and no field"

    @sk.numpy_world
    def f(x: Named): ...

    f(Named(zeros(2, 3), zeros(2)))
    assert refused(f, Named(zeros(2, 3), zeros(3)))
    assert refused(f, Named(zeros(2), zeros(2)))
