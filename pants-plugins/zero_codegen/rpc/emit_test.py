"""Whatever services and messages are called: what is generated is formatted and means what it says."""

import ast
import keyword

import black
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_codegen import naming
from zero_codegen.rpc.contract import Contract, MessageType, Method, Service
from zero_codegen.rpc.emit import source

# As long as people's names are: black breaks a line in another way where a type alone does not fit into it.
NAMES = st.from_regex(r"[A-Za-z][a-z]{0,15}([A-Z_][a-z0-9]{1,8}){0,2}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name)
)
MESSAGE_NAMES = (
    st.sampled_from(
        (
            *("abc", "rpc", "self", "channel", "request", "AsyncIterator", "Unpack"),
            *("Item", "ItemRpc", "ShopClient", "shop_service"),
        )
    )
    | NAMES
)
MODULES = st.sampled_from(
    ["shop.shop_pb2", "shop.item_v1_pb2", "common.shop_pb2", "google.protobuf.empty_pb2"]
)
MESSAGES = st.builds(MessageType, MODULES, st.lists(MESSAGE_NAMES, min_size=1, max_size=2).map(".".join))


@st.composite
def services(draw: st.DrawFn) -> Service:
    name = draw(st.just("Shop") | NAMES)
    methods = draw(
        st.lists(
            st.sampled_from(["Abc", "Rpc", "Channel", "Import"]) | NAMES,
            min_size=1,
            unique_by=naming.identifier,
        )
    )
    return Service(
        name=name,
        full_name=f"shop.{name}",
        methods=tuple(
            Method(
                name=method,
                python_name=naming.identifier(method),
                path=f"/shop.{name}/{method}",
                request=draw(MESSAGES),
                response=draw(MESSAGES),
                comment=draw(st.just("") | st.text(max_size=120)),
                line=1,
                column=1,
                request_streams=draw(st.booleans()),
                response_streams=draw(st.booleans()),
                idempotent=draw(st.booleans()),
                deprecated=draw(st.booleans()),
            )
            for method in methods
        ),
        comment=draw(st.text(max_size=120)),
        line=1,
        column=1,
    )


KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
CONTRACTS = st.lists(services(), max_size=2, unique_by=lambda service: naming.pascal(service.name)).map(
    lambda services: Contract("shop/shop.proto", "shop.shop_pb2", tuple(services))
)


@given(CONTRACTS)
@settings(deadline=None, max_examples=15)
def test_modules_are_formatted(contract: Contract) -> None:
    written = source(contract)
    assert black.format_str(written, mode=black.Mode(line_length=100)) == written


@given(CONTRACTS)
@settings(deadline=None, max_examples=15)
def test_names_of_a_module_and_of_a_class_do_not_hide_each_other(contract: Contract) -> None:
    tree = ast.parse(source(contract))
    imported = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    defined = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    names = imported + defined
    assert len(names) == len(set(names))
    methods = [
        member
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.AsyncFunctionDef | ast.FunctionDef)
    ]
    assert not {method.name for method in methods} & set(names)
    parameters = {argument.arg for method in methods for argument in method.args.args}
    assert not {*parameters, "logic", "options"} & set(names)


@given(CONTRACTS)
@settings(deadline=None, max_examples=15)
def test_every_method_is_bound_to_its_messages(contract: Contract) -> None:
    tree = ast.parse(source(contract))
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def message(node: ast.expr) -> MessageType:
        outermost, dot, inner = ast.unparse(node).partition(".")
        module, name = imported[outermost]
        return MessageType(str(module), name + dot + inner)

    def is_idempotent(call: ast.Call) -> bool:
        return [ast.unparse(keyword) for keyword in call.keywords] == ["idempotent=True"]

    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call)]
    stubs, bound = set(), set()
    for call in calls:
        of, _, kind = ast.unparse(call.func).rpartition(".")
        if kind in KINDS:
            name = ast.literal_eval(call.args[0])
            messages = [message(argument) for argument in call.args[-2:]]
            if of == "channel":
                stubs.add((name, kind, *messages, is_idempotent(call)))
            else:
                bound.add((name, kind, *messages))
    methods = [method for service in contract.services for method in service.methods]
    assert stubs == {
        (method.path, method.kind, method.request, method.response, method.idempotent) for method in methods
    }
    assert bound == {(method.name, method.kind, method.request, method.response) for method in methods}
