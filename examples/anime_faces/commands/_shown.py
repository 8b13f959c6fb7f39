"""How options that may be left out look in the help."""

import tyro


def shown_as(name: str, flag: str | None = None) -> object:
    """Show an option that may be left out by one plain word in the help.

    Args:
        name: The word.
        flag: The option's name, where it is not that of the field.
    """
    return tyro.conf.arg(name=flag, metavar=name, help_behavior_hint="")
