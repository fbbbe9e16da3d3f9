"""The API's refusals, each in the protocol of its service."""

import json
from xml.sax.saxutils import escape

from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from .calls import Call

XML = {
    "ec2": "<Response><Errors><Error>{}</Error></Errors><RequestID>lab</RequestID></Response>",
    "query": "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>lab</RequestId></ErrorResponse>",
    "rest-xml": "<Error>{}<RequestId>lab</RequestId></Error>",
}


def protocol(call: Call) -> str:
    """How the service of a call speaks: ec2, query, rest-xml, or else JSON."""
    return str(get_service_model(call.model).protocol)


def refuse(call: Call, code: str, message: str, status: int = 400) -> Response:
    """An answer that clients take for an error of the service itself."""
    if protocol(call) in XML:
        details = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        return Response(XML[protocol(call)].format(details), status, mimetype="text/xml")
    body = json.dumps({"__type": code, "message": message})
    return Response(body, status, {"x-amzn-ErrorType": code}, mimetype="application/x-amz-json-1.1")
