"""What a function promises, as data.

The signature, the annotations and the decorator's options are read once, refused if they contradict
themselves, and kept as a `Contract` of `Spec`s and axes. Annotations are read by `annotations` and
`memo`, the only modules that know jaxtyping. No value is looked at here.
"""

from sekisho.contract.annotations import Parser
from sekisho.contract.axes import (
    Axis,
    Mismatch,
    match_shape,
    parse_axes,
    variadic_index,
)
from sekisho.contract.contract import (
    CHECKED,
    RESULT,
    SENT,
    UNANNOTATED,
    YIELDED,
    Contract,
    Parameter,
    build_contract,
    make_parameter,
    prepare_checkers,
)
from sekisho.contract.expressions import Bindings, Braces
from sekisho.contract.fields import is_validated
from sekisho.contract.memo import (
    PYTREE,
    check_in_scope,
    close_memo,
    open_memo,
    read_memo,
    write_memo,
)
from sekisho.contract.options import Kind, Options, make_options
from sekisho.contract.resolve import LenientNames, has_strings, locals_of, mentioned
from sekisho.contract.signature import Flavour, display_name, flavour_of, read_signature
from sekisho.contract.slips import find_slips, names_of, slips_in
from sekisho.contract.specs import (
    ANYTHING,
    AliasSpec,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SelfSpec,
    SequenceSpec,
    TupleSpec,
    UnionSpec,
    array_specs,
    dtypes_of,
    matches_dtype,
    names_in,
    walk,
)
from sekisho.contract.spelling import annotation_text, takes_arrays
from sekisho.contract.symbols import binders
from sekisho.contract.typecheck import make_checker

__all__ = [
    "ANYTHING",
    "AliasSpec",
    "ArraySpec",
    "Axis",
    "Bindings",
    "Braces",
    "CHECKED",
    "Contract",
    "Flavour",
    "HintSpec",
    "IterableSpec",
    "Kind",
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
    "SelfSpec",
    "SequenceSpec",
    "TupleSpec",
    "UNANNOTATED",
    "UnionSpec",
    "YIELDED",
    "annotation_text",
    "array_specs",
    "binders",
    "build_contract",
    "check_in_scope",
    "close_memo",
    "display_name",
    "dtypes_of",
    "find_slips",
    "flavour_of",
    "has_strings",
    "is_validated",
    "locals_of",
    "make_checker",
    "make_options",
    "make_parameter",
    "match_shape",
    "matches_dtype",
    "mentioned",
    "names_in",
    "names_of",
    "open_memo",
    "parse_axes",
    "prepare_checkers",
    "read_memo",
    "read_signature",
    "slips_in",
    "takes_arrays",
    "variadic_index",
    "walk",
    "write_memo",
]
