"""Where images and objects go, as BUILD files and options say, and what is wrong with these."""

from __future__ import annotations

import pytest
from pants.engine.addresses import Address
from pants.engine.target import Target
from pants.testutil.option_util import create_subsystem

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.service.deploy import named_context
from pants_backend_zero.service.publish import (
    chosen_environment,
    image_repositories,
    image_tags,
)
from pants_backend_zero.service.target_types import ZeroServiceTarget
from pants_backend_zero.subsystem import Zero, ZeroDeploy


def service(**fields) -> Target:
    return ZeroServiceTarget({"logic": "api.py:Api", **fields}, Address("a", target_name="api"))


def zero(registry: str | None = None, revision: str | None = None) -> Zero:
    return create_subsystem(
        Zero, image_registry=registry, image_revision=revision, insecure_registries=["registry.lan:5000"]
    )


def deploy(environment: str | None = None) -> ZeroDeploy:
    return create_subsystem(ZeroDeploy, environment=environment)


ENVIRONMENTS = {
    "staging": {"kubernetes_context": "staging"},
    "production": {"image_repository": "prod.example/api", "kubernetes_context": "eu"},
}


def test_an_image_goes_to_the_repositories_of_all_environments() -> None:
    target = service(environments=ENVIRONMENTS)
    assert image_repositories(target, zero("dev.example/x"), deploy()) == (
        "dev.example/x/api",
        "prod.example/api",
    )
    assert image_repositories(target, zero(), deploy()) == ("prod.example/api",)


def test_an_image_goes_to_the_repository_of_the_environment_that_is_named() -> None:
    target = service(environments=ENVIRONMENTS)
    assert image_repositories(target, zero("dev.example"), deploy("staging")) == ("dev.example/api",)
    assert image_repositories(target, zero("dev.example"), deploy("production")) == ("prod.example/api",)


@pytest.mark.parametrize("registry", [None, "shop"])
def test_an_image_needs_a_registry(registry: str) -> None:
    with pytest.raises(
        ZeroError, match=r"The image of a:api has no registry.* `(shop/)?api`.*image_registry"
    ):
        image_repositories(service(), zero(registry), deploy())


def test_tags_may_have_the_revision() -> None:
    target = service(image_tags=["latest", "r-{revision}"])
    assert image_tags(target, zero(revision="abc")) == ("latest", "r-abc")
    with pytest.raises(
        ZeroError, match=r"`image_tags` field of a:api has `{revision}`.*--zero-image-revision"
    ):
        image_tags(target, zero())


def test_plain_http_is_for_those_registries_that_are_named() -> None:
    assert zero().plain_http("registry.lan:5000/shop/api")
    assert not zero().plain_http("registry.lan/shop/api")


def test_an_environment_that_does_not_exist_is_told() -> None:
    target = service(environments=ENVIRONMENTS)
    with pytest.raises(ZeroError) as raised:
        chosen_environment(target, deploy("stagin"))
    assert "a:api has no environment `stagin`" in str(raised.value)
    assert "Did you mean `staging`? Its `environments` are: staging, production." in str(raised.value)


def test_the_context_is_the_one_of_the_environment() -> None:
    target = service(environments=ENVIRONMENTS)
    assert named_context(target, "production") == "eu"
    with pytest.raises(ZeroError) as raised:
        named_context(target, None)
    assert "a:api names no context of kubectl, and the current one is never used" in str(raised.value)
    assert "choose one of these with `--zero-deploy-environment`" in str(raised.value)
    with pytest.raises(ZeroError, match="no context of kubectl for the environment `test`"):
        named_context(service(environments={"test": {}}), "test")
