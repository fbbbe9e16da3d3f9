"""Where the collection lies that this library runs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
