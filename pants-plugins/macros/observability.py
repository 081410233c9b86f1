# Pants runs this file with the Python that it runs on itself, a 3.9, and lets it import nothing.


def observability(
    *,
    traces: "str | None" = None,
    sampler: "float | None" = None,
    trace_headers: "dict[str, str] | None" = None,
    metrics: "str | None" = None,
    logs: "str | None" = None,
    log_key: "str | None" = None,
    log_spill: "str | None" = None,
    log_level: "str | None" = None,
    log_encoding: "str | None" = None,
    log_mode: "str | None" = None,
    log_path: "str | None" = None,
    log_rotation: "str | None" = None,
    log_max_size: "int | None" = None,
    log_max_backups: "int | None" = None,
    log_keep_days: "int | None" = None,
    log_compress: "bool | None" = None,
    profiles: "bool | None" = None,
    **unknown: object,
) -> "dict[str, dict[str, object]]":
    """How services are observed, for the `observability` field of `zero_service`.

    Set it once for all services, in the root BUILD file:

        __defaults__({zero_service: dict(observability=observability(
            traces="http://otel-collector:4318", logs="fluentd:24224"))})

    What is not said stays as it is. For one environment, say what differs there:

        environments={"staging": {"observability": observability(log_level="debug")}}

    Traces

    * `traces`: where spans are sent. By OTLP over HTTP to `http://HOST:PORT` or
      `https://…`; by OTLP over gRPC to `grpc://HOST:PORT` or, in TLS, `grpcs://…`; in
      Zipkin's form to `zipkin+http://HOST:PORT/api/v2/spans` or `zipkin+https://…`; to a
      file, `file:///PATH`. `none`, the default, sends nothing.
    * `sampler`: the share of the traces begun here that is sent, from 0 to 1. Default: 1.
    * `trace_headers`: headers sent along. Secrets by reference: `{"api-key":
      "${TRACES_API_KEY}"}`.

    Metrics

    * `metrics`: a port of their own, `HOST:PORT/PATH`, of which `HOST` and `/PATH` may be
      left out (`:9101`). `none` has no metrics. Default: the administration port has them,
      at `/metrics`.

    Logs

    * `logs`: the collector that gets them by Fluentd's forward protocol, `HOST:PORT` or, in
      TLS, `tls://HOST:PORT`. `none`, the default, sends nothing.
    * `log_key`: the key under which the collector gets a line as text. Default: it gets the
      line's own keys.
    * `log_spill`: a folder for what does not fit into memory while the collector is away.
    * `log_level`: `debug`, `info`, `warn`, `error` or `severe`. Default: `info`.
    * `log_encoding`: `json` or `plain`. Default: `json`.
    * `log_mode`: `console`, `file`, `volume`, or `none`: only to the collector. Default:
      `console`.
    * `log_path`: the folder of the files.
    * `log_rotation`: when a file is followed by another: `daily` or by `size`. Default:
      `daily`.
    * `log_max_size`: megabytes of a file, for the rotation by size.
    * `log_max_backups`, `log_keep_days`: how many older files are kept, and for how long.
      Default: all, for ever.
    * `log_compress`: whether older files are compressed. Default: no.

    Profiles

    * `profiles`: whether the administration port gives profiles of the running process.
      Default: no.
    """
    mistakes = [f"there is no argument `{name}`: `./pants help observability` has all" for name in unknown]

    def check(name: str, value: object, good: bool, wanted: str) -> None:
        if value is not None and not good:
            mistakes.append(f"`{name}` is {wanted}, not {value!r}")

    for name, text in {"log_key": log_key, "log_spill": log_spill, "log_path": log_path}.items():
        check(name, text, isinstance(text, str) and text != "", "a text, and not empty")
    for name, choice, choices in (
        ("log_level", log_level, ("debug", "info", "warn", "error", "severe")),
        ("log_encoding", log_encoding, ("json", "plain")),
        ("log_mode", log_mode, ("console", "file", "volume", "none")),
        ("log_rotation", log_rotation, ("daily", "size")),
    ):
        check(name, choice, choice in choices, f"one of {', '.join(map(repr, choices))}")
    for name, number in {
        "log_max_size": log_max_size,
        "log_max_backups": log_max_backups,
        "log_keep_days": log_keep_days,
    }.items():
        check(name, number, _is(int, number) and (number or 0) >= 0, "a whole number, 0 or more")
    for name, switch in {"log_compress": log_compress, "profiles": profiles}.items():
        check(name, switch, isinstance(switch, bool), "True or False")
    share = (_is(int, sampler) or _is(float, sampler)) and 0 <= (sampler or 0) <= 1
    check("sampler", sampler, share, "a number from 0 to 1")
    texts = isinstance(trace_headers, dict) and all(
        isinstance(t, str) for t in sum(trace_headers.items(), ())
    )
    check("trace_headers", trace_headers, texts, "a dictionary of texts")

    prometheus, administration = _metrics(metrics, mistakes)
    fluentd = {**_collector(logs, mistakes), "Key": log_key, "Spill": log_spill}
    sections: dict[str, dict[str, object]] = {
        "Log": {
            "Level": log_level,
            "Encoding": log_encoding,
            "Mode": log_mode,
            "Path": log_path,
            "Rotation": log_rotation,
            "MaxSize": log_max_size,
            "MaxBackups": log_max_backups,
            "KeepDays": log_keep_days,
            "Compress": log_compress,
            "Fluentd": _given(fluentd) or None,
        },
        "Telemetry": {**_exporter(traces, mistakes), "Sampler": sampler, "OtlpHeaders": trace_headers},
        "Prometheus": prometheus,
        "DevServer": {**administration, "EnablePprof": profiles},
    }
    if mistakes:
        raise ValueError("observability():" + "".join(f"\n  {mistake}" for mistake in mistakes))
    return {section: given for section, keys in sections.items() if (given := _given(keys))}


