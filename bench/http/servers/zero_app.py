"""Zero as an ASGI application that any server can run."""

from zero_logic import bound

from zero_runtime import config, rest

app = rest.App(bound(config.JwtConf(access_secret="a secret of more than thirty-two bytes")))
