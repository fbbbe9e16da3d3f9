"""What a request asks for, whatever protocol it came in: service, operation and parameters as boto3 has them."""

import io
from dataclasses import dataclass, field
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS, RequestDict, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

# Services whose requests are signed for another name than that of their model.
MODELS = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
}
KEY = "mcp.call"


@dataclass(frozen=True)
class Call:
    """One request: for whom it is signed, and the operation with its parameters."""

    access_key: str
    region: str
    service: str
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The name that botocore knows the service by."""
        return MODELS.get(self.service, self.service)


def read(environ: dict[str, Any]) -> Call | None:
    """The call in a WSGI request, which stays readable for others; None for what is not a signed call."""
    if KEY not in environ:
        environ[KEY] = _read(environ)
    call: Call | None = environ[KEY]
    return call


def _read(environ: dict[str, Any]) -> Call | None:
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0].split("/")
    if len(scope) != 5:
        return None
    access_key, _, region, service, _ = scope
    signed = Call(access_key, region, service, operation="")
    request, body = _split(environ)
    try:
        operation, labels = get_service_router(signed.model).match(request)
    except (HTTPException, NotImplementedError):
        return None
    protocol = determine_request_protocol(get_service_model(signed.model), request.content_type)
    parts: RequestDict = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": labels,
    }
    try:
        parameters = PROTOCOL_PARSERS[protocol](operation).parse(parts) or {}
    except (RequestParserError, ValueError):  # moto will say what is wrong with it
        parameters = {}
    return Call(access_key, region, service, str(operation.name), dict(parameters))


def _split(environ: dict[str, Any]) -> tuple[Request, bytes]:
    """A request of our own and its body, which stays for others to read; one of unknown length is theirs alone."""
    body = b""
    if environ.get("CONTENT_LENGTH"):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
    return Request({**environ, "wsgi.input": io.BytesIO(body)}), body
