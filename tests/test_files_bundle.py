"""Model files: what was saved comes back bit for bit; anything else is one ModelFileError."""

import functools
import hashlib
import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.errors import ChainruleError, ConfigurationError, ModelFileError
from chainrule.files import load_bundle, save_bundle

CONTENT = {"network": "3-2:softmax", "rate": 0.1, "epoch": 7, "state": [2**100, None, True, "é\U0001f600"]}


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "W[1]": np.asfortranarray(rng.normal(size=(4, 3)).astype(np.float32)),
        "b[1]": rng.normal(size=(4, 1)),
        "steps": np.array(12, dtype=np.int64),
        "seed": np.array([2**64 - 1], dtype=np.uint64),
        "mask": np.array([[True, False, True]]),
        "image": np.arange(7, dtype=np.uint8),
        "none": np.zeros((0, 5)),
        "kernel": np.asfortranarray(rng.normal(size=(2, 3, 4))),
    }


def bits(array: np.ndarray) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.tobytes(order="C"), array.flags.c_contiguous, array.flags.f_contiguous


def build(
    index: Any = None, data: bytes = b"", *, ours: Any = None, text: str | None = None, header: bytes | None = None
) -> bytes:
    """A file with a right checksum, put together from the documented layout alone."""
    given = {"content": {}, "format": 1, "fortran_order": [], "kind": "model"} if ours is None else ours
    text = json.dumps(given) if text is None else text
    if header is None:
        entries = json.dumps(index or {})[1:]
        comma = "," if entries != "}" else ""
        chainrule = json.dumps(text)
        header = f'{{"__metadata__":{{"checksum":"{"0" * 64}","chainrule":{chainrule}}}{comma}{entries}'.encode()
    whole = struct.pack("<Q", len(header)) + header + data
    return whole.replace(b"0" * 64, hashlib.sha256(whole).hexdigest().encode(), 1)


def refuse(tmp_path: Path, whole: bytes, word: str, **options: Any) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(whole)
    with pytest.raises(ModelFileError, match=word) as caught:
        load_bundle(path, kind="model", **options)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


@functools.cache
def saved(folder: Path) -> bytes:
    save_bundle(folder / "saved", tensors(), CONTENT, kind="model")
    return (folder / "saved").read_bytes()


def test_round_trip_keeps_bits_shape_and_memory_order(tmp_path: Path) -> None:
    save_bundle(tmp_path / "m", tensors(), CONTENT, kind="checkpoint")
    bundle = load_bundle(tmp_path / "m", kind="checkpoint")
    assert {k: bits(v) for k, v in bundle.tensors.items()} == {k: bits(v) for k, v in tensors().items()}
    assert bundle.content == CONTENT
    assert all(array.flags.writeable and array.flags.aligned for array in bundle.tensors.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_round_trip_of_any_array(tmp_path: Path, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["<f4", ">f4", "<f8", ">f8", "i8", "u8", "u1", "?"]))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    array = data.draw(st.sampled_from([array, array.T, array[::-1] if array.ndim else array]))
    save_bundle(tmp_path / "m", {"x": array}, {}, kind="model")
    back = load_bundle(tmp_path / "m", kind="model", allow_nonfinite=True).tensors["x"]
    assert bits(back)[:3] == bits(array.astype(array.dtype.newbyteorder("<")))[:3]
    if array.flags.c_contiguous or array.flags.f_contiguous:
        assert bits(back)[3:] == bits(array)[3:]


def test_readable_by_safetensors_itself(tmp_path: Path) -> None:
    save_bundle(tmp_path / "m", tensors(), CONTENT, kind="model")
    plain = safetensors.numpy.load_file(tmp_path / "m")
    assert plain.keys() == tensors().keys()
    for name, array in tensors().items():
        assert bits(plain[name])[:3] == bits(array)[:3]
    with safetensors.safe_open(tmp_path / "m", "np") as file:
        ours = json.loads(file.metadata()["chainrule"])
    assert ours["content"] == CONTENT
    assert (ours["format"], ours["kind"]) == (1, "model")


def test_empty_bundle(tmp_path: Path) -> None:
    save_bundle(tmp_path / "m", {}, {}, kind="model")
    assert load_bundle(tmp_path / "m", kind="model").tensors == {}
    assert safetensors.numpy.load_file(tmp_path / "m") == {}


def test_same_content_same_bytes_in_any_order(tmp_path: Path) -> None:
    save_bundle(tmp_path / "a", tensors(), CONTENT, kind="model")
    backwards = dict(reversed(tensors().items()))
    save_bundle(tmp_path / "b", backwards, dict(reversed(CONTENT.items())), kind="model")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_checksum_is_what_the_documentation_says(tmp_path: Path) -> None:
    whole = saved(tmp_path)
    digits = whole[37 : 37 + 64]
    assert hashlib.sha256(whole[:37] + b"0" * 64 + whole[37 + 64 :]).hexdigest().encode() == digits


