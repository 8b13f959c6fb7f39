"""Report E: an ACGAN whose generator is told colors by embeddings.

Source: report E and the program behind it. Noise (100) and two embeddings (8 each) are joined to 116 numbers; the critic
has a head for "real" and one for each attribute; its two steps, one on real and one on generated pictures, take half a
batch each, so that both networks see the same number of pictures; targets are soft (real 1 - U(0, 0.2), generated
U(0, 0.2)); the critic weighs its losses 1.4, 0.8, 0.8 and the generator 1, 1, 1; generated labels are uniform.

Differences from the report: samples come from an average of the generator's weights (the grids show the raw generator
beside it). The report's labels are uniform although its data is not, and its critic learns classes from generated pictures
too; both are kept, and both are known to bend the result (Odena et al. 2017 do the second as well). Sizes other than 64
drop or add stages, each with twice the channels of its neighbor.

Data: pictures with exactly one class of every attribute (report E: one hair and one eye color); any set of attributes; any
size that is 4 to 7 doubled a few times.
"""

import torch

import gankit as gk
from examples.anime_faces.recipes._acgan_networks import AcganCritic, AcganGenerator
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import AcganOptions
from examples.anime_faces.recipes._recipe import Recipe, System, always
from examples.anime_faces.recipes._selection import ExactlyOne

LATENTS = 100
SOFTNESS = 0.2


def build(description: Description, options: AcganOptions, hardware: Hardware, steps: int) -> System:
    """Put report E together; nothing in it decays, so `steps` plays no part."""
    del steps
    condition, device = description.condition, hardware.device
    size, width = description.size, options.width
    embedder = condition.label_embedder(options.embedding)
    generator = hardware.place(AcganGenerator(size=size, embedder=embedder, width=width))
    critic = hardware.place(AcganCritic(size=size, class_head=condition.class_head, width=width))
    objective = gk.losses.Logistic()
    scores: dict[str, torch.Tensor] = {}

    def critic_price(
        output: gk.networks.CriticOutput, soft: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        terms = {"score": options.score_weight * gk.losses.labeled_loss(objective, output.scores, soft)}
        for index, attribute in enumerate(description.attributes):
            terms[attribute.name] = options.class_weight * gk.losses.class_loss(output.classes[index], labels[:, index])
        return terms

    def real_terms(images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        output = critic(images)
        scores["real"] = output.scores.detach().mean()
        return critic_price(output, 1 - SOFTNESS * torch.rand(len(images), device=device), labels)

    def fake_terms(images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        labels = condition.draw(len(images), device=device)
        with torch.no_grad():
            fake = generator(torch.randn(len(images), LATENTS, device=device), labels)
        output = critic(fake)
        scores["fake"] = output.scores.detach().mean()
        return critic_price(output, SOFTNESS * torch.rand(len(images), device=device), labels)

    def generator_terms(images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        count = 2 * len(images)
        labels = condition.draw(count, device=device)
        output = critic(generator(torch.randn(count, LATENTS, device=device), labels))
        terms = {
            "score": gk.losses.labeled_loss(objective, output.scores, 1 - SOFTNESS * torch.rand(count, device=device))
        }
        for index, attribute in enumerate(description.attributes):
            terms[attribute.name] = gk.losses.class_loss(output.classes[index], labels[:, index])
        return terms

    critic_optimizer = torch.optim.Adam(
        critic.parameters(), options.critic_learning_rate, betas=(0.5, 0.999), fused=True
    )
    generator_optimizer = torch.optim.Adam(
        generator.parameters(), options.generator_learning_rate, betas=(0.5, 0.999), fused=True
    )
    return System(
        generator=generator,
        critic=critic,
        average=gk.training.WeightAverage(generator),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1)),
        critic_updates={
            "real": gk.training.Update(critic_optimizer, hardware.autocast(real_terms)),
            "fake": gk.training.Update(critic_optimizer, hardware.autocast(fake_terms)),
        },
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=lambda count, rng: torch.randn(count, LATENTS, generator=rng),
        batch_size=options.batch_size // 2,
        scores=scores,
    )


RECIPE = Recipe(
    name="acgan",
    description="Report E: an ACGAN with label embeddings, soft targets and half batches for the critic.",
    options=AcganOptions,
    steps=20_000,
    conditioning=always(ExactlyOne()),
    build=build,
)
