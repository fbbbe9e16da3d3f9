"""Least privilege, tried and not assumed: every signed request needs each right that AWS would ask for.

moto checks one action a request, on the resource `*` for every service but S3, and reads no conditions.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.access_control import IAMPolicy, IAMRequestBase
from werkzeug.wrappers import Response

from . import answers, calls, policies, rights
from .settings import ACCOUNT

ASKED: ContextVar[calls.Call | None] = ContextVar("asked", default=None)
CODES = {"ec2": "UnauthorizedOperation", "query": "AccessDenied", "rest-xml": "AccessDenied"}


class Denied(Exception):
    """A right that a caller does not have."""

    def __init__(self, user: str, right: rights.Right):
        because = f"because no identity-based policy allows the {right.action} action"
        super().__init__(
            f"User: {user} is not authorized to perform: {right.action} on resource: {right.resource} {because}"
        )


class Gate:
    """WSGI middleware that remembers what is asked while moto serves it, and answers for who may not."""

    def __init__(self, application: Callable[..., Any]):
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve one request."""
        call = calls.read(environ)
        token = ASKED.set(call)
        try:
            return self.application(environ, start_response)
        except Denied as denied:
            assert call
            return refusal(call, denied)(environ, start_response)
        finally:
            ASKED.reset(token)


def refusal(call: calls.Call, denied: Denied) -> Response:
    """AWS's answer to who may not."""
    spoken = answers.protocol(call)
    code = CODES.get(spoken, "AccessDeniedException")
    return answers.refuse(call, code, str(denied), 403 if spoken in CODES else 400)


def attach() -> None:
    """Let moto ask for every right of a request once it has checked the signature."""
    moto_check = IAMRequestBase.check_action_permitted

    def check(self: Any, resource: str) -> None:
        call = ASKED.get()
        if call is None or call.service == "sts":
            moto_check(self, resource)
            return
        documents = [IAMPolicy(policy)._policy_json for policy in self._access_key.collect_policies()]
        for right in asked(call):
            if not policies.allowed(documents, right):
                raise Denied(self._access_key.arn, right)

    IAMRequestBase.check_action_permitted = check  # type: ignore[method-assign]


def asked(call: calls.Call) -> list[rights.Right]:
    """The rights that a call needs, with the tags that the resources bear at that moment."""
    return [
        rights.Right(right.action, right.resource, right.context | resource_tags(call, right.resource))
        for right in rights.needs(call)
    ]


def resource_tags(call: calls.Call, arn: str) -> dict[str, str]:
    """The tags that a resource of EC2 bears, as conditions call them."""
    if not arn.startswith("arn:aws:ec2:"):
        return {}
    name = arn.rpartition("/")[2]
    tags = ec2_backends[ACCOUNT][call.region].describe_tags(filters={"resource-id": [name]})
    return {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in tags}