def test_files_built_by_hand_are_read(tmp_path: Path) -> None:
    """Shows that the hostile files below are refused for their fault, not for how they are built."""
    index = {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    (tmp_path / "m").write_bytes(build(index, struct.pack("<2f", 1, 2)))
    assert load_bundle(tmp_path / "m", kind="model").tensors["x"].tolist() == [1, 2]


def f32(shape: Any, begin: Any, end: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("index", "data", "word"),
    [
        ({"x": f32([2], 0, 8), "y": f32([1], 4, 8)}, 8, "'y' overlaps"),
        ({"x": f32([1], 0, 4), "y": f32([1], 0, 4)}, 4, "overlaps"),
        ({"x": f32([1], 0, 4), "y": f32([1], 8, 12)}, 12, "'y' leaves a hole"),
        ({"x": f32([1], 4, 8)}, 8, "hole"),
        ({"x": f32([2], 0, 8)}, 7, "truncated"),
        ({"x": f32([2], 0, 8)}, 9, "padded"),
        ({"x": f32([-2], 0, 8)}, 8, "shape"),
        ({"x": f32([-1, -2], 0, 8)}, 8, "shape"),
        ({"x": f32([3], 0, 8)}, 8, "12 bytes"),
        ({"x": f32([2.0], 0, 8)}, 8, "shape"),
        ({"x": f32([True, 2], 0, 8)}, 8, "shape"),
        ({"x": f32("2", 0, 8)}, 8, "shape"),
        ({"x": f32([1] * 33, 0, 4)}, 4, "shape"),
        ({"x": f32([0, 2**62], 0, 0)}, 0, "no memory"),
        ({"x": f32([2**40, 2**40], 0, 8)}, 8, "no memory"),
        ({"x": f32([2**40], 0, 2**42)}, 8, "truncated"),
        ({"x": f32([2], 8, 0)}, 8, "data_offsets"),
        ({"x": f32([2], -8, 0)}, 8, "data_offsets"),
        ({"x": f32([2], 0, "8")}, 8, "data_offsets"),
        ({"x": {**f32([2], 0, 8), "data_offsets": [0, 4, 8]}}, 8, "data_offsets"),
        ({"x": f32([2], 0, 8, "F33")}, 8, "dtype 'F33'"),
        ({"x": f32([4], 0, 8, "F16")}, 8, "dtype 'F16'"),
        ({"x": f32([2], 0, 8, ["F32"])}, 8, "dtype"),
        ({"x": {"dtype": "F32", "shape": [2]}}, 8, "record"),
        ({"x": {**f32([2], 0, 8), "code": 1}}, 8, "record"),
        ({"x": 5}, 8, "record"),
        ({"../x": f32([2], 0, 8)}, 8, "'..'"),
        ({"a/..": f32([2], 0, 8)}, 8, "'..'"),
        ({"/etc/x": f32([2], 0, 8)}, 8, "absolute"),
        ({"C:\\x": f32([2], 0, 8)}, 8, "absolute"),
        ({"\\\\host\\x": f32([2], 0, 8)}, 8, "absolute"),
        ({"a\0b": f32([2], 0, 8)}, 8, "NUL"),
        ({"a\nb": f32([2], 0, 8)}, 8, "control"),
        ({"\ud800": f32([2], 0, 8)}, 8, "surrogate"),
        ({"": f32([2], 0, 8)}, 8, "reserved"),
        ({"x": f32([1], 0, 1, "BOOL")}, b"\x02", "bool"),
    ],
)
def test_hostile_tensor_index(tmp_path: Path, index: Any, data: int | bytes, word: str) -> None:
    refuse(tmp_path, build(index, bytes(data) if isinstance(data, int) else data), word)


OURS = {"content": {}, "format": 1, "fortran_order": [], "kind": "model"}


@pytest.mark.parametrize(
    ("ours", "word"),
    [
        ({**OURS, "format": 2}, r"written by a newer chainrule \(format 2, this one reads 1\): upgrade"),
        ({"format": 3}, "newer chainrule"),
        ({**OURS, "format": 0}, "format 0"),
        ({**OURS, "format": True}, "format True"),
        ({**OURS, "format": "1"}, "format '1'"),
        ({**OURS, "kind": "checkpoint"}, "'checkpoint', but a model is needed"),
        ({**OURS, "kind": ["model"]}, "kind"),
        ({**OURS, "content": []}, "content"),
        ({**OURS, "fortran_order": ["x"]}, "fortran_order"),
        ({**OURS, "fortran_order": [["x"]]}, "fortran_order"),
        ({}, "format None"),
        ([1], "not a JSON object"),
    ],
)
def test_hostile_metadata(tmp_path: Path, ours: Any, word: str) -> None:
    refuse(tmp_path, build(ours=ours), word)


def test_a_newer_format_that_is_damaged_says_both(tmp_path: Path) -> None:
    whole = bytearray(build(ours={**OURS, "format": 2}))
    whole[40] ^= 1
    refuse(tmp_path, bytes(whole), "newer chainrule .*, unless it is damaged")


@pytest.mark.parametrize(
    "text", ['{"format":1,"format":1}', "NaN", '{"format":NaN}', "[" * 50_000, "", "1" * 5000, '{"a":"\\udc00"}']
)
def test_metadata_that_is_not_strict_json(tmp_path: Path, text: str) -> None:
    refuse(tmp_path, build(text=text), "not usable JSON")


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}', "'a' stands twice"),
        (b'{"__metadata__":{},"__metadata__":{}}', "'__metadata__' stands twice"),
        (b'{"__metadata__":{"a":"1","a":"2"}}', "'a' stands twice"),
        (b'{"__metadata__":7}', "__metadata__"),
        (b'{"x":{"dtype":"U8","shape":[NaN],"data_offsets":[0,0]}}', "NaN"),
        (b'{"x":\xff}', "UTF-8"),
        (b"{" * 100_000, "not usable JSON"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"a":[' + b"{}," * 1_000_000 + b"{}]}", "more than 1000000 values"),
        (b"{} x", "not usable JSON"),
        (b"{}", "not as chainrule writes it"),
    ],
)
def test_hostile_header(tmp_path: Path, header: bytes, word: str) -> None:
    refuse(tmp_path, build(header=header), word)


