"""Read what a function requires of its values, as data.

The signature, the annotations and the decorator's options are read once, refused if they contradict
each other, and kept as a `Contract` of `Spec` objects and axes. No value is inspected here.
"""

from sekisho.contract.aliases import eval_nothing
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
    YIELDED,
    Contract,
    Parameter,
    build_contract,
    make_parameter,
    prepare_checkers,
)
from sekisho.contract.expressions import Bindings, Braces, Expression
from sekisho.contract.fields import field_names, has_fields, is_validated
from sekisho.contract.free import FREE
from sekisho.contract.keys import argument_key, argument_of, growth_key, kind_of, structure_key
from sekisho.contract.keywords import (
    HostOptions,
    Mutates,
    OnForeign,
    Returns,
    Scalars,
    TorchOptions,
)
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
from sekisho.contract.options import DecoratorName, Options, make_options
from sekisho.contract.parts import array_specs, names_in, walk
from sekisho.contract.pytrees import structure_binders
from sekisho.contract.resolve import LenientNames, evaluated, has_strings, mentioned
from sekisho.contract.signature import Flavour, display_name, flavour_of, read_signature
from sekisho.contract.slips import (
    Slip,
    Unbound,
    find_slips,
    find_unbound,
    names_of,
    slips_in,
)
from sekisho.contract.specs import (
    ANYTHING,
    MEMO,
    PYTREE,
    UNANNOTATED,
    AliasSpec,
    ArraySpec,
    HintSpec,
    IterableSpec,
    MappingSpec,
    PackedSpec,
    RecordSpec,
    SelfSpec,
    SequenceSpec,
    TreeSpec,
    TupleSpec,
    UnionSpec,
    dtypes_of,
    matches_dtype,
)
from sekisho.contract.spelling import annotation_text, takes_arrays
from sekisho.contract.symbols import binders
from sekisho.contract.typecheck import make_checker

__all__ = [
    "Slip",
    "Unbound",
    "argument_key",
    "argument_of",
    "growth_key",
    "kind_of",
    "structure_key",
    "HostOptions",
    "Mutates",
    "OnForeign",
    "Returns",
    "Scalars",
    "TorchOptions",
    "ANYTHING",
    "AliasSpec",
    "ArraySpec",
    "Axis",
    "Bindings",
    "Braces",
    "CHECKED",
    "Contract",
    "Expression",
    "FREE",
    "Flavour",
    "HintSpec",
    "IterableSpec",
    "DecoratorName",
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
    "SelfSpec",
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
    "eval_nothing",
    "evaluated",
    "field_names",
    "find_slips",
    "find_unbound",
    "flavour_of",
    "has_fields",
    "has_strings",
    "is_validated",
    "make_checker",
    "make_options",
    "make_parameter",
    "match_shape",
    "matches_dtype",
    "match_structure",
    "mentioned",
    "names_in",
    "names_of",
    "open_memo",
    "pack_memo",
    "parse_axes",
    "prepare_checkers",
    "read_memo",
    "read_signature",
    "shown_key",
    "slips_in",
    "structure_binders",
    "takes_arrays",
    "unpack_memo",
    "variadic_index",
    "walk",
    "write_memo",
]
