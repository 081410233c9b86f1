def observability(*, log_level: str = "info", log_encoding: str = "json") -> dict[str, dict[str, str]]:
    """How services are observed, for the `observability` field of `zero_service`.

    Set it once for all services, in the root BUILD file:

        __defaults__({zero_service: dict(observability=observability(log_level="info"))})

    `log_level` is debug, info, error or severe; `log_encoding` is json or plain. Both are go-zero's `Log` keys.
    """
    return {"Log": {"Level": log_level, "Encoding": log_encoding}}
