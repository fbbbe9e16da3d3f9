"""Clients of many services for one module, made once each and all of one session."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import Lock
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

with suppress(ImportError):  # AnsibleAWSModule says so
    import boto3

# Codes of throttling that AWSRetry does not wait for of itself.
THROTTLED = ["SlowDown", "ThrottlingException", "TooManyRequestsException"]


def clients(module: AnsibleAWSModule) -> Callable[..., Any]:
    """Return what makes the client of a service, and of another region when that is given; threads may call it.

    `AnsibleAWSModule.client` starts a session for each, which reads the data of all AWS again: a fifth of a second.
    """
    region, endpoint, options = get_aws_connection_info(module)
    profile, config = options.pop("profile_name", None), options.pop("aws_config", None)
    lock = Lock()  # a session may not make two clients at a time

    @cache
    def session() -> Any:
        return boto3.session.Session(profile_name=profile)

    @cache
    def client(service: str, elsewhere: str | None) -> Any:
        return session().client(
            service, region_name=elsewhere or region, endpoint_url=endpoint, config=config, **options
        )

    def locked(service: str, elsewhere: str | None = None) -> Any:
        with lock:
            return client(service, elsewhere)

    return locked
