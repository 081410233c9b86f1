"""The picture of who calls whom."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from zero_codegen.stack.conftest import SERVICES, MakeFleet
from zero_codegen.stack.drawing import svg
from zero_codegen.stack.fleet import Fleet
from zero_codegen.stack.topology import mermaid, topology

SVG = "{http://www.w3.org/2000/svg}"


def test_mermaid(fleet: Fleet) -> None:
    assert mermaid(topology(fleet)) == (
        "flowchart LR\n"
        '  order_rpc["order-rpc<br/>gRPC :8081"]\n'
        '  user_api(["user-api<br/>HTTP :8888"])\n'
        '  user_rpc["user-rpc<br/>gRPC :8080"]\n'
        '  database_order_rpc[("order_rpc<br/>database")]\n'
        '  store_redis[("redis<br/>limits, cache")]\n'
        '  store_etcd[("etcd<br/>registry")]\n'
        '  database_user_rpc[("user_rpc<br/>database")]\n'
        "  order_rpc --> user_rpc\n"
        "  order_rpc --> database_order_rpc\n"
        "  order_rpc --> store_redis\n"
        "  order_rpc --> store_etcd\n"
        "  user_api --> user_rpc\n"
        "  user_rpc --> database_user_rpc\n"
    )


def test_a_service_of_elsewhere_is_shown(make_fleet: MakeFleet) -> None:
    client = {"path": "services/user/user.proto", "source_root": "services"}
    nowhere = client | {"service": None, "port": None, "namespace": None}
    config = {"UserRpc": {"Target": "dns:///users.example.com:8080"}}
    graph = topology(make_fleet({"user-api": {"clients": [nowhere], "config": config}}))
    assert [(node.title, node.kind) for node in graph.nodes] == [("user-api", "api"), ("UserRpc", "foreign")]


@pytest.mark.parametrize("names", [["order-rpc", "user-api", "user-rpc"], ["user-rpc"], []], ids=str)
def test_the_picture_shows_every_node_and_no_box_covers_another(
    make_fleet: MakeFleet, names: list[str]
) -> None:
    graph = topology(make_fleet({name: SERVICES[name] for name in names}))
    picture = ElementTree.fromstring(svg(graph, 'The services of "<stack>"'))
    assert picture.findtext(f"{SVG}title") == 'The services of "<stack>"'
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {text for node in graph.nodes for text in (node.title, node.subtitle)} <= {*texts}
    boxes = [box for group in picture.iter(f"{SVG}g") for box in group.iter(f"{SVG}rect")]
    areas = [tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height")) for box in boxes]
    assert len(areas) == len(graph.nodes)
    right, bottom = (float(number) for number in picture.attrib["viewBox"].split()[2:])
    for index, (x, y, width, height) in enumerate(areas):
        assert x >= 0 and y >= 0 and x + width <= right and y + height <= bottom
        for left, top, other_width, other_height in areas[:index]:
            apart = x >= left + other_width or left >= x + width
            assert apart or y >= top + other_height or top >= y + height
    assert len([*picture.iter(f"{SVG}path")]) == len(graph.edges) + 1  # the head of arrows


def test_services_that_call_each_other_can_be_drawn(make_fleet: MakeFleet) -> None:
    back = {"path": "services/order/order.proto", "source_root": "services", "namespace": None}
    fleet = make_fleet(
        {"user-rpc": {"clients": [back | {"service": "order-rpc", "port": 8081}]}, "order-rpc": {}}
    )
    graph = topology(fleet)
    assert {("user-rpc", "order-rpc"), ("order-rpc", "user-rpc")} <= {*graph.edges}
    assert len(re.findall('class="edge', svg(graph, "cycle"))) == len(graph.edges)


def test_lines_to_the_registry_do_not_stand_out(fleet: Fleet) -> None:
    graph = topology(fleet)
    asking = [target for _, target in graph.edges if target == "store:etcd"]
    assert len(re.findall('class="edge faint"', svg(graph, "registry"))) == len(asking) == 1
