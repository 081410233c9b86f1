"""A service that says what it runs on."""

import platform

from tests.images.hello_api import HelloApi, HelloRequest, HelloResponse
from tests.images.hello_platforms_service import Context


class HelloLogic(HelloApi):
    def __init__(self, context: Context) -> None:
        pass

    async def hello(self, request: HelloRequest) -> HelloResponse:
        return HelloResponse(greeting=f"Hello {request.name}", machine=platform.machine())
