"""Train a conditional WGAN-GP on a folder of pictures, with one process or several: a script to copy and to change.

python training_script.py --out runs/toy                                     # shapes drawn by this script
python training_script.py --data PICTURES --out runs/mine --dtype bfloat16   # a subfolder for each class
torchrun --standalone --nproc-per-node 2 training_script.py --out runs/toy   # two processes, the same training

The same command again continues from the last checkpoint. Needs the packages gankit and pillow.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeAlias

import torch
from PIL import Image, ImageOps
from torch import distributed, nn

import gankit as gk

Updates: TypeAlias = dict[str, gk.training.Update]
LATENTS = 64
RANK, RANKS = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    option = parser.add_argument
    option("--out", type=Path, required=True, help="folder of checkpoints, samples and log")
    option("--data", type=Path, help="folder of pictures, a subfolder for each class; without it: drawn shapes")
    option("--rounds", type=int, default=2000, help="generator updates")
    option("--critic-steps", type=int, default=5, help="critic updates in each round (n_critic)")
    option("--batch", type=int, default=32, help="batch size of all processes together")
    option("--resolution", type=int, default=32, help="4 times a power of 2")
    option("--width", type=int, default=16, help="channels at half the resolution, a multiple of 4")
    option("--lr", type=float, default=5e-4, help="learning rate of both networks")
    option("--penalty", type=float, default=10.0, help="weight of the gradient penalty (lambda)")
    option("--decay", type=float, default=0.99, help="decay of the weight average (EMA)")
    option("--every", type=int, default=100, help="rounds between checkpoints, samples and rows of the log")
    option("--seed", type=int, default=0, help="of weights, noise and the order of the data")
    option("--device", help="cpu, cuda or mps; without it: a GPU if there is one")
    option("--dtype", choices=["float32", "bfloat16"], default="float32", help="bfloat16: mixed precision")
    return parser.parse_args(arguments)


def find_device(wanted: str | None) -> torch.device:
    """Return the device of this process, and connect the processes if torchrun started several."""
    device = torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))
    if RANKS > 1:
        if device.type == "cuda":
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def read_folder(folder: Path, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures (n, 3, size, size) as uint8, cut to squares, and labels (n,): the subfolders by name."""
    endings = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) or [folder]
    pixels, labels = [], []
    for label, subfolder in enumerate(classes):
        for path in sorted(path for path in subfolder.iterdir() if path.suffix.lower() in endings):
            with Image.open(path) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                pixels.append(ImageOps.fit(upright, (size, size)).tobytes())
            labels.append(label)
    if not pixels:
        raise SystemExit(f"{folder} must hold pictures ({', '.join(sorted(endings))}), or subfolders of pictures")
    pictures = torch.frombuffer(bytearray(b"".join(pixels)), dtype=torch.uint8).view(-1, size, size, 3)
    return pictures.permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def draw_shapes(size: int, number: int = 3000) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures of discs, squares and rings of random color, size and place, and their labels 0, 1 and 2."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(number) % 3
    center, radius = torch.rand(2, number, 1, 1, generator=rng), torch.rand(number, 1, 1, generator=rng)
    line = (torch.arange(size) + 0.5) / size
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij")).unsqueeze(1)
    offsets = (grid - 0.4 - 0.2 * center).abs() / (0.24 + 0.12 * radius)
    distance, largest = offsets.norm(dim=0), offsets.amax(dim=0)
    inside = torch.stack([distance < 1, largest < 0.85, (distance - 0.8).abs() < 0.2])[labels, torch.arange(number)]
    colors = torch.randint(80, 256, (number, 3, 1, 1), generator=rng)
    return torch.where(inside.unsqueeze(1), colors, 20).to(torch.uint8), labels


