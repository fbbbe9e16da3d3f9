"""The rights that S3's operations need, which are seldom called like the operation.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Iterator

from .calls import Call

ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}


def needs(call: Call) -> Iterator[tuple[str, str]]:
    """Yield each action with the resource that it acts on."""
    asked = call.parameters
    bucket = f"arn:aws:s3:::{asked['Bucket']}" if "Bucket" in asked else "*"
    if call.operation == "DeleteObjects":
        for each in asked["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{bucket}/{each['Key']}"  # always, says the reference of the operation
            if each.get("VersionId"):
                yield "s3:DeleteObjectVersion", f"{bucket}/{each['Key']}"
        return
    name = ACTIONS.get(call.operation, call.operation)
    yield _versioned(name, asked), f"{bucket}/{asked['Key']}" if "Key" in asked else bucket
    if call.operation == "CreateBucket":
        if "ObjectOwnership" in asked:
            yield "s3:PutBucketOwnershipControls", bucket
        if asked.get("CreateBucketConfiguration", {}).get("Tags"):
            yield "s3:TagResource", bucket
    if call.operation == "CopyObject":
        yield "s3:GetObject", f"arn:aws:s3:::{str(asked['CopySource']).lstrip('/')}"


def _versioned(name: str, asked: dict[str, str]) -> str:
    of_object = name in {"DeleteObject", "GetObject", "GetObjectAcl", "GetObjectTagging"}
    return f"s3:{name.replace('Object', 'ObjectVersion') if of_object and asked.get('VersionId') else name}"
