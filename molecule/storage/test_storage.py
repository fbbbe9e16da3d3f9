"""The bucket of role storage, read back with boto3. The tests build on each other, from top to bottom."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from aws_account import Clients, Role, by_key

BUCKET, EXPIRE = "Create the bucket", "Set the lifecycle rule"
OTHERS, DELETE = "Remove other rules of the bucket's lifecycle", ["Delete the bucket with all objects and versions"]


@pytest.fixture
def s3(aws: Clients) -> Any:
    """Return a client of S3."""
    return aws("s3")


@pytest.fixture
def bucket(name: str) -> str:
    """Return the name of the bucket."""
    return f"{name}-123456789012"


def tags_of(s3: Any, bucket: str) -> dict[str, str]:
    """Return the tags of the bucket."""
    return by_key(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])


def rules(s3: Any, bucket: str) -> list[dict[str, Any]]:
    """Return the rules of the bucket's lifecycle."""
    return list(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])


def sealed(s3: Any, bucket: str) -> dict[str, Any]:
    """Return every setting that protects what the bucket holds."""
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    return {
        "versioning": s3.get_bucket_versioning(Bucket=bucket)["Status"],
        "encryption": rule["ApplyServerSideEncryptionByDefault"],
        "ownership": owner["ObjectOwnership"],
        "private": list(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()),
        "policy": (statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"]),
        "resources": statement["Resource"],
    }


def as_made(bucket: str) -> dict[str, Any]:
    """Return the settings that the role gives."""
    return {
        "versioning": "Enabled",
        "encryption": {"SSEAlgorithm": "AES256"},
        "ownership": "BucketOwnerEnforced",
        "private": [True] * 4,
        "policy": ("Deny", "*", "s3:*", {"Bool": {"aws:SecureTransport": "false"}}),
        "resources": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }


def test_the_bucket_is_versioned_encrypted_private_and_tagged(s3: Any, bucket: str, tags: dict[str, str]) -> None:
    assert sealed(s3, bucket) == as_made(bucket)
    assert tags_of(s3, bucket) == tags
    (rule,) = rules(s3, bucket)
    assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": ""})
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["Expiration"] == {"ExpiredObjectDeleteMarker": True}


def test_a_second_run_changes_nothing(role: Role) -> None:
    assert role.converge().changes == role.converge(check=True).changes == []


def test_settings_change_as_announced(role: Role, aws: Clients, s3: Any, bucket: str) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    wanted = {"storage_noncurrent_days": 30, "storage_kms_key_id": key}
    assert role.converge(check=True, **wanted).changes == [BUCKET, EXPIRE]
    assert sealed(s3, bucket) == as_made(bucket)
    assert role.converge(**wanted).changes == [BUCKET, EXPIRE]
    assert sealed(s3, bucket)["encryption"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert rules(s3, bucket)[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert role.converge(check=True, **wanted).changes == []
    assert role.converge().changes == [BUCKET, EXPIRE]
    assert sealed(s3, bucket) == as_made(bucket)


def test_what_somebody_changed_by_hand_is_announced_and_repaired(
    role: Role, s3: Any, bucket: str, tags: dict[str, str]
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    changed = [{"Key": key, "Value": value} for key, value in {**tags, "by": "hand", "mcp:collection": "x"}.items()]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": changed})
    assert role.converge(check=True).changes == role.converge().changes == [BUCKET]
    assert sealed(s3, bucket) == as_made(bucket)
    assert tags_of(s3, bucket) == tags


def test_a_lifecycle_that_would_lose_backups_is_announced_and_repaired(role: Role, s3: Any, bucket: str) -> None:
    (ours,) = rules(s3, bucket)
    gone = {"ID": "cheap", "Status": "Enabled", "Filter": {"Prefix": "backups/"}, "Expiration": {"Days": 1}}
    narrow = {**ours, "Filter": {"Prefix": "logs/"}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [narrow, gone]})
    announced = role.converge(check=True)
    assert announced.changes == [f"{OTHERS}: backups/", f"{OTHERS}: logs/", EXPIRE]
    assert role.converge().changes == announced.changes
    assert rules(s3, bucket) == [ours]


def test_the_bucket_is_kept_with_a_sentence_and_taken_up_again(role: Role, s3: Any, bucket: str) -> None:
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="backups/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="backups/a")
    kept = role.delete()
    assert (kept.ok, kept.changes) == (True, [])
    assert f"The bucket {bucket} in the account 123456789012 is kept with all that it holds" in kept.output
    assert "storage_delete_bucket: true deletes it" in kept.output
    assert role.converge().changes == []
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_the_bucket_is_deleted_with_every_version_once(role: Role, s3: Any, bucket: str) -> None:
    s3.create_multipart_upload(Bucket=bucket, Key="backups/c")
    assert role.delete(check=True, storage_delete_bucket=True).changes == DELETE
    assert len(s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]) == 1
    assert role.delete(storage_delete_bucket=True).changes == DELETE
    assert s3.list_buckets()["Buckets"] == []
    again = role.delete(storage_delete_bucket=True)
    assert (again.ok, again.changes) == (True, [])


def test_somebody_elses_bucket_is_refused_and_never_touched(role: Role, s3: Any, bucket: str) -> None:
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="theirs", Body=b"theirs")
    refused, left = role.converge(), role.delete(storage_delete_bucket=True)
    assert not refused.ok
    assert f"The bucket `{bucket}` bears no tag mcp:name: it is not of mcp.aws." in refused.message
    assert (left.ok, left.changes) == (True, [])
    assert s3.get_bucket_versioning(Bucket=bucket).get("Status") is None
    s3.delete_object(Bucket=bucket, Key="theirs")
    s3.delete_bucket(Bucket=bucket)


def test_an_empty_bucket_that_a_kill_left_untagged_is_taken_away(role: Role, s3: Any, bucket: str) -> None:
    s3.create_bucket(Bucket=bucket)
    assert role.delete(storage_delete_bucket=True).changes == DELETE
    assert s3.list_buckets()["Buckets"] == []


def test_a_bucket_of_another_account_is_refused_and_left(role: Role, aws: Clients, bucket: str) -> None:
    assumed = aws("sts").assume_role(RoleArn="arn:aws:iam::222222222222:role/rival", RoleSessionName="rival")
    keys = {
        "aws_access_key_id": assumed["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": assumed["Credentials"]["SecretAccessKey"],
        "aws_session_token": assumed["Credentials"]["SessionToken"],
    }
    theirs: Any = boto3.client("s3", region_name="us-east-1", endpoint_url=aws("s3").meta.endpoint_url, **keys)
    theirs.create_bucket(Bucket=bucket)
    refused, left = role.converge(), role.delete(storage_delete_bucket=True)
    assert f"The bucket `{bucket}` belongs to another account" in refused.message
    assert (left.ok, left.changes) == (True, [])
    theirs.delete_bucket(Bucket=bucket)


def test_an_empty_account_gets_what_was_announced(role: Role, s3: Any, bucket: str) -> None:
    assert role.converge(check=True).changes == [BUCKET, EXPIRE]
    assert s3.list_buckets()["Buckets"] == []
    assert role.converge().changes == [BUCKET, EXPIRE]
    assert sealed(s3, bucket) == as_made(bucket)


def test_bad_settings_are_refused_at_once(role: Role) -> None:
    outcome = role.converge(storage_bucket_name="Backups_of_us", storage_upload_days=0)
    assert not outcome.ok
    assert "storage_bucket_name is `Backups_of_us`: the name of a bucket has 3 to 63" in outcome.message
    assert "storage_noncurrent_days is 90 and storage_upload_days is 0: both are at least 1." in outcome.message
