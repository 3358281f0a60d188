"""What a function promises, as data.

The signature, the annotations and the decorator's options are read once, refused if they contradict
themselves, and kept as a `Contract` of `Spec`s and axes. Annotations are read by `annotations` and
`memo`, the only modules that know jaxtyping. No value is looked at here.
"""

from sekisho.contract.annotations import Parser, annotation_text
from sekisho.contract.axes import (
    Axis,
    Bindings,
    Mismatch,
    match_shape,
    parse_axes,
    root_of,
    variadic_index,
)
from sekisho.contract.contract import (
    CHECKED,
    RESULT,
    SENT,
    YIELDED,
    Contract,
    Parameter,
    binders,
    build_contract,
    make_parameter,
    prepare_checkers,
)
from sekisho.contract.fields import field_names, has_fields
from sekisho.contract.memo import (
    at_leaf,
    check_in_scope,
    close_memo,
    match_structure,
    open_memo,
    pack_memo,
    read_memo,
    shown_key,
    unpack_memo,
    write_memo,
)
from sekisho.contract.options import Kind, Options, make_options
from sekisho.contract.pytrees import structure_binders
from sekisho.contract.resolve import LenientNames, has_strings, mentioned
from sekisho.contract.signature import Flavour, display_name, flavour_of, read_signature
from sekisho.contract.specs import (
    ANYTHING,
    MEMO,
    PYTREE,
    UNANNOTATED,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SequenceSpec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
    array_specs,
    dtypes_of,
    walk,
)
from sekisho.contract.typecheck import make_checker

__all__ = [
    "ANYTHING",
    "ArraySpec",
    "Axis",
    "Bindings",
    "CHECKED",
    "Contract",
    "Flavour",
    "HintSpec",
    "IterableSpec",
    "Kind",
    "MEMO",
    "LenientNames",
    "MappingSpec",
    "Mismatch",
    "Options",
    "PYTREE",
    "PackedSpec",
    "Parameter",
    "Parser",
    "RESULT",
    "RecordSpec",
    "SENT",
    "SequenceSpec",
    "TreeSpec",
    "TupleSpec",
    "UNANNOTATED",
    "UnionSpec",
    "YIELDED",
    "annotation_text",
    "array_specs",
    "at_leaf",
    "binders",
    "build_contract",
    "check_in_scope",
    "close_memo",
    "display_name",
    "dtypes_of",
    "field_names",
    "flavour_of",
    "has_fields",
    "has_strings",
    "make_checker",
    "make_options",
    "make_parameter",
    "match_shape",
    "match_structure",
    "mentioned",
    "open_memo",
    "pack_memo",
    "parse_axes",
    "prepare_checkers",
    "read_memo",
    "read_signature",
    "root_of",
    "shown_key",
    "structure_binders",
    "unpack_memo",
    "variadic_index",
    "walk",
    "write_memo",
]
