"""Every kind of error, word by word: the problem, the argument that bound each axis, and the fix."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Bool, Float32, UInt8

import sekisho as sk


@sk.numpy_world
def resize(
    image: Float32[np.ndarray, "h w"],
    mask: Bool[np.ndarray, "h w"] | None = None,
    size: int = 3,
    tags: list[str] | None = None,
) -> Float32[np.ndarray, "h w"]:
    return image


IMAGE = np.zeros((480, 640), np.float32)


class Unreadable:
    """Raises on all attribute access."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")

    def __hash__(self):
        return 1


Unreadable.__module__ = "vendor.data"


class Frame:
    """Like a pandas data frame."""

    def to_numpy(self, dtype=float):
        return np.zeros(3, dtype)


Frame.__module__ = "pandas.core.frame"


class Picture:
    """Like a PIL image: it exports its memory, and is not an array."""

    def __init__(self, pixels):
        self.pixels = pixels

    @property
    def __array_interface__(self):
        return self.pixels.__array_interface__


Picture.__module__ = "PIL.Image"


@sk.numpy_world
def stack_up(
    image: Float32[np.ndarray, "b c h w"],
    volume: Float32[np.ndarray, "t 5 h"] | None = None,
    named: dict[str, Float32[np.ndarray, "b"]] | None = None,
    *rest: Float32[np.ndarray, "w c"],
): ...


@sk.numpy_world
def channels(images: Float32[np.ndarray, "b 3 h w"]): ...


