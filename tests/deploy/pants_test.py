"""`./pants publish` and `experimental-deploy`, with Debian's registry and Kubernetes' own API server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.repository import Repository
from tests.servers.kubernetes_api import CONTEXT, KubernetesApi, kubernetes_api
from tests.servers.process import require_built
from tests.servers.registry import ImageRegistry, image_registry

SERVICE, BUILD = "services/user:user-rpc", "services/user/BUILD"
ENVIRONMENTS = f"""{{
    "staging": {{"kubernetes_context": "{CONTEXT}", "namespace": "staging", "memory": "300Mi"}},
    "charts": {{"kubernetes_context": "{CONTEXT}", "namespace": "charts"}},
    "typo": {{"kubernetes_context": "{CONTEXT[:-1]}"}},
}}"""


@pytest.fixture(scope="module")
def registry() -> Iterator[ImageRegistry]:
    with image_registry() as found:
        yield found


@pytest.fixture(scope="module")
def cluster() -> Iterator[KubernetesApi]:
    with kubernetes_api() as found:
        for namespace in ("charts", "staging"):
            found.kubectl("create", "namespace", namespace)
        yield found


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory, registry: ImageRegistry, cluster: KubernetesApi
) -> Iterator[Repository]:
    """Its service has a context in staging, and in no environment in particular none."""
    repository = Repository(tmp_path_factory.mktemp("repository"))
    repository.edit(BUILD, 'name="user-rpc", ', f'name="user-rpc", environments={ENVIRONMENTS}, ')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(registry.docker_config.parent))
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        yield repository
    repository.stop()


def objects(cluster: KubernetesApi, namespace: str) -> dict[str, Any]:
    """Of all objects of the service: their versions, which change with each change."""
    kinds = "deployments,services,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets"
    found = cluster.get(
        f"{kinds},horizontalpodautoscalers", "--selector=app.kubernetes.io/name=user-rpc", f"-n={namespace}"
    )
    return {
        f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
        for one in found["items"]
    }


def deploy(repository: Repository, registry: ImageRegistry, environment: str, *options: str) -> str:
    result = repository.pants(
        f"--zero-image-registry={registry.host}/shop",
        f"--zero-deploy-environment={environment}",
        "--zero-deploy-rollout-timeout=0",
        *options,
        "experimental-deploy",
        SERVICE,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_an_image_without_a_registry_is_refused(repository: Repository) -> None:
    output = repository.refused("publish", SERVICE).stderr
    assert f"The image of {SERVICE} has no registry to go to: it is called `user-rpc`" in output


def test_a_published_image_is_in_the_registry_and_a_second_time_nothing_is_sent(
    repository: Repository, registry: ImageRegistry
) -> None:
    arguments = (f"--zero-image-registry={registry.host}/shop", "publish", SERVICE)
    first = repository.pants(*arguments)
    assert first.returncode == 0, first.stderr
    assert f"{registry.host}/shop/user-rpc:latest published" in first.stderr
    _, digest = registry.get("shop/user-rpc/manifests/latest")
    assert f"{registry.host}/shop/user-rpc@{digest}: " in first.stdout + first.stderr
    written = registry.writes()
    second = repository.pants(*arguments)
    assert "0 blobs sent (0 bytes), 0 mounted" in second.stdout + second.stderr
    assert registry.writes() == written


def test_a_registry_that_refuses_is_told(
    repository: Repository, registry: ImageRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(repository.root))
    result = repository.pants(f"--zero-image-registry={registry.host}/closed", "publish", SERVICE)
    assert result.returncode == 1
    output = result.stdout + result.stderr
    assert "HTTP Error 401: Unauthorized" in output
    assert "hint: name docker's config.json, which `docker login` writes" in output


def test_the_current_context_is_never_used(repository: Repository) -> None:
    output = repository.refused("experimental-deploy", SERVICE).stderr
    assert f"{SERVICE} names no context of kubectl, and the current one is never used" in output


def test_a_wrong_context_is_refused_before_anything_is_published(repository: Repository) -> None:
    output = repository.refused("--zero-deploy-environment=typo", "experimental-deploy", SERVICE).stderr
    assert f"names the context `{CONTEXT[:-1]}`, which kubectl's configuration does not have" in output
    assert f"Did you mean `{CONTEXT}`?" in output


def test_a_dry_run_and_a_diff_change_nothing(
    repository: Repository, registry: ImageRegistry, cluster: KubernetesApi
) -> None:
    written = registry.writes()
    told = deploy(repository, registry, "staging", "--zero-deploy-action=dry-run")
    assert "deployment.apps/user-rpc serverside-applied (server dry run)" in told
    told = deploy(repository, registry, "staging", "--zero-deploy-action=diff")
    assert re.search(r"^\+ +memory: 300Mi$", told, re.MULTILINE)
    assert objects(cluster, "staging") == {}
    assert registry.writes() == written


def test_a_deployed_service_is_the_image_that_was_published(
    repository: Repository, registry: ImageRegistry, cluster: KubernetesApi
) -> None:
    told = deploy(repository, registry, "staging")
    assert f"{SERVICE} deployed to the context {CONTEXT}" in told
    deployment = cluster.get("deployment", "user-rpc", "-n=staging")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    _, digest = registry.get("shop/user-rpc/manifests/latest")
    assert container["image"] == f"{registry.host}/shop/user-rpc@{digest}"
    assert container["resources"]["limits"]["memory"] == "300Mi"
    before = objects(cluster, "staging")
    assert {"Deployment/user-rpc", "Service/user-rpc", "NetworkPolicy/user-rpc"} <= set(before)
    deploy(repository, registry, "staging")
    assert objects(cluster, "staging") == before
    assert not re.search(r"^[-+]", deploy(repository, registry, "staging", "--zero-deploy-action=diff"), re.M)


def test_a_deployment_has_failed_if_its_pods_do_not_come_up(
    repository: Repository, registry: ImageRegistry
) -> None:
    """Here none ever do: the API server is alone."""
    result = repository.pants(
        f"--zero-image-registry={registry.host}/shop",
        "--zero-deploy-environment=staging",
        "--zero-deploy-rollout-timeout=1",
        "experimental-deploy",
        SERVICE,
    )
    assert result.returncode == 1
    assert "timed out waiting for the condition" in result.stdout + result.stderr
    assert f"{SERVICE} failed for the context {CONTEXT}" in result.stderr


def test_what_somebody_else_has_changed_is_told(
    repository: Repository, registry: ImageRegistry, cluster: KubernetesApi
) -> None:
    deploy(repository, registry, "staging")
    patch = json.dumps({"spec": {"revisionHistoryLimit": 1}})
    cluster.kubectl("patch", "deployment", "user-rpc", "-n=staging", f"--patch={patch}")
    result = repository.pants(
        f"--zero-image-registry={registry.host}/shop",
        "--zero-deploy-environment=staging",
        "experimental-deploy",
        SERVICE,
    )
    assert result.returncode == 1
    assert "conflict" in result.stderr
    assert ".spec.revisionHistoryLimit" in result.stderr
    deploy(repository, registry, "staging", "--zero-deploy-force-conflicts")


@pytest.fixture
def packaged_as(repository: Repository) -> Iterator[Callable[[str], None]]:
    """Sets the form in which the service's objects are packaged, for one test."""
    build = (repository.root / BUILD).read_text()

    def set_format(name: str) -> None:
        repository.edit(BUILD, 'name="user-rpc", ', f'name="user-rpc", kubernetes_format="{name}", ')

    yield set_format
    repository.write(BUILD, build)


def test_an_overlay_of_kustomize_is_the_same(
    repository: Repository,
    registry: ImageRegistry,
    cluster: KubernetesApi,
    packaged_as: Callable[[str], None],
) -> None:
    deploy(repository, registry, "staging", "--zero-deploy-force-conflicts")
    before = objects(cluster, "staging")
    packaged_as("kustomize")
    deploy(repository, registry, "staging")
    assert objects(cluster, "staging") == before


def test_a_chart_is_installed_as_a_release(
    repository: Repository,
    registry: ImageRegistry,
    cluster: KubernetesApi,
    packaged_as: Callable[[str], None],
) -> None:
    require_built("helm")
    packaged_as("helm")
    told = deploy(repository, registry, "charts", "--zero-deploy-action=dry-run")
    assert 'Release "user-rpc" does not exist' in told
    deploy(repository, registry, "charts")
    assert {"Deployment/user-rpc", "Service/user-rpc"} <= set(objects(cluster, "charts"))
    told = deploy(repository, registry, "charts", "--zero-deploy-action=diff")
    assert not re.search(r"^[-+]", told, re.MULTILINE)
