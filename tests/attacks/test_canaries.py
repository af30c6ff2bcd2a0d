"""A value that occurs nowhere else, in every personal field of every event type: no sink holds any spelling of one."""

import asyncio
import copy
import datetime as dt
import functools
import json
import random
from typing import Any

import pytest

from connectors.feed_events import opened as _opened  # noqa: F401
from schemas.catalogue import contract, contracts
from schemas.derive import Channel
from schemas.opening import open_record
from tests.attacks import access_bodies
from tests.attacks.canaries import Canaries, Planter, complete
from tests.attacks.hub import NOW, Hub, Sent, Sinks, agency_for, codec, every_text, logged, published
from tests.attacks.leaks import LEAKS, leaking
from tests.attacks.spellings import Search, spellings, unpacked
