"""gankit: the parts of generative adversarial networks.

Five nouns (losses, constraints, schedules, blocks, embedders) and two that tie them (networks, training); beside them what
goes in (latents) and what comes between (augment). Each is a namespace; nothing is flat::

    import gankit as gk

    loss = gk.losses.critic_loss(gk.losses.Hinge(), real_scores, fake_scores)
"""

from gankit import (
    augment as augment,
    blocks as blocks,
    constraints as constraints,
    embedders as embedders,
    latents as latents,
    losses as losses,
    networks as networks,
    schedules as schedules,
    training as training,
)
from gankit._version import __version__ as __version__