def test_values_hidden_behind_escapes_are_counted(tmp_path: Path) -> None:
    text = json.dumps("[" + "0," * 1_000_000 + "0]").replace(",", "\\u002c")
    header = f'{{"__metadata__":{{"checksum":"{"0" * 64}","chainrule":{text}}}}}'.encode()
    refuse(tmp_path, build(header=header), "more than 1000000 values")


def test_oversized_header(tmp_path: Path) -> None:
    refuse(tmp_path, struct.pack("<Q", 100_000_001) + b'{"', "at most 100000000")
    refuse(tmp_path, struct.pack("<Q", 2**64 - 1) + b'{"', "at most 100000000")
    refuse(tmp_path, struct.pack("<Q", 99_000_000) + b'{"a":1}', "truncated")


def test_plain_safetensors_file_of_others(tmp_path: Path) -> None:
    refuse(tmp_path, safetensors.numpy.save({"x": np.zeros(2)}), "not as chainrule writes it")
    others = safetensors.numpy.save({"x": np.zeros(2)}, {"chainrule": "{}"})
    refuse(tmp_path, others, "not as chainrule writes it")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("bomb",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused_by_content_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in [Bomb(), {"W": [1.0, 2.0]}, {}, [np.zeros(3)], [], (1, Bomb()), (1.5, "a"), {"a"}, ("a", 1)]:
        refuse(tmp_path, pickle.dumps(value, protocol), "this is a pickle file")
    assert not (tmp_path / "bomb").exists()


def test_other_formats_are_named(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", b"x")
    npy = io.BytesIO()
    np.save(npy, np.zeros(3))
    refuse(tmp_path, archive.getvalue(), "this is a zip archive")
    refuse(tmp_path, npy.getvalue(), "NumPy array file")
    refuse(tmp_path, b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5")
    refuse(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(100), "picture")
    refuse(tmp_path, b"", "empty")
    refuse(tmp_path, b"abc", "truncated")
    refuse(tmp_path, b'{"a": 1, "b": 2, "c": 3}', "not a model")
    refuse(tmp_path, b"x;y\n1;2\n" * 50, "not a model")


def test_places_that_are_no_file(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "saved")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    cases = [("nothing", "there is no file"), ("link", "symbolic link"), ("dangling", "symbolic link")]
    cases += [("", "is a folder"), ("pipe", "not an ordinary file"), ("saved/x", "cannot be read|no file")]
    for name, word in cases:
        with pytest.raises(ModelFileError, match=word):
            load_bundle(tmp_path / name, kind="model")
    with pytest.raises(ModelFileError, match=r"null"):
        load_bundle("a\0b", kind="model")


def test_non_finite_weights(tmp_path: Path) -> None:
    W = np.asfortranarray(np.ones((2, 3), np.float32))
    W[1, 2] = np.nan
    W[1, 0] = -np.inf
    save_bundle(tmp_path / "m", {"W": W}, {}, kind="model")
    with pytest.raises(
        ModelFileError, match=re.escape("'W' holds 2 values that are not finite, the first -inf at [1, 0]")
    ):
        load_bundle(tmp_path / "m", kind="model")
    back = load_bundle(tmp_path / "m", kind="model", allow_nonfinite=True).tensors["W"]
    assert bits(back) == bits(W)


@pytest.mark.parametrize(
    ("given", "content", "word"),
    [
        ({"x": np.zeros(2, np.float16)}, {}, "float16"),
        ({"x": np.array([None])}, {}, "object"),
        ({"x": np.array(["a"])}, {}, "<U1"),
        ({"x": np.zeros(2, complex)}, {}, "complex128"),
        ({"../x": np.zeros(2)}, {}, r"'\.\.'"),
        ({"__metadata__": np.zeros(2)}, {}, "reserved"),
        ({7: np.zeros(2)}, {}, "not text"),
        ({}, {"loss": float("nan")}, "content.loss is nan"),
        ({}, {"f": test_non_finite_weights}, "content.f is a function"),
        ({}, {"name": "\ud83d\ude00"}, "surrogate"),
        ({}, {"a": [0] * 1_000_001}, "more than 1000000 values"),
        ({}, {"a": {3: 1}}, "content.a has the key 3"),
    ],
)
def test_saving_what_cannot_be_saved_keeps_the_old_file(tmp_path: Path, given: Any, content: Any, word: str) -> None:
    (tmp_path / "m").write_bytes(b"old")
    with pytest.raises(ModelFileError, match=word):
        save_bundle(tmp_path / "m", given, content, kind="model")
    assert (tmp_path / "m").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m"]


def test_saving_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot write"):
        save_bundle(tmp_path / "no" / "m", tensors(), {}, kind="model")


def test_every_flipped_bit_of_a_small_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "m"
    save_bundle(path, {"W": np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])}, {"a": 1}, kind="model")
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError):
            load_bundle(path, kind="model", allow_nonfinite=True)


