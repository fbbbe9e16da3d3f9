"""Many runs at once, a third of them cancelled at random points, and what they leave; `python -m bench.runner.soak`."""

# SPDX-License-Identifier: GPL-3.0-or-later