@sk.numpy_world
def forget(image: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    image.mean(-1)


async def load():
    return IMAGE


def awaited_late():
    coroutine = load()
    try:
        resize(coroutine)
    finally:
        coroutine.close()


BATCH = np.zeros((2, 3, 4, 5), np.float32)

REFUSALS = {
    "a swapped mask": (
        lambda: resize(IMAGE, np.zeros((640, 480), bool)),
        sk.ShapeError,
        """\
resize() argument 'mask': expected Bool[ndarray, "h w"] | None, got bool[640, 480] (NumPy).
  axis 'h' is 480 (from argument 'image'), but axis 0 of 'mask' is 640
  w is 640 (from argument 'image')
  hint: the two axes look transposed: transpose2d(mask), which is mask.T""",
    ),
    "a wrong size": (
        lambda: resize(IMAGE, np.zeros((480, 641), bool)),
        sk.ShapeError,
        """\
resize() argument 'mask': expected Bool[ndarray, "h w"] | None, got bool[480, 641] (NumPy).
  axis 'w' is 640 (from argument 'image'), but axis 1 of 'mask' is 641
  h is 480 (from argument 'image')""",
    ),
    "an axis that is missing, and may be any": (
        lambda: resize(np.zeros(3, np.float32)),
        sk.ShapeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[3] (NumPy).
  'image' has 1 axis, not 2""",
    ),
    "an extra batch axis": (
        lambda: resize(IMAGE[None]),
        sk.ShapeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[1, 480, 640] (NumPy).
  'image' has 3 axes, not 2
  hint: there is a batch axis of size 1 too many: remove_batch_dim(image), which is image[0]""",
    ),
    "too many axes": (
        lambda: resize(np.zeros((2, 3, 4), np.float32)),
        sk.ShapeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[2, 3, 4] (NumPy).
  'image' has 3 axes, not 2""",
    ),
    "another dtype": (
        lambda: resize(np.zeros((2, 2))),
        sk.DTypeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float64[2, 2] (NumPy).
  'image' is float64, not Float32
  hint: image.astype('float32')""",
    ),
    "a list": (
        lambda: resize([[1.0]]),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a list.
  a list is not an array
  hint: numpy.asarray(image, dtype='float32')""",
    ),
    "None": (
        lambda: resize(None),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got None.
  hint: if it may be missing, let its annotation say so: ... | None""",
    ),
    "a string": (
        lambda: resize("cat.png"),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a str.
  a str is not an array
  hint: it is the name of a file: read it first, with PIL.Image.open(image)""",
    ),
    "bytes": (
        lambda: resize(b"abc"),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a bytes.
  a bytes is not an array""",
    ),
    "a NumPy scalar": (
        lambda: resize(np.float32(1)),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32 scalar (NumPy).
  a NumPy scalar is not an array""",
    ),
    "a scalar of another type": (
        lambda: resize(IMAGE, size=2.5),
        sk.BoundaryError,
        """\
resize() argument 'size': expected int, got a float.""",
    ),
    "a list of the wrong items": (
        lambda: resize(IMAGE, tags=[1]),
        sk.BoundaryError,
        """\
resize() argument 'tags': expected list[str] | None, got a list.""",
    ),
}

REFUSALS |= {
    "channels last": (
        lambda: stack_up(BATCH, None, None, np.zeros((3, 5), np.float32)),
        sk.ShapeError,
        """\
stack_up() argument 'rest' at rest[0]: expected Float32[ndarray, "w c"], got float32[3, 5] (NumPy).
  axis 'w' is 5 (from argument 'image'), but axis 0 of rest[0] is 3
  c is 3 (from argument 'image')
  hint: the two axes look transposed: transpose2d(rest[0]), which is rest[0].T""",
    ),
    "channels last in a batch": (
        lambda: channels(np.zeros((2, 8, 9, 3), np.float32)),
        sk.ShapeError,
        """\
channels() argument 'images': expected Float32[ndarray, "b 3 h w"], got float32[2, 8, 9, 3] (NumPy).
  axis 1 of 'images' is 8, not 3
  hint: the channels look last: channels_first(images), which is numpy.moveaxis(images, -1, -3)""",
    ),
    "two axes swapped, one of any size": (
        lambda: stack_up(BATCH, np.zeros((4, 5, 6), np.float32)),
        sk.ShapeError,
        """\
stack_up() argument 'volume': expected Float32[ndarray, "t 5 h"] | None, got float32[4, 5, 6] (NumPy).
  axis 'h' is 4 (from argument 'image'), but axis 2 of 'volume' is 6""",
    ),
    "an item of a dict": (
        lambda: stack_up(BATCH, None, {"first": np.zeros(2, np.float32), "second": BATCH[0, 0, 0]}),
        sk.ShapeError,
        """\
stack_up() argument 'named' at named['second']: expected Float32[ndarray, "b"], got float32[5] (NumPy).
  axis 'b' is 2 (from argument 'image'), but axis 0 of named['second'] is 5""",
    ),
    "a key that cannot be shown": (
        lambda: stack_up(BATCH, None, {Unreadable(): np.zeros(2, np.float32)}),
        sk.BoundaryError,
        """\
stack_up() argument 'named': expected dict[str, Float32[ndarray, "b"]] | None, got a dict.
  the key <vendor.Unreadable> is a vendor.Unreadable, not str""",
    ),
    "a long key": (
        lambda: stack_up(BATCH, None, {"k" * 1000: np.zeros(3, np.float32)}),
        sk.ShapeError,
        """\
stack_up() argument 'named' at named['kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...]: expected Float32[ndarray, "b"], got float32[3] (NumPy).
  axis 'b' is 2 (from argument 'image'), but axis 0 of named['kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...] is 3""",
    ),
    "a value of which nothing can be asked": (
        lambda: resize(Unreadable()),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a vendor.Unreadable.
  a vendor.Unreadable is not an array""",
    ),
    "a data frame": (
        lambda: resize(Frame()),
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a pandas.Frame.
  a pandas.Frame is not an array""",
    ),
    "a picture of another dtype": (
        lambda: resize(Picture(np.zeros((4, 5), np.uint8))),
        sk.DTypeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got uint8[4, 5] (NumPy), made of a PIL.Picture.
  'image' is uint8, not Float32
  hint: numpy.asarray(image, dtype='float32')""",
    ),
    "a picture in a dict": (
        lambda: stack_up(BATCH, None, {"first": Picture(np.zeros(2, np.uint8))}),
        sk.DTypeError,
        """\
stack_up() argument 'named' at named['first']: expected Float32[ndarray, "b"], got uint8[2] (NumPy), made of a PIL.Picture.
  named['first'] is uint8, not Float32
  hint: numpy.asarray(named['first'], dtype='float32')""",
    ),
    "a picture of another shape": (
        lambda: resize(Picture(np.zeros((1, 4, 5), np.float32))),
        sk.ShapeError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[1, 4, 5] (NumPy), made of a PIL.Picture.
  'image' has 3 axes, not 2
  hint: remove_batch_dim(numpy.asarray(image))""",
    ),
    "a forgotten return": (
        lambda: forget(np.zeros((2, 2, 3), np.uint8)),
        sk.WorldError,
        """\
forget() the result: expected Float32[ndarray, "h w"], got None.
  hint: the function returned nothing: is a 'return' missing?""",
    ),
    "a forgotten await": (
        awaited_late,
        sk.WorldError,
        """\
resize() argument 'image': expected Float32[ndarray, "h w"], got a coroutine.
  a coroutine is not an array
  hint: it was not awaited: await image""",
    ),
}


def torch_refusals():
    import torch

    @sk.torch_world
    def net(images: Float32[torch.Tensor, "b c h w"], weights: Float32[torch.Tensor, "c k"]):
        return images.numpy()

    @sk.torch_world
    def leave(x: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return x.numpy()

    @sk.torch_world(device="meta", on_foreign="refuse")
    def far(x: Float32[torch.Tensor, "n"]): ...

    @sk.boundary
    def border(x: Float32[np.ndarray, "n"] | None): ...

    def strict(call):
        with sk.mode("strict"):
            call()

    images, weights = torch.zeros(2, 3, 4, 5), torch.zeros(3, 6)
    return {
        "a missing batch axis, tensor": (lambda: net(images[0], weights), sk.ShapeError),
        "an extra batch axis, tensor": (lambda: net(images, weights[None]), sk.ShapeError),
        "a transposed tensor": (lambda: net(images, weights.T), sk.ShapeError),
        "a tensor of another dtype": (lambda: net(images.double(), weights), sk.DTypeError),
        "an array in strict mode": (
            lambda: strict(lambda: net(images.numpy(), weights)),
            sk.WorldError,
        ),
        "a tensor in strict mode": (lambda: strict(lambda: resize(weights)), sk.WorldError),
        "an array that is rejected": (lambda: far(images[0, 0, 0].numpy()), sk.WorldError),
        "a tensor apart": (lambda: far(weights[0]), sk.DeviceError),
        "a tensor at a boundary": (lambda: border(weights[0]), sk.WorldError),
        "a tensor that requires grad": (
            lambda: resize(weights.requires_grad_()),
            sk.ConversionError,
        ),
        "a result of the other world": (lambda: leave(images[0, 0, 0]), sk.WorldError),
        "a list for a tensor": (lambda: leave([1.0]), sk.WorldError),
        "a picture for a tensor": (lambda: leave(Picture(np.zeros(3, np.uint8))), sk.DTypeError),
    }


TORCH_TEXTS = {
    "a missing batch axis, tensor": """\
net() argument 'images': expected Float32[Tensor, "b c h w"], got float32[3, 4, 5] (PyTorch).
  'images' has 3 axes, not 4
  hint: the batch axis is missing: add_batch_dim(images), which is images.unsqueeze(0)""",
    "an extra batch axis, tensor": """\
net() argument 'weights': expected Float32[Tensor, "c k"], got float32[1, 3, 6] (PyTorch).
  'weights' has 3 axes, not 2
  c is 3 (from argument 'images')
  hint: there is a batch axis of size 1 too many: remove_batch_dim(weights), which is weights.squeeze(0)""",
    "a transposed tensor": """\
net() argument 'weights': expected Float32[Tensor, "c k"], got float32[6, 3] (PyTorch).
  axis 'c' is 3 (from argument 'images'), but axis 0 of 'weights' is 6
  hint: the two axes look transposed: transpose2d(weights), which is weights.permute(1, 0)""",
    "a tensor of another dtype": """\
net() argument 'images': expected Float32[Tensor, "b c h w"], got float64[2, 3, 4, 5] (PyTorch).
  'images' is float64, not Float32
  hint: images.to(torch.float32)""",
    "an array in strict mode": """\
net() argument 'images': expected Float32[Tensor, "b c h w"], got float32[2, 3, 4, 5] (NumPy).
  mode 'strict' lets nothing cross here
  hint: to_torch(images), or @torch_world(on_foreign='convert')""",
    "a tensor in strict mode": """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[3, 6] (PyTorch).
  mode 'strict' lets nothing cross here
  hint: to_numpy(image), or @numpy_world(on_foreign='convert')""",
    "an array that is rejected": """\
far() argument 'x': expected Float32[Tensor, "n"], got float32[5] (NumPy).
  on_foreign='refuse' lets nothing cross here
  hint: to_torch(x).to('meta')""",
    "a tensor apart": """\
far() argument 'x': expected Float32[Tensor, "n"], got float32[6] (PyTorch).
  'x' is on cpu, not meta
  hint: x.to('meta')""",
    "a tensor at a boundary": """\
border() argument 'x': expected Float32[ndarray, "n"] | None, got float32[6] (PyTorch).
  a boundary takes what its annotations say; on_foreign='convert' converts
  hint: to_numpy(x)""",
    "a tensor that requires grad": """\
resize() argument 'image': expected Float32[ndarray, "h w"], got float32[3, 6] (PyTorch).
  it requires grad, and an array would cut it from its graph
  hint: image.detach(), or the option detach=True""",
    "a result of the other world": """\
leave() the result: expected Float32[Tensor, "n"], got float32[5] (NumPy).
  the function left its world
  hint: to_torch(result)""",
    "a list for a tensor": """\
leave() argument 'x': expected Float32[Tensor, "n"], got a list.
  a list is not a tensor
  hint: torch.tensor(x)""",
    "a picture for a tensor": """\
leave() argument 'x': expected Float32[Tensor, "n"], got uint8[3] (PyTorch), made of a PIL.Picture.
  'x' is uint8, not Float32
  hint: numpy.asarray(x, dtype='float32')""",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_function_argument_expected_got_and_the_fix(name):
    call, kind, text = REFUSALS[name]
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("name", TORCH_TEXTS)
def test_a_refusal_speaks_of_tensors_as_torch_does(torch, second_device, name):
    call, kind = torch_refusals()[name]
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == TORCH_TEXTS[name]


@pytest.mark.parametrize("name", REFUSALS)
def test_errors_pickle_whole_and_hold_no_array(name):
    call, kind, text = REFUSALS[name]
    with pytest.raises(kind) as caught:
        call()
    data = pickle.dumps(caught.value)
    again = pickle.loads(data)
    assert type(again) is kind
    assert str(again) == text
    assert again.violation == caught.value.violation
    assert len(data) < 2000


@pytest.mark.parametrize("name", REFUSALS)
def test_errors_are_plain_data_for_a_log(name):
    call, kind, text = REFUSALS[name]
    with pytest.raises(kind) as caught:
        call()
    data = json.loads(json.dumps(caught.value.to_dict()))
    assert data["error"] == kind.__name__
    assert data["message"] == text
    assert text.startswith(f"{data['function']}() {data['place']}: expected {data['expected']}")


def test_an_error_without_a_violation_is_data_too():
    assert sk.ShapeError("while tracing").to_dict() == {
        "error": "ShapeError",
        "message": "while tracing",
    }


def test_a_violation_is_data():
    with pytest.raises(sk.ShapeError) as caught:
        resize(IMAGE, np.zeros((640, 480), bool))
    violation = caught.value.violation
    assert violation.function == "resize"
    assert violation.place == "argument 'mask'"
    assert violation.axes == (("h", 480, "argument 'image'"), ("w", 640, "argument 'image'"))
    assert caught.value.to_dict()["axes"] == {
        "h": {"size": 480, "from": "argument 'image'"},
        "w": {"size": 640, "from": "argument 'image'"},
    }


def test_values_whose_attributes_raise_still_get_a_message():
    class Broken:
        def __getattribute__(self, name):
            if name != "__class__":
                raise RuntimeError("no")
            return Broken

    with pytest.raises(sk.WorldError, match=r"got a tests\.Broken\."):
        resize(Broken())


def test_a_message_stays_short_with_fifty_arguments():
    names = [f"a{i}" for i in range(50)]
    hints = ", ".join(f'{name}: Float32[np.ndarray, "n{i} m"]' for i, name in enumerate(names))
    scope: dict[str, Any] = {"np": np, "Float32": Float32}
    exec(
        f"def many({hints}, last: Float32[np.ndarray, '{' '.join(f'n{i}' for i in range(9))}']): ...",
        scope,
    )
    arrays = [np.zeros((i + 1, 3), np.float32) for i in range(50)]
    with pytest.raises(sk.ShapeError) as caught:
        sk.numpy_world(scope["many"])(*arrays, np.zeros((9,) * 9, np.float32)[..., :0])
    lines = str(caught.value).splitlines()
    assert len(lines) < 20
    assert "n1 is 2 (from argument 'a1')" in lines[2]


def test_values_are_never_printed():
    secret = np.full((2, 2), 73123, np.float64)
    for call in (
        lambda: resize(secret),
        lambda: stack_up([secret]),
        lambda: sk.transpose2d(secret[0]),
        lambda: sk.stack([secret, secret[0]]),
    ):
        with pytest.raises(sk.BoundaryError) as caught:
            call()
        assert "73123" not in str(caught.value) + repr(caught.value)


@pytest.fixture
def traceback_of(pytester):
    """Return what pytest prints for a failing test of one line."""

    def print_of(line):
        pytester.makepyfile(
            f"""
            import numpy as np
            import sekisho as sk


            @sk.numpy_world
            def halve(x: np.ndarray) -> np.ndarray:
                return x[: len(x) // 0] if len(x) == 7 else x


            def test_it():
                {line}
            """
        )
        return pytester.runpytest_inprocess("-p", "no:cacheprovider").stdout.str()

    return print_of


@pytest.mark.parametrize("line", ["halve([1])", "sk.add_batch_dim([1])", "sk.to_torch([1])"])
def test_pytest_shows_the_callers_line_and_none_of_ours(traceback_of, line):
    shown = traceback_of(line)
    assert f">       {line}" in shown
    assert "hint: " in shown
    assert "sekisho/" not in shown.replace("site-packages/sekisho", "")
    assert "<sekisho guard" not in shown


def test_a_declaration_that_is_refused_points_at_the_decorator():
    with pytest.raises(sk.DeclarationError) as caught:

        @sk.numpy_world
        def f(x: Float32[np.ndarray, "n,"]): ...

    files = [entry.filename for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert Path(files[0]) == Path(__file__)
    assert {Path(each).name for each in files[1:]} == {"decorators.py"}


def test_pytest_hides_the_guard_where_a_body_fails(traceback_of):
    shown = traceback_of("halve(np.zeros(7))")
    assert "ZeroDivisionError" in shown
    assert "x[: len(x) // 0]" in shown
    assert "<sekisho guard" not in shown


def test_a_traceback_is_short():
    for _ in range(2):
        with pytest.raises(sk.ShapeError):  # makes all that the first call makes
            resize(IMAGE[None])
    with pytest.raises(sk.ShapeError) as caught:
        resize(IMAGE[None])
    _, *names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["resize"]  # the guard, without the functions that it calls


def test_ipython_shows_the_whole_message():
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            shell.run_cell("import numpy as np, sekisho as sk\nsk.transpose2d(np.zeros(3))")
    finally:
        InteractiveShell.clear_instance()
    assert (
        "transpose2d() argument 'x': expected 2 axes, got float64[3] (NumPy)." in shown.getvalue()
    )
