"""What the measurements say, as text: pure functions over seconds by tool and step."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

# Wanted at most, as a part of Terraform's time.
LIMITS = {"create": 0.12, "no-op": 0.40, "teardown": 0.18}

Seconds = Mapping[str, Mapping[str, Sequence[float]]]


def medians(seconds: Seconds) -> dict[str, dict[str, float]]:
    """Return the median of each tool and step."""
    return {tool: {step: statistics.median(times) for step, times in steps.items()} for tool, steps in seconds.items()}


def table(seconds: Seconds) -> list[str]:
    """Return the medians of the rounds beside each other, and every round behind."""
    lines = ["", f"{'seconds':<12}" + "".join(f"{step:>10}" for step in LIMITS) + "   rounds"]
    for tool, steps in medians(seconds).items():
        rounds = "; ".join(" ".join(f"{time:.1f}" for time in seconds[tool][step]) for step in LIMITS)
        lines.append(f"{tool:<12}" + "".join(f"{steps[step]:>10.2f}" for step in LIMITS) + f"   {rounds}")
    return lines


def ratios(seconds: Seconds) -> list[str]:
    """Return ours as a part of Terraform's time beside the limit, and as a multiple of boto3's."""
    middle, lines = medians(seconds), [""]
    for step, limit in LIMITS.items():
        line = f"{step:<10}"
        if "terraform" in middle:
            ratio = middle["ours"][step] / middle["terraform"][step]
            judgment = "kept" if ratio <= limit else f"MISSED by {(ratio / limit - 1) * 100:.0f} %"
            line += f" ours/terraform {ratio:.3f}, wanted at most {limit:.2f}: {judgment};"
        lines.append(f"{line} ours/boto3 {middle['ours'][step] / middle['boto3'][step]:.1f}")
    return lines


def by_number(seconds: Mapping[int, Seconds]) -> list[str]:
    """Return the seconds of each tool and step by number of instances, and what one instance more costs."""
    numbers = sorted(seconds)
    head = "".join(f"{number:>9}" for number in numbers)
    lines = ["", f"{'seconds by number of instances':<32}{head}   for each more"]
    middle = {number: medians(seconds[number]) for number in numbers}
    for tool in middle[numbers[0]]:
        for step in LIMITS:
            times = [middle[number][tool][step] for number in numbers]
            slope = (times[-1] - times[0]) / (numbers[-1] - numbers[0]) if len(numbers) > 1 else 0.0
            cells = "".join(f"{time:>9.2f}" for time in times)
            lines.append(f"{tool:<12}{step:<20}{cells}   {slope:.2f}")
    return lines
