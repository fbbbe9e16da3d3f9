"""What can be wrong in AWS before a run, in words: pure functions over errors and answers."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

WRONG_CREDENTIALS = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
THROTTLING = {
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
NO_CREDENTIALS = {"CredentialRetrievalError", "NoCredentialsError", "PartialCredentialsError"}
NO_CONNECTION = {
    "ConnectionClosedError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ProxyConnectionError",
    "ReadTimeoutError",
}
WHERE = "mcp_aws_connection, or the environment or profile that it leaves the choice to"


def unknown_region(region: str, regions: Iterable[str]) -> str | None:
    """Say that AWS has no such region, None when it has."""
    known = sorted(regions)
    if region in known:
        return None
    near = " or ".join(f"`{name}`" for name in get_close_matches(region, known))
    guess = f": did you mean {near}?" if near else "."
    return f"AWS has no region `{region}`{guess} Correct mcp_region (or update boto3)."


def refusal(code: str, text: str, action: str) -> str:
    """Explain an error code with which AWS answered."""
    reason = f"{code}: {(text.strip().splitlines() or [''])[0].rstrip('.')}"  # a proxy answers with a whole page
    if code in WRONG_CREDENTIALS:
        return f"AWS refuses the credentials ({reason}). Correct the access key and the secret key in {WHERE}."
    if code in EXPIRED:
        return f"The credentials have expired ({code}). Replace them in {WHERE}."
    if code in DENIED:
        return f"The credentials may not {action} ({code}). Have that action allowed for them."
    if code in THROTTLING:
        return f"AWS has had too many requests to {action} ({code}), and still has after some tries. Run again later."
    return f"AWS did not {action} ({reason})."


def no_answer(kind: str, text: str, endpoint: str | None) -> str:
    """Explain why a request did not get as far as an answer; `kind` is the name of botocore's exception."""
    reason = text.strip().rstrip(".")
    if kind in NO_CREDENTIALS:
        return f"There are no AWS credentials ({reason}). Give an access key and a secret key in {WHERE}."
    if kind in NO_CONNECTION and endpoint:
        return f"AWS is not reached ({reason}). Is the service at endpoint_url in mcp_aws_connection running?"
    if kind in NO_CONNECTION:
        return f"AWS is not reached ({reason}). Is there a way to the internet?"
    if kind == "SSLError":
        return f"The certificate of {endpoint or 'AWS'} is not trusted ({reason}). Name its authority in AWS_CA_BUNDLE."
    return f"AWS cannot be asked ({kind}: {reason}). Check mcp_aws_connection."


def disabled_region(region: str) -> str:
    """Say that the account has not enabled a region."""
    remedy = "Enable it in the console (Account, AWS Regions), or choose another mcp_region."
    return f"The region {region} is not enabled for this account. {remedy}"


def no_certificate(arn: str, region: str) -> str:
    """Say that a certificate is not where the load balancer will be."""
    remedy = "Correct load_balancer_certificate_arn; a listener takes only certificates of its own region."
    return f"ACM has no certificate `{arn}` in {region}. {remedy}"


def no_image(wanted: str, region: str) -> str:
    """Say that no image answers to what is wanted."""
    remedy = "Correct instance_image_owner and instance_image_name, or give instance_image_id."
    return f"There is no image {wanted} in {region}. {remedy}"


def no_type(kind: str, region: str) -> str:
    """Say that the region does not have the instance type."""
    remedy = "Correct instance_type, for example t2.micro or t3.micro."
    return f"No zone of {region} offers the instance type `{kind}`. {remedy}"


def key_pair(name: str, file: str, local: str | None, remote: str | None) -> str | None:
    """Say what is wrong between the key on the control node and the key pair in EC2, None when they agree.

    :param local: the public key beside the private one, None when there is no private key.
    :param remote: the key pair's public key, None when there is no such pair.
    """
    if remote is None:
        return None
    if local is None:
        return (
            f"EC2 has the key pair `{name}`, but its private key is not in {file}. "
            "Bring it there, or choose another identity_key_name for a new key and replace the instance."
        )
    if local.split()[:2] != remote.split()[:2]:
        return (
            f"The key in {file} is not the one of the EC2 key pair `{name}`. "
            "Correct identity_key_file, or choose another identity_key_name and replace the instance."
        )
    return None
