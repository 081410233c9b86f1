from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.service import kubernetes
from zero_codegen.service.configuration import as_yaml, configuration
from zero_codegen.service.conftest import Specify, Wire

IMAGE = f"registry.example.com/shop/user@sha256:{'0' * 64}"
PLACED = {
    "annotations": {"example.com/team": "users"},
    "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/users"},
    "node_selector": {"kubernetes.io/arch": "amd64"},
    "priority_class": "high",
    "image_pull_secrets": ["registry", "mirror"],
}
LOGS = {"Mode": "file", "Path": "/var/log/user", "Fluentd": {"Host": "fluentd", "Spill": "spill"}}
VERSIONS = [f"1.{minor}" for minor in range(29, 38)]


@pytest.fixture
def objects(wired: Wire) -> Any:
    """`objects("user-api", port=80)["Service"]`: the objects of the manifest by kind."""
    return lambda name, /, **changes: {each["kind"]: each for each in documents(wired, name, **changes)}


def callers(*services: str, namespace: str | None = None) -> list[dict[str, str | None]]:
    return [{"service": service, "namespace": namespace} for service in services]


def manifest(wired: Wire, name: str, /, **changes: Any) -> str:
    wiring = wired(name, **changes)
    return kubernetes.manifest(wiring, configuration(wiring), IMAGE).text


def documents(wired: Wire, name: str, /, **changes: Any) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(manifest(wired, name, **changes)) if each]


def pod(found: dict[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = found["Deployment"]["spec"]["template"]
    return template


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("user-api", {}),
        ("user-api", {"namespace": None, "callers": callers("shop-api"), "env": {}, "egress_ports": [443]}),
        ("user-rpc", {}),
        ("user-rpc", {"callers": [], "models": [], "replicas": {"min": 1, "max": 9}}),
        ("user-rpc", {"config": {"Etcd": {"Hosts": ["etcd:2379"], "User": "root"}}}),
        ("user-api", {"config": {"UserRpc": {"Target": "k8s://other/user-rpc:8080"}}}),
        ("order-sweep", {}),
        ("user-rpc", {"config": {"Log": LOGS, "Prometheus": {"Host": "0.0.0.0"}}, **PLACED}),
    ],
)
def test_is_valid(wired: Wire, version: str, name: str, changes: dict[str, Any]) -> None:
    for document in documents(wired, name, **changes):
        # An API version that Kubernetes does not have raises SchemaNotFoundError.
        assert kubernetes_validate.validate(document, version, strict=True) == version


@pytest.mark.parametrize("name", ["user-api", "user-rpc"])
def test_every_object_says_what_it_belongs_to(wired: Wire, name: str) -> None:
    found = documents(wired, name, namespace="shop")
    assert len({document["kind"] for document in found}) == len(found) >= 6
    for document in found:
        assert document["metadata"] == {
            "name": name,
            "namespace": "shop",
            "labels": {
                "app.kubernetes.io/name": name,
                "app.kubernetes.io/component": name.removeprefix("user-"),
                "app.kubernetes.io/part-of": "user",
                "app.kubernetes.io/managed-by": "zero",
            },
        }


