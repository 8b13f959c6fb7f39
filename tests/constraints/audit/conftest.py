"""What tests of the audit share."""

from typing import Any

import pytest
from torch import nn


@pytest.fixture
def registrations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Class names of the modules that get a hook: what an audit costs."""
    log: list[str] = []
    plain = nn.Module.register_forward_pre_hook

    def counted(self: nn.Module, *args: Any, **options: Any) -> Any:
        log.append(type(self).__name__)
        return plain(self, *args, **options)

    monkeypatch.setattr(nn.Module, "register_forward_pre_hook", counted)
    return log