def _given(keys: "dict[str, object]") -> "dict[str, object]":
    return {key: value for key, value in keys.items() if value is not None}


def _is(kind: type, number: object) -> bool:
    return isinstance(number, kind) and not isinstance(number, bool)


def _address(text: str) -> "tuple[str, int] | None":
    """Host and port of `HOST:PORT`; the host may be empty."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536) or set(host) & set("/@ "):
        return None
    return host, int(port)


def _exporter(traces: "str | None", mistakes: "list[str]") -> "dict[str, object]":
    """Keys of `Telemetry`."""
    if traces is None:
        return {}
    if traces == "none":
        return {"Endpoint": ""}
    forms = {
        "http": ("otlphttp", "http://"),
        "https": ("otlphttp", "https://"),
        "grpc": ("otlpgrpc", ""),
        "grpcs": ("otlpgrpc", "https://"),
        "zipkin+http": ("zipkin", "http://"),
        "zipkin+https": ("zipkin", "https://"),
        "file": ("file", ""),
    }
    scheme, separator, rest = traces.partition("://") if isinstance(traces, str) else ("", "", "")
    if not separator or scheme not in forms:
        schemes = ", ".join(f"'{scheme}://…'" for scheme in forms)
        mistakes.append(f"`traces` is one of 'none', {schemes}, not {traces!r}")
        return {}
    batcher, prefix = forms[scheme]
    authority, _, path = rest.partition("/")
    host, _ = _address(authority) or ("", 0)
    hint = None
    if batcher == "file":
        if authority or not path:
            hint = "a file is named by its whole path, 'file:///var/log/spans.json'"
    elif not host:
        hint = f"a collector is named by host and port, '{scheme}://otel-collector:4318'"
    elif path == "api/traces":
        hint = f"this is Jaeger's old form; it takes OTLP, 'http://{host}:4318' or 'grpc://{host}:4317'"
    elif batcher == "zipkin" and not path:
        hint = f"Zipkin is named with its path, '{scheme}://{authority}/api/v2/spans'"
    elif batcher == "otlpgrpc" and path:
        hint = f"gRPC has no path: '{scheme}://{authority}'"
    if hint:
        mistakes.append(f"`traces` cannot be {traces!r}: {hint}")
    return {"Batcher": batcher, "Endpoint": prefix + (rest if path else authority)}


def _metrics(metrics: "str | None", mistakes: "list[str]") -> "tuple[dict[str, object], dict[str, object]]":
    """Keys of `Prometheus` and of `DevServer`."""
    if metrics is None:
        return {}, {}
    if metrics == "none":
        return {"Host": ""}, {"EnableMetrics": False}
    authority, _, path = metrics.partition("/") if isinstance(metrics, str) else ("", "", "")
    if not (address := _address(authority)):
        mistakes.append(f"`metrics` is 'none' or an address like '0.0.0.0:9101/metrics', not {metrics!r}")
        return {}, {}
    host, port = address
    path = f"/{path or 'metrics'}"
    return {"Host": host or "0.0.0.0", "Port": port, "Path": path}, {"EnableMetrics": True}


def _collector(logs: "str | None", mistakes: "list[str]") -> "dict[str, object]":
    """Keys of `Log.Fluentd`."""
    if logs is None:
        return {}
    if logs == "none":
        return {"Host": ""}
    scheme, separator, rest = logs.rpartition("://") if isinstance(logs, str) else ("", "", "")
    host, port = _address(rest) or ("", 0)
    if not host or scheme not in ("", "tls") or (separator and not scheme):
        mistakes.append(f"`logs` is 'none' or an address like 'fluentd:24224', not {logs!r}")
        return {}
    return {"Host": host, "Port": port, "Tls": scheme == "tls"}