@pytest.mark.parametrize("name", ["user-api", "user-rpc"])
def test_meets_the_restricted_pod_security_standard(objects: Any, name: str) -> None:
    spec = pod(objects(name))["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 65532
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert all(volume.keys() & {"configMap", "secret", "emptyDir"} for volume in spec["volumes"])


def test_the_config_map_is_the_configuration(wired: Wire, objects: Any) -> None:
    wiring = wired("user-api")
    text = as_yaml(wiring.spec.address, configuration(wiring))
    assert objects("user-api")["ConfigMap"]["data"] == {"user-api.yaml": text}


def test_another_configuration_makes_other_pods(objects: Any) -> None:
    def checksum(**config: Any) -> str:
        template = objects("user-api", config=config)["Deployment"]["spec"]["template"]
        value: str = template["metadata"]["annotations"]["checksum/config"]
        return value

    assert checksum() == checksum() != checksum(Timeout=1)


def test_secrets_are_mounted_and_named_but_never_made(wired: Wire, objects: Any) -> None:
    spec = pod(objects("user-rpc"))["spec"]
    assert {"name": "secrets", "secret": {"secretName": "user-rpc", "defaultMode": 0o440}} in spec["volumes"]
    assert {"name": "ZERO_SECRETS_DIR", "value": "/run/secrets/zero"} in spec["containers"][0]["env"]
    text = manifest(wired, "user-rpc")
    assert "# Needs a Secret `user-rpc` in its namespace with the keys\n#   DATA_SOURCE\n" in text
    assert "kind: Secret" not in text


def test_without_secrets_there_is_no_trace_of_them(wired: Wire) -> None:
    assert "ecret" not in manifest(wired, "user-rpc", models=[])


def test_the_autoscaler_alone_counts_replicas(objects: Any) -> None:
    found = objects("user-api", replicas={"min": 2, "max": 5})
    scaler = found["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert "replicas" not in found["Deployment"]["spec"]
    fixed = objects("user-api", replicas={"min": 3, "max": 3})
    assert fixed["Deployment"]["spec"]["replicas"] == 3
    assert "HorizontalPodAutoscaler" not in fixed


def test_probes_http_services_on_the_administration_port(objects: Any) -> None:
    server = {"Port": 7070, "HealthPath": "/alive", "ReadyPath": "/ready"}
    (container,) = objects("user-api", config={"DevServer": server})["Deployment"]["spec"]["template"][
        "spec"
    ]["containers"]
    assert {"name": "admin", "containerPort": 7070, "protocol": "TCP"} in container["ports"]
    for probe, path in ("startup", "/alive"), ("readiness", "/ready"), ("liveness", "/alive"):
        assert container[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "admin"}


def test_probes_rpc_services_with_grpc(objects: Any) -> None:
    (container,) = objects("user-rpc", port=9090)["Deployment"]["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"] == {"port": 9090}


@pytest.mark.parametrize(
    "config", [{"Health": False}, {"CertFile": "/tls/tls.crt", "KeyFile": "/tls/tls.key"}]
)
def test_probes_rpc_services_that_the_kubelet_cannot_call_on_the_administration_port(
    objects: Any, config: dict[str, Any]
) -> None:
    spec = pod(objects("user-rpc", config=config))["spec"]
    probe = spec["containers"][0]["readinessProbe"]
    assert (probe["httpGet"], "grpc" in probe) == ({"path": "/readyz", "port": "admin"}, False)


def test_a_pod_that_registers_in_etcd_knows_its_address(objects: Any) -> None:
    def environment(**changes: Any) -> list[dict[str, Any]]:
        spec = pod(objects("user-rpc", models=[], **changes))["spec"]
        variables: list[dict[str, Any]] = spec["containers"][0].get("env", [])
        return variables

    etcd = {"Etcd": {"Hosts": ["etcd:2379"]}}
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert environment() == []
    assert environment(config=etcd) == [address]
    assert environment(config=etcd, env={"POD_IP": "10.0.0.1"}) == [{"name": "POD_IP", "value": "10.0.0.1"}]


def test_a_service_that_registers_in_etcd_is_for_whoever_finds_it(objects: Any) -> None:
    etcd = {"Etcd": {"Hosts": ["etcd:2379"]}}
    for each in [], callers("user-api"):
        policy = objects("user-rpc", callers=each, config=etcd)["NetworkPolicy"]["spec"]
        assert policy["ingress"][0] == {"ports": [{"port": 8080, "protocol": "TCP"}]}


@pytest.mark.parametrize(
    ("namespace", "target", "role", "subject"),
    [
        # That of the RoleBinding, then: so a chart may be installed in another one.
        ("shop", "k8s:///user-rpc:8080", ("user-api", "shop"), {}),
        ("shop", "k8s://shop/user-rpc:8080", ("user-api", "shop"), {}),
        ("shop", "k8s://other/user-rpc:8080", ("shop.user-api", "other"), {"namespace": "shop"}),
        (None, "k8s:///user-rpc:8080", ("user-api", None), {}),
    ],
)
def test_a_service_may_read_the_slices_that_its_clients_look_in(
    objects: Any, namespace: str | None, target: str, role: tuple[str, str], subject: dict[str, str]
) -> None:
    found = objects("user-api", namespace=namespace, config={"UserRpc": {"Target": target}})
    for kind in "Role", "RoleBinding":
        metadata = found[kind]["metadata"]
        assert (metadata["name"], metadata.get("namespace")) == role
    rule = {
        "apiGroups": ["discovery.k8s.io"],
        "resources": ["endpointslices"],
        "verbs": ["get", "list", "watch"],
    }
    assert found["Role"]["rules"] == [rule]
    assert found["RoleBinding"]["roleRef"]["name"] == role[0]
    assert found["RoleBinding"]["subjects"] == [{"kind": "ServiceAccount", "name": "user-api"} | subject]
    assert found["Deployment"]["spec"]["template"]["spec"]["automountServiceAccountToken"] is True


def test_a_pod_has_the_time_to_drain(objects: Any) -> None:
    def grace(fluentd: dict[str, str], **shutdown: str) -> int:
        config = {"Shutdown": shutdown, "Log": {"Fluentd": fluentd}}
        seconds: int = pod(objects("user-api", config=config))["spec"]["terminationGracePeriodSeconds"]
        return seconds

    assert grace({}) == 30
    assert grace({}, WrapUpTime="10s", WaitTime="1m0.5s") == 10 + 61 + 10
    assert grace({"Timeout": "20s"}, WrapUpTime="10s", WaitTime="1m0.5s") == 10 + 61 + 10
    assert grace({"Host": "fluentd"}, WrapUpTime="10s", WaitTime="1m0.5s") == 10 + 61 + 5 + 10
    assert grace({"Host": "fluentd", "Timeout": "20s"}) == 5 + 6 + 20 + 10


def test_rpc_services_are_headless(objects: Any) -> None:
    assert objects("user-rpc")["Service"]["spec"]["clusterIP"] == "None"
    assert "clusterIP" not in objects("user-api")["Service"]["spec"]


def test_the_network_policy_has_the_edges_of_the_graph(objects: Any) -> None:
    gateway = objects("user-api")["NetworkPolicy"]["spec"]
    server = objects("user-rpc", callers=callers("user-api", "admin-api"))["NetworkPolicy"]["spec"]
    dns, to_server = gateway["egress"]
    from_callers, _ = server["ingress"]
    assert gateway["ingress"][0] == {"ports": [{"port": 8888, "protocol": "TCP"}]}
    assert {port["port"] for port in dns["ports"]} == {53}
    assert to_server == {
        "to": [{"podSelector": {"matchLabels": server["podSelector"]["matchLabels"]}}],
        "ports": [{"port": 8080, "protocol": "TCP"}],
    }
    assert from_callers["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert from_callers["from"] == [
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": caller}}}
        for caller in ("admin-api", "user-api")
    ]
    assert server["egress"][1:] == [{"ports": [{"port": port, "protocol": "TCP"} for port in (3306, 5432)]}]


@pytest.mark.parametrize(
    ("ours", "theirs", "selected"),
    [("shop", "users", "users"), ("shop", "shop", None), (None, "users", "users"), ("shop", None, None)],
)
def test_the_network_policy_names_the_namespace_of_the_other_where_it_is_another(
    objects: Any, specify: Specify, ours: str | None, theirs: str | None, selected: str | None
) -> None:
    clients = [client | {"namespace": theirs} for client in specify("user-api")["clients"]]
    client = objects("user-api", namespace=ours, clients=clients)["NetworkPolicy"]["spec"]
    called_by = callers("user-api", namespace=theirs)
    server = objects("user-rpc", namespace=ours, callers=called_by)["NetworkPolicy"]["spec"]
    for peer in client["egress"][1]["to"], server["ingress"][0]["from"]:
        (pods,) = peer
        labels = pods.get("namespaceSelector", {}).get("matchLabels", {})
        assert labels.get("kubernetes.io/metadata.name") == selected
        assert ("namespaceSelector" in pods) == (selected is not None)
        assert pods["podSelector"]["matchLabels"].keys() == {"app.kubernetes.io/name"}


def test_an_rpc_service_that_nobody_calls_lets_nobody_in(objects: Any) -> None:
    changes = {"callers": [], "config": {"DevServer": {"EnableMetrics": False}}}
    assert _is_closed(objects("user-rpc", **changes)["NetworkPolicy"])


def _is_closed(policy: dict[str, Any]) -> bool:
    """Whether nothing comes in: the policy is one of what comes in, and has no rules. Kubernetes' API server drops an
    empty list, so one would be applied again and again."""
    return "Ingress" in policy["spec"]["policyTypes"] and "ingress" not in policy["spec"]


def test_metrics_are_collected_where_they_are(objects: Any) -> None:
    for config, port, path in (
        ({}, "6060", "/metrics"),
        ({"DevServer": {"MetricsPath": "/numbers"}}, "6060", "/numbers"),
        ({"Prometheus": {"Host": "0.0.0.0"}}, "9101", "/metrics"),
        ({"Prometheus": {"Host": "0.0.0.0", "Port": 9081, "Path": "/numbers"}}, "9081", "/numbers"),
    ):
        found = objects("user-rpc", config=config)
        annotations = pod(found)["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"
        assert (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) == (port, path)
        ports = [each["containerPort"] for each in pod(found)["spec"]["containers"][0]["ports"]]
        assert int(port) in ports
        from_cluster = found["NetworkPolicy"]["spec"]["ingress"][-1]
        assert from_cluster["ports"] == [{"port": int(port), "protocol": "TCP"}]


def test_a_pod_monitor_stands_in_for_annotations(objects: Any) -> None:
    found = objects("user-rpc", monitor=True, config={"Prometheus": {"Host": "0.0.0.0", "Path": "/numbers"}})
    assert found["PodMonitor"]["spec"] == {
        "jobLabel": "app.kubernetes.io/name",
        "selector": {"matchLabels": {"app.kubernetes.io/name": "user-rpc"}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/numbers"}],
    }
    assert pod(found)["metadata"]["annotations"].keys() == {"checksum/config"}
    without = {"DevServer": {"EnableMetrics": False}}
    assert "PodMonitor" not in objects("user-rpc", monitor=True, config=without)
    assert "PodMonitor" not in objects("user-rpc")


@pytest.mark.parametrize(
    ("name", "kind", "port"), [("user-api", "HTTPRoute", 8888), ("user-rpc", "GRPCRoute", 8080)]
)
@pytest.mark.parametrize(
    ("gateway", "parent"),
    [("infra/public", {"name": "public", "namespace": "infra"}), ("public", {"name": "public"})],
)
def test_a_route_leads_from_the_gateway_to_the_service(
    objects: Any, name: str, kind: str, port: int, gateway: str, parent: dict[str, str]
) -> None:
    hosts = ["shop.example.com", "*.shop.example.com"]
    found = objects(name, hostnames=hosts, gateway=gateway)
    assert found[kind]["spec"] == {
        "parentRefs": [parent],
        "hostnames": hosts,
        "rules": [{"backendRefs": [{"name": name, "port": port}]}],
    }
    # The pods of a gateway need not be where the Gateway is.
    assert found["NetworkPolicy"]["spec"]["ingress"][0] == {"ports": [{"port": port, "protocol": "TCP"}]}
    assert not objects(name, gateway=gateway).keys() & {"HTTPRoute", "GRPCRoute"}


def test_gateways_are_told_what_a_service_speaks(objects: Any) -> None:
    def protocol(name: str, **config: str) -> str | None:
        (port,) = objects(name, config=config)["Service"]["spec"]["ports"]
        found: str | None = port.get("appProtocol")
        return found

    tls = {"CertFile": "/run/secrets/zero/tls.crt", "KeyFile": "/run/secrets/zero/tls.key"}
    assert (protocol("user-api"), protocol("user-api", **tls)) == ("http", "https")
    assert (protocol("user-rpc"), protocol("user-rpc", **tls)) == ("kubernetes.io/h2c", None)


def test_pods_are_where_and_what_the_fields_say(objects: Any) -> None:
    found = objects("user-rpc", **PLACED)
    assert pod(found)["metadata"]["annotations"]["example.com/team"] == "users"
    assert found["ServiceAccount"]["metadata"]["annotations"] == PLACED["service_account_annotations"]
    spec = pod(found)["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert spec["priorityClassName"] == "high"
    assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]
    bare = objects("user-rpc")
    assert not pod(bare)["spec"].keys() & {"nodeSelector", "priorityClassName", "imagePullSecrets"}
    assert "annotations" not in bare["ServiceAccount"]["metadata"]


def test_an_annotation_of_the_target_takes_the_place_of_the_generated_one(objects: Any) -> None:
    found = objects("user-rpc", annotations={"prometheus.io/scrape": "false"})
    assert pod(found)["metadata"]["annotations"]["prometheus.io/scrape"] == "false"


def test_folders_that_are_written_to_are_volumes(objects: Any) -> None:
    spec = pod(objects("user-rpc", config={"Log": LOGS}))["spec"]
    mounts = {each["name"]: each["mountPath"] for each in spec["containers"][0]["volumeMounts"]}
    volumes = {each["name"]: each.get("emptyDir") for each in spec["volumes"]}
    assert (mounts["logs"], volumes["logs"]) == ("/var/log/user", {"sizeLimit": "1024Mi"})
    assert (mounts["spill"], volumes["spill"]) == ("/app/spill", {"sizeLimit": "320Mi"})
    assert not {"logs", "spill"} & {each["name"] for each in pod(objects("user-rpc"))["spec"]["volumes"]}


def test_the_autoscaler_looks_at_cpu_and_memory(objects: Any) -> None:
    scaler = objects("user-api")["HorizontalPodAutoscaler"]["spec"]
    targets = {each["resource"]["name"]: each["resource"]["target"] for each in scaler["metrics"]}
    assert {name: target["averageUtilization"] for name, target in targets.items()} == {
        "cpu": 70,
        "memory": 80,
    }
    up, down = scaler["behavior"]["scaleUp"], scaler["behavior"]["scaleDown"]
    assert up["stabilizationWindowSeconds"] < down["stabilizationWindowSeconds"]


def test_a_job_is_a_cron_job_that_nobody_calls(objects: Any) -> None:
    found = objects("order-sweep")
    assert found.keys() & {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"} == set()
    assert _is_closed(found["NetworkPolicy"])
    template = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert template["spec"]["restartPolicy"] == "Never"
    assert not container.keys() & {"ports", "startupProbe", "readinessProbe", "livenessProbe"}
    assert "annotations" not in template["metadata"]
    observed = objects("order-sweep", config={"DevServer": {"Enabled": True}, "Redis": {"Host": "redis"}})
    template = observed["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    assert template["spec"]["containers"][0]["ports"][0]["containerPort"] == 6060
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "6060"


def test_metrics_are_for_the_cluster(objects: Any) -> None:
    (from_cluster,) = objects("user-rpc", callers=[])["NetworkPolicy"]["spec"]["ingress"]
    assert from_cluster == {
        "from": [{"namespaceSelector": {}}],
        "ports": [{"port": 6060, "protocol": "TCP"}],
    }


@pytest.mark.parametrize("name", ["no", "null", "y", "e1"])
def test_a_name_stays_a_name(wired: Wire, name: str) -> None:
    for document in documents(wired, "user-rpc", name=name, callers=callers(name, namespace=name)):
        assert document["metadata"]["name"] == name


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(), max_size=3),
    st.text(max_size=12),
)
def test_no_text_breaks_out_of_its_place(wired: Wire, env: dict[str, str], text: str) -> None:
    config = {"DevServer": {"HealthPath": f"/{text}"}}
    found = {each["kind"]: each for each in documents(wired, "user-rpc", env=env, config=config)}
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: each["value"] for each in container["env"]} == env | {
        "ZERO_SECRETS_DIR": "/run/secrets/zero"
    }
    assert (
        yaml.safe_load(found["ConfigMap"]["data"]["user-rpc.yaml"])["DevServer"]["HealthPath"] == f"/{text}"
    )