def batches(data: Sequence[torch.Tensor], size: int, seed: int, first: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield this process's rows of each batch from number `first` on: a function of the seed and the number."""
    images, labels = data
    in_epoch, order = len(images) // size, torch.empty(0)
    for number in count(first):
        epoch, place = divmod(number, in_epoch)
        if place == 0 or number == first:
            rng = torch.Generator().manual_seed(seed + epoch)
            order = torch.randperm(len(images), generator=rng).to(images.device)
        rows = order[place * size : (place + 1) * size][RANK::RANKS]
        yield images[rows] / 127.5 - 1, labels[rows]


def own_rows(draw: "partial[torch.Tensor]", rows: int, *shape: int) -> torch.Tensor:
    """Draw for the whole batch, the same numbers on each process, and return the rows of this process."""
    return draw(rows * RANKS, *shape)[RANK::RANKS]


def make_updates(args: argparse.Namespace, generator: nn.Module, critic: nn.Module) -> Updates:
    """Return the updates of both networks: their losses, optimizers and precision."""
    device = next(critic.parameters()).device
    low = partial(torch.autocast, device.type, torch.bfloat16, enabled=args.dtype == "bfloat16")
    normal, uniform = partial(torch.randn, device=device), partial(torch.rand, device=device)
    objective = gk.losses.Wasserstein()

    def critic_terms(real: torch.Tensor, labels: torch.Tensor) -> gk.training.Values:
        mix = own_rows(uniform, len(real), 1, 1, 1)
        with low():
            with torch.no_grad():
                fake = generator(own_rows(normal, len(real), LATENTS), labels)
            on_real, on_fake = critic(real, labels), critic(fake, labels)
            penalty = gk.constraints.gradient_penalty(lambda x: critic(x, labels), real, fake, mix=mix)
            loss = gk.losses.critic_loss(objective, on_real, on_fake)
        gap = on_real.float().mean() - on_fake.float().mean()
        return gk.training.Values({"loss": loss, "penalty": args.penalty * penalty}, {"gap": gap})

    def generator_terms(real: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        with low():
            fake = generator(own_rows(normal, len(real), LATENTS), labels)
            return {"loss": gk.losses.generator_loss(objective, critic(fake, labels))}

    adam = partial(torch.optim.Adam, lr=args.lr, betas=(0.0, 0.9), fused=device.type == "cuda")
    averaged = gk.training.AveragedOverRanks(gk.training.Eager())
    return {
        "critic": gk.training.Update(adam(critic.parameters()), critic_terms, gradients=averaged),
        "generator": gk.training.Update(
            adam(generator.parameters()), generator_terms, gradients=averaged, frozen=[critic]
        ),
    }


@torch.no_grad()
def save_grid(path: Path, generator: nn.Module, classes: int, device: torch.device) -> None:
    """Save a row of samples for each class; those of a column have the same latents."""
    fixed = gk.latents.fixed_latents(8, LATENTS, seed=0, device=device)
    samples = generator(*gk.latents.across_conditions(fixed, torch.arange(classes, device=device)))
    pixels = ((samples + 1) * 127.5).round().to(torch.uint8).unflatten(0, (classes, 8))
    rows = pixels.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)  # (classes * height, 8 * width, 3)
    Image.fromarray(rows.cpu().numpy()).save(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or continue."""
    args = parse(arguments)
    device = find_device(args.device)
    data = read_folder(args.data, args.resolution) if args.data else draw_shapes(args.resolution)
    if args.batch % RANKS or len(data[0]) < args.batch:
        raise SystemExit(
            f"--batch {args.batch} must divide by {RANKS} processes and be at most {len(data[0])} pictures"
        )
    data, classes = [tensor.to(device) for tensor in data], int(data[1].max()) + 1

    torch.manual_seed(args.seed)
    size = {"resolution": args.resolution, "width": args.width, "embedder": gk.embedders.OneHotEmbedder(classes)}
    norm, activation = partial(nn.GroupNorm, 4), partial(gk.blocks.LeakyReLU, 0.2)
    generator = gk.networks.DCGANGenerator(latent_features=LATENTS, norm=norm, **size).to(device)
    critic = gk.networks.DCGANCritic(norm=nn.Identity, activation=activation, **size).to(device)
    gk.training.broadcast_state([generator, critic])
    average = gk.training.WeightAverage(generator, decay=args.decay)
    updates = make_updates(args, generator, critic)
    networks = {"generator": generator, "critic": critic}

    checkpoints = gk.training.Checkpoints(args.out / "checkpoints")
    if RANK == 0:
        checkpoints.take()  # makes the folder; a second run that would write into it is refused
    found = [checkpoints.load_latest() if RANK == 0 else None]
    if RANKS > 1:
        distributed.broadcast_object_list(found)
    start, log = 0, []
    free = {"out", "rounds", "every", "device"}  # options that may change when a run is continued
    fixed = {name: str(value) for name, value in vars(args).items() if name not in free}
    if found[0] is not None:
        start, state = found[0]
        if changed := [name for name, value in fixed.items() if value != state["options"].get(name)]:
            raise SystemExit(f"the run in {args.out} has other values of {', '.join(changed)}: take another --out")
        for name, network in networks.items():
            gk.training.load_network_state(network, state[name])
        gk.training.load_updates_state(updates, state["updates"])
        average.load_state_dict(state["average"])
        log = state["log"]

    ring = gk.training.LogRing(args.every)
    stream = batches(data, args.batch, args.seed, first=start * args.critic_steps)
    for done in range(start + 1, args.rounds + 1):
        torch.manual_seed(args.seed * 2**32 + done)  # so the noise too is a function of the seed and the round
        ring.write(gk.training.play_round(gk.schedules.Round(args.critic_steps), stream, **updates))
        average.update()
        if RANK == 0 and (done % args.every == 0 or done == args.rounds):
            rows = ring.read()
            log.append({"round": done} | {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]})
            print(json.dumps(log[-1]), flush=True)
            (args.out / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
            save_grid(args.out / f"samples-{done:06}.png", average.network, classes, device)
            state = {name: gk.training.network_state(network) for name, network in networks.items()}
            state |= {"updates": gk.training.updates_state(updates), "average": average.state_dict(), "log": log}
            state["options"] = fixed
            checkpoints.save(done, state)  # last: a run that is stopped before it makes log and samples again
    if RANKS > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
