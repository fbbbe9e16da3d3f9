"""Many hosts through the usual path: batches, forks, a cache of facts, groups that an inventory plugin makes.

Servers that `amazon.aws.aws_ec2` finds are tried in `tests/e2e/test_inventory.py`, where there are some.
"""

from __future__ import annotations

from collections import Counter

import pytest

from runner import Run, Stack

HOSTS, BATCH, FORKS = 50, 10, 5

INVENTORY = """
[fleet]
host[001:050] ansible_connection=local ansible_python_interpreter=/usr/bin/python3
"""

CONSTRUCTED = """
plugin: ansible.builtin.constructed
strict: true
groups:
  first: inventory_hostname == 'host001'
"""

FILL = """
- name: Gather facts of one host
  hosts: first
  gather_subset: [min]
  tasks: []
- name: Work in batches
  hosts: fleet
  serial: 10
  gather_facts: false
  tasks:
    - name: Remember something of each host
      ansible.builtin.set_fact: {remembered: "{{ inventory_hostname }}, here", cacheable: true}
    - name: Do a little
      ansible.builtin.assert: {that: remembered is defined, quiet: true}
      changed_when: inventory_hostname == 'host042'
"""

USE = """
- name: Use what was gathered
  hosts: first
  gather_subset: [min]
  tasks:
    - name: Name a fact
      ansible.builtin.assert: {that: ansible_facts.system == 'Linux', quiet: true}
- name: Use what was remembered
  hosts: fleet
  gather_facts: false
  tasks:
    - name: Compare
      ansible.builtin.assert: {that: remembered.startswith(inventory_hostname), quiet: true}
"""

CONFIGURATION = """
[defaults]
gathering = smart
fact_caching = jsonfile
fact_caching_connection = {facts}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two runs on fifty hosts, the second of which knows what the first found."""
    place = tmp_path_factory.mktemp("scale")
    (place / "fleet").mkdir()
    (place / "fleet" / "hosts").write_text(INVENTORY)
    (place / "fleet" / "later_constructed.yml").write_text(CONSTRUCTED)
    (place / "playbooks").mkdir()
    (place / "playbooks" / "fill.yml").write_text(FILL)
    (place / "playbooks" / "use.yml").write_text(USE)
    (place / "ansible.cfg").write_text(CONFIGURATION.format(facts=place / "facts"))
    stack = Stack(place / "fleet", playbooks=place / "playbooks", cache=place / "cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_CONFIG", str(place / "ansible.cfg"))
        return stack.run("fill", forks=FORKS), stack.run("use", forks=FORKS)


def test_every_host_and_every_event_is_accounted_for(runs: tuple[Run, Run]) -> None:
    run = runs[0]
    events = list(run)
    fleet = [event for event in events if event.play == "Work in batches"]
    results = Counter(event.host for event in fleet if event.kind == "runner_on_ok")

    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert results == {f"host{number:03}": 2 for number in range(1, HOSTS + 1)}
    assert {host: stats.ok for host, stats in run.hosts.items()} == results + Counter(host001=1)
    assert [(change.host, change.task) for change in run.changes] == [("host042", "Do a little")]


def test_a_play_goes_in_batches_of_its_serial(runs: tuple[Run, Run]) -> None:
    batches: list[set[str]] = []
    for event in runs[0]:
        if event.play == "Work in batches":
            if event.kind == "playbook_on_play_start":
                batches.append(set())
            elif event.kind == "runner_on_ok":
                batches[-1].add(event.host)

    expected = [{f"host{first + number:03}" for number in range(BATCH)} for first in range(1, HOSTS, BATCH)]
    assert batches == expected


def test_hosts_are_worked_on_at_once_and_no_more_than_the_forks(runs: tuple[Run, Run]) -> None:
    at_work = most = 0
    for event in runs[1]:
        at_work += (event.kind == "runner_on_start") - (event.kind == "runner_on_ok")
        most = max(most, at_work)

    assert 1 < most <= FORKS, f"{most} at once with {FORKS} forks"


def test_facts_are_kept_where_ansible_cfg_says(runs: tuple[Run, Run]) -> None:
    gathered = [
        [event.host for event in run if (event.task, event.kind) == ("Gathering Facts", "runner_on_ok")] for run in runs
    ]

    assert gathered == [["host001"], []]
    facts = runs[0].artifacts.parents[2] / "facts"
    assert len(list(facts.iterdir())) == HOSTS
