"""What a signed request asks for, as the ARN that a policy speaks of.

moto checks a policy's resources for S3 alone and takes every other request for one on `*`, which no policy with least
privilege allows. The services that hosts call get their real resource here.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from typing import Any

from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMRequest

from .settings import ACCOUNT


def resource(service: str, region: str, parameters: dict[str, Any]) -> str:
    """The ARN that a request names, or `*` where it names none."""
    prefix = f"arn:aws:{service}:{region}:{ACCOUNT}"
    match service, parameters:
        case "logs", {"logGroupName": str(group)}:
            return f"{prefix}:log-group:{group}:log-stream:{parameters.get('logStreamName', '')}"
        case "ssm", {"Name": str(name)} | {"Names": [str(name), *_]} | {"Path": str(name)}:
            return f"{prefix}:parameter/{name.strip('/')}"
        case "ecr", {"repositoryName": str(name)}:
            return f"{prefix}:repository/{name}"
    return "*"


def authorize(self: Any, asked: str = "*") -> None:
    """moto's check of one request, with the resource that the request names."""
    scope = self.headers["Authorization"].partition("Credential=")[2].partition(",")[0].split("/")
    try:
        parameters = json.loads(self.raw_body or b"{}")
    except ValueError:
        parameters = {}
    if asked == "*" and isinstance(parameters, dict):
        asked = resource(service=scope[3], region=scope[2], parameters=parameters)
    self._authenticate_and_authorize_action(IAMRequest, asked)


def attach() -> None:
    """Let moto ask with real resources."""
    mixin: Any = ActionAuthenticatorMixin
    mixin._authenticate_and_authorize_normal_action = authorize