def test_every_truncation_is_found(tmp_path: Path) -> None:
    whole = saved(tmp_path)
    for length in range(len(whole)):
        (tmp_path / "m").write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            load_bundle(tmp_path / "m", kind="model")


def _insert(draw: Callable[..., Any], whole: bytes) -> bytes:
    place = draw(st.integers(0, len(whole)))
    return whole[:place] + draw(st.binary(min_size=1, max_size=40)) + whole[place:]


def _delete(draw: Callable[..., Any], whole: bytes) -> bytes:
    place = draw(st.integers(0, len(whole) - 1))
    return whole[:place] + whole[place + draw(st.integers(1, 40)) :]


def _overwrite(draw: Callable[..., Any], whole: bytes) -> bytes:
    place = draw(st.integers(0, len(whole) - 1))
    new = draw(st.binary(min_size=1, max_size=40))
    return whole[:place] + new + whole[place + len(new) :]


def _swap_header_text(draw: Callable[..., Any], whole: bytes) -> bytes:
    old = draw(st.sampled_from([b"F32", b"F64", b'"shape":[4,3]', b"[4,1]", b"data_offsets", b'"W[1]"', b"fortran"]))
    return whole.replace(old, draw(st.binary(max_size=len(old))), 1)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_is_a_model_file_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = saved(tmp_path)
    change = data.draw(st.sampled_from([_insert, _delete, _overwrite, _swap_header_text]))
    changed = change(data.draw, whole)
    (tmp_path / "m").write_bytes(changed)
    if changed == whole:
        load_bundle(tmp_path / "m", kind="model")
        return
    with pytest.raises(ModelFileError):
        load_bundle(tmp_path / "m", kind="model", allow_nonfinite=True)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_count = st.integers(-2, 9) | st.sampled_from([2**31, 2**61, 2**63, 2**64]) | _json
_record = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F64", "U8", "BOOL", "I64", "U64"]) | _json,
        "shape": st.lists(_count, max_size=3) | _json,
        "data_offsets": st.lists(_count, min_size=2, max_size=2) | _json,
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.dictionaries(st.text(max_size=4), _record | _json, max_size=3), ours=_json, data=st.binary(max_size=40))
def test_any_index_with_a_right_checksum_is_read_or_refused(tmp_path: Path, index: Any, ours: Any, data: bytes) -> None:
    (tmp_path / "m").write_bytes(build(index, data, ours=ours if isinstance(ours, dict) and ours else None))
    try:
        bundle = load_bundle(tmp_path / "m", kind="model")
    except ModelFileError:
        return
    plain = safetensors.numpy.load_file(tmp_path / "m")
    assert {k: bits(v)[:3] for k, v in plain.items()} == {k: bits(v)[:3] for k, v in bundle.tensors.items()}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=st.binary(max_size=200) | st.binary(max_size=80).map(lambda b: struct.pack("<Q", len(b) + 1) + b"{" + b))
def test_any_bytes_are_a_model_file_error(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "m").write_bytes(whole)
    with pytest.raises(ChainruleError):
        load_bundle(tmp_path / "m", kind="model")
