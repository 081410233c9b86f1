"""Fluentd's file; the OpenTelemetry collector's is checked by the collector itself, in tests/stack."""

from zero_codegen.stack.collectors import fluentd
from zero_codegen.stack.conftest import MakeFleet

SINGLE_VALUE = """
<match user-rpc orders>
  @type file
  path /fluentd/log/${tag}
  append true
  <format>
    @type single_value
    message_key log
  </format>
"""


def test_services_that_send_lines_as_text_have_them_written_as_such(make_fleet: MakeFleet) -> None:
    text = fluentd(
        make_fleet(
            {
                "user-api": {},
                "user-rpc": {"config": {"Log": {"Fluentd": {"Key": "log"}}}},
                "user-rpc/order-rpc": {"config": {"Log": {"Fluentd": {"Key": "log", "Tag": "orders"}}}},
            }
        )
    )
    assert SINGLE_VALUE in text
    assert text.count("<match **>") == text.count("@type json") + 1 == 2  # and what Fluentd says of itself


def test_all_lines_are_records_otherwise(make_fleet: MakeFleet) -> None:
    assert "single_value" not in fluentd(make_fleet({"user-rpc": {}}))
