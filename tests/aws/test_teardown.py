"""The playbook teardown: it asks, announces, and takes away all that is ours and nothing else; nothing is fine too."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
import strangers
from deployment import NAME, TAGS, Account, Deployed, Run
from resources import Found, ours, resources

BUCKET = f"{NAME}-123456789012"


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> Account:
    """Return the account that holds a whole deployment and things of others, with an object in the bucket."""
    assert deployed.created.status == 0, deployed.created.output
    deployed.account.client("s3").put_object(Bucket=BUCKET, Key="backup/1", Body=b"data")
    return deployed.account


def theirs(account: Account) -> Found:
    """Return all the rest."""
    mine = ours(account)
    return {name: tags for name, tags in resources(account.client).items() if name not in mine}


def teardown(account: Account, *options: str, **variables: Any) -> Run:
    """Run the playbook with the answer given beforehand."""
    return account.run("teardown", *options, teardown_confirm=NAME, **variables)


@pytest.fixture(scope="module")
def before(account: Account) -> Found:
    """Return what others have."""
    found = theirs(account)
    assert len(found) == strangers.COUNT, found
    return found


def test_without_the_name_nothing_is_deleted(account: Account, before: Found) -> None:
    whole = ours(account)
    run = account.run("teardown", teardown_confirm="mcp")
    assert run.status != 0
    assert f"Nothing was deleted: the answer is `mcp`, the deployment is `{NAME}`." in run.said
    assert ours(account) == whole


def test_check_mode_deletes_nothing(account: Account, before: Found) -> None:
    whole = resources(account.client)
    run = teardown(account, "--check")
    assert run.status == 0, run.output
    assert resources(account.client) == whole


def test_all_goes_but_the_bucket_with_its_backups(account: Account, before: Found) -> None:
    run = teardown(account)
    assert run.status == 0, run.output
    assert ours(account) == {f"bucket/{BUCKET}": TAGS}
    assert BUCKET in run.said
    assert account.client("s3").get_object(Bucket=BUCKET, Key="backup/1")["Body"].read() == b"data"


def test_a_new_deployment_takes_the_kept_bucket_up_again(account: Account, before: Found) -> None:
    run = account.run("provision")
    assert run.status == 0, run.output
    assert account.client("s3").get_object(Bucket=BUCKET, Key="backup/1")["Body"].read() == b"data"


def test_all_goes_when_the_bucket_may_go_too(account: Account, before: Found) -> None:
    run = teardown(account, storage_delete_bucket=True)
    assert run.status == 0, run.output
    assert ours(account) == {}
    assert theirs(account) == before


def test_on_nothing_it_succeeds_and_changes_nothing(account: Account, before: Found) -> None:
    run = teardown(account, storage_delete_bucket=True)
    assert (run.status, run.changed) == (0, 0), run.output
    assert theirs(account) == before
