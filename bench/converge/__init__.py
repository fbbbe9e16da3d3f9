"""Converging a host compared with pyinfra; `python -m bench.converge`."""

# SPDX-License-Identifier: GPL-3.0-or-later
