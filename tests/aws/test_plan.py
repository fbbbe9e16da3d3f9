"""The plan against the truth: what it announces is what an apply then changes, task by task and item by item."""

from __future__ import annotations

import pytest
from deployment import NAME, Account
from drift import CHANGED, DELETED, Drift
from resources import ours

from mcp_aws.verdicts import Preflight, Provision, Teardown
from runner import Plan, Run, Stack

ACCOUNT = "123456789012"  # as moto has it
Announced = set[tuple[str, str, str]]


def announced(what: Plan | Run) -> Announced:
    """Return what a plan or an apply says of changes, as far as both must agree."""
    return {(change.role, change.task, change.item) for change in what.changes}


def only_in(plan: Announced, applied: Announced) -> dict[str, Announced]:
    """Return where both disagree, empty where they do not."""
    both = {"announced, not done": plan - applied, "done, not announced": applied - plan}
    return {which: tasks for which, tasks in both.items() if tasks}


def plan_and_apply(account: Account, stack: Stack) -> tuple[Plan, Run, Plan]:
    """Plan, do it, and plan again."""
    variables = account.variables()
    plan = stack.plan("provision", extra_vars=variables)
    return plan, stack.provision(extra_vars=variables), stack.plan("provision", extra_vars=variables)


@pytest.fixture(scope="module")
def account(own_account: Account) -> Account:
    """The account of these tests alone."""
    return own_account


@pytest.fixture(scope="module")
def stack(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The deployment into the account, as runner.py takes it."""
    inventory = tmp_path_factory.mktemp("inventory") / "mcp-aws"
    inventory.write_text("localhost ansible_connection=local\n")
    return Stack(inventory, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def plan(account: Account, stack: Stack) -> Plan:
    """The plan of the whole job on the empty account."""
    return stack.plan(extra_vars=account.variables())


@pytest.fixture(scope="module")
def created(account: Account, stack: Stack, plan: Plan) -> Run:
    """The run that made everything after it."""
    return stack.provision(extra_vars=account.variables())


def test_a_plan_gets_to_its_end_on_an_empty_account_and_says_what_it_cannot_foresee(plan: Plan) -> None:
    assert plan.drift
    said = " ".join(plan.unpredicted)
    for what in ("the roles of a host", "stack", "every criterion"):
        assert what in said


def test_a_plan_of_an_empty_account_invents_no_resource(plan: Plan) -> None:
    found = plan.run.verdicts
    assert found["provision"] == Provision("provision", NAME, True, ACCOUNT, "us-east-1")
    preflight = found["preflight"]
    assert isinstance(preflight, Preflight)
    assert (preflight.ok, preflight.account_id, preflight.region) == (True, ACCOUNT, "us-east-1")
    assert preflight.zones
    assert preflight.image_id.startswith("ami-")


def test_the_plan_of_an_empty_account_is_what_an_apply_does(plan: Plan, created: Run) -> None:
    assert only_in(announced(plan), announced(created)) == {}


def test_a_run_tells_what_there_is(account: Account, created: Run) -> None:
    found = created.verdict
    assert isinstance(found, Provision)
    told = {
        *(f"instance/{name}" for name in found.instance_ids),
        *(f"subnet/{name}" for name in found.subnet_ids),
        *(f"alarm/{name}" for name in found.alarms),
        f"vpc/{found.vpc_id}",
        f"bucket/{found.bucket}",
        f"log_group{found.log_group}",
    }
    there = {name for name in ours(account) if name.partition("/")[0] in {kind.partition("/")[0] for kind in told}}
    assert told == there
    (balancer,) = account.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert (found.load_balancer_arn, found.load_balancer_dns_name) == (balancer["LoadBalancerArn"], balancer["DNSName"])
    assert found.instances[0].public_ip


def test_the_plan_of_a_finished_account_is_empty(account: Account, stack: Stack, created: Run) -> None:
    plan = stack.plan("provision", extra_vars=account.variables())
    assert plan.run.verdict == created.verdict
    assert announced(plan) == set(), str(plan)
    assert not plan.drift


@pytest.mark.parametrize("drifts", [CHANGED, DELETED], ids=["changed", "deleted"])
def test_what_somebody_did_by_hand_is_announced_repaired_and_then_over(
    account: Account, stack: Stack, created: Run, drifts: list[Drift]
) -> None:
    before = {drift.what: drift.look(account.client) for drift in drifts}
    for drift in drifts:
        drift.spoil(account.client)
    plan, applied, after = plan_and_apply(account, stack)
    assert {drift.role for drift in drifts} - {change.role for change in plan.changes} == set()
    assert only_in(announced(plan), announced(applied)) == {}
    assert {drift.what: drift.look(account.client) for drift in drifts} == before
    assert announced(after) == set()


def test_the_plan_of_a_teardown_is_what_it_does(account: Account, stack: Stack, created: Run) -> None:
    gone = {"teardown_confirm": NAME, "storage_delete_bucket": True}
    plan = stack.plan("teardown", extra_vars=account.variables() | gone)
    applied = stack.teardown(confirm=NAME, extra_vars=account.variables() | gone)
    assert plan.drift
    assert "Network interfaces of others" in " ".join(plan.unpredicted)
    assert only_in(announced(plan), announced(applied)) == {}
    assert plan.run.verdict is None, "a plan deletes nothing"
    assert isinstance(applied.verdict, Teardown)
    assert isinstance(created.verdict, Provision)
    assert applied.verdict.deleted["vpc"] == (created.verdict.vpc_id,)
    assert applied.verdict.deleted["bucket"] == (created.verdict.bucket,)
    assert len(applied.verdict.deleted["alarms"]) == len(created.verdict.alarms)
    assert "private key stays" in " ".join(applied.verdict.stays)
