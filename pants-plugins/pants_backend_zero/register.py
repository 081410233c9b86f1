"""What the backend adds to Pants."""

from pants_backend_zero import (
    codegen,
    contract_dependencies,
    contract_imports,
    contracts,
    module_mapping,
    package,
    tailor,
    tools,
)
from pants_backend_zero.api import fmt as api_fmt
from pants_backend_zero.api import lint as api_lint
from pants_backend_zero.api.target_types import ZeroApisTarget, ZeroApiTarget
from pants_backend_zero.history import revision
from pants_backend_zero.model import migrate as model_migrate
from pants_backend_zero.model.target_types import ZeroModelsTarget, ZeroModelTarget
from pants_backend_zero.rpc import lint as rpc_lint
from pants_backend_zero.rpc.breaking import goal as rpc_breaking
from pants_backend_zero.rpc.breaking import revision as rpc_revision
from pants_backend_zero.rpc.buf import tool as buf
from pants_backend_zero.rpc.target_types import ZeroRpcsTarget, ZeroRpcTarget
from pants_backend_zero.service import base_image, image_layers, user_environment
from pants_backend_zero.service import deploy as service_deploy
from pants_backend_zero.service import graph as service_graph
from pants_backend_zero.service import image as service_image
from pants_backend_zero.service import logic as service_logic
from pants_backend_zero.service import package as service_package
from pants_backend_zero.service import publish as service_publish
from pants_backend_zero.service import python as service_python
from pants_backend_zero.service import rules as service_rules
from pants_backend_zero.service import run as service_run
from pants_backend_zero.service.target_types import ZeroServiceTarget
from pants_backend_zero.stack import rules as stack_rules
from pants_backend_zero.stack.target_types import ZeroStackTarget


def target_types():
    return [
        ZeroApiTarget,
        ZeroApisTarget,
        ZeroRpcTarget,
        ZeroRpcsTarget,
        ZeroModelTarget,
        ZeroModelsTarget,
        ZeroServiceTarget,
        ZeroStackTarget,
    ]


def rules():
    modules = (
        tools,
        contracts,
        contract_imports,
        contract_dependencies,
        codegen,
        package,
        api_fmt,
        api_lint,
        buf,
        rpc_lint,
        revision,
        rpc_revision,
        rpc_breaking,
        model_migrate,
        module_mapping,
        tailor,
        service_graph,
        service_logic,
        service_rules,
        base_image,
        image_layers,
        service_image,
        service_python,
        service_package,
        service_run,
        user_environment,
        service_publish,
        service_deploy,
        stack_rules,
    )
    return [rule for module in modules for rule in module.rules()]
