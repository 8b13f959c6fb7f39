"""Report E: an ACGAN whose generator gets colors as embeddings.

Source: report E and the program behind it. Noise (100) and two embeddings (8 each) are joined to 116 numbers. The critic
has a head for "real" and one for each attribute; its two steps, one on real and one on generated pictures, have half a
batch each, so that both networks see the same number of pictures. Targets are soft (real 1 - U(0, 0.2), generated
U(0, 0.2)); the critic weighs its losses 1.4, 0.8, 0.8 and the generator 1, 1, 1; generated labels are uniform.

Differences from the report:

- The critic's fakes come from the generator in training mode: they are normalized by their batch, and this pass moves the
  generator's running statistics once more per round. The report's program calls Keras' ``predict``, which normalizes by the
  running statistics and moves nothing. In a fresh network the same input then gives visibly other pictures.
- Real half batches follow epochs, in which every picture is used once; the program draws them with replacement.
- Adam's epsilon is torch's 1e-8; Keras' is about 1e-7.
- Samples come from an average of the generator's weights; the grids show the generator without averaging beside it.

The report's labels are uniform although its data is not, and its critic learns classes from generated pictures too. Both are
kept, and both are known to bias the result (Odena et al. 2017 do the second as well). Sizes other than 64 drop or add stages,
each with twice the channels of its neighbor.

Data: pictures with exactly one class of every attribute (report E: one hair and one eye color); any set of attributes; any
size that is 4 to 7 doubled a few times.
"""

from collections.abc import Iterable
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.acgan.networks import LATENTS, networks
from examples.anime_faces.recipes.acgan.options import Options
from examples.anime_faces.systems import Description, ExactlyOne, Networks, Recipe, Scalars, Side, System, always

SOFTNESS = 0.2


def cost_names(attributes: Iterable[Attribute]) -> list[str]:
    """Return a name for the class loss of each attribute: that of the attribute, unless another cost or a group has it.

    Example:
        >>> cost_names([Attribute("hair", ("red",)), Attribute("score", ("low",)), Attribute("left/right", ("left",))])
        ['hair', 'class score', 'left-right']
    """
    names: list[str] = []
    for attribute in attributes:
        name = attribute.name.replace("/", "-")
        while name == "score" or name in names:
            name = f"class {name}"
        names.append(name)
    return names


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report E together; nothing in it depends on the length of the run."""
    del steps
    generator, critic, condition = networks["generator"], networks["critic"], description.condition
    objective = gk.losses.Logistic()
    names = cost_names(description.attributes)

    def softness(images: torch.Tensor, count: int) -> torch.Tensor:
        return SOFTNESS * torch.rand(count, device=images.device, dtype=images.dtype)

    def draw(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.normal_latents(len(labels), LATENTS, device=images.device, dtype=images.dtype)
        return generator(latents, labels)

    def class_losses(output: gk.networks.CriticOutput, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: gk.losses.class_loss(output.classes[index], labels[:, index]) for index, name in enumerate(names)}

    def weighed(output: gk.networks.CriticOutput, soft: torch.Tensor, labels: torch.Tensor) -> Scalars:
        score = options.score_weight * gk.losses.labeled_loss(objective, output.scores, soft)
        classes = class_losses(output, labels).items()
        return {"score": score} | {name: options.class_weight * loss for name, loss in classes}

    def real_terms(images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        output = critic(images)
        costs = weighed(output, 1 - softness(images, len(images)), labels)
        return costs, {"scores/real": output.scores.detach().mean()}

    def fake_terms(images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        labels = condition.draw(len(images), device=images.device)
        with torch.no_grad():
            fake = draw(images, labels)
        output = critic(fake)
        costs = weighed(output, softness(images, len(images)), labels)
        return costs, {"scores/fake": output.scores.detach().mean()}

    def generator_terms(images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        labels = condition.draw(2 * len(images), device=images.device)
        output = critic(draw(images, labels))
        soft = 1 - softness(images, len(labels))
        return {"score": gk.losses.labeled_loss(objective, output.scores, soft)} | class_losses(output, labels)

    adam = partial(torch.optim.Adam, betas=(0.5, 0.999))
    return System(
        critic=Side(
            network=critic,
            optimizer=partial(adam, lr=options.critic_learning_rate),
            terms={"real": real_terms, "fake": fake_terms},
        ),
        generator=Side(
            network=generator, optimizer=partial(adam, lr=options.generator_learning_rate), terms=generator_terms
        ),
        batch_size=options.batch_size // 2,
    )


RECIPE = Recipe(
    description="Report E: an ACGAN with label embeddings, soft targets and half batches for the critic.",
    steps=20_000,
    conditioning=always(ExactlyOne()),
    networks=networks,
    system=system,
)
