"""The presets in numpy float64, stage by stage as their papers list them, read from a state dict."""

import numpy as np
import torch
from blocks import oracles as layers
from blocks.oracles import Array, Norm, State
from networks.cases import CLASSES


def one_hot(labels: torch.Tensor) -> Array:
    return np.concatenate([np.eye(count)[labels[:, i].numpy()] for i, count in enumerate(CLASSES)], axis=1)


def looked_up(state: State, labels: torch.Tensor) -> Array:
    pieces = [state[f"embedder.tables.{i}.weight"][labels[:, i].numpy()] for i in range(len(CLASSES))]
    return np.concatenate(pieces, axis=1)


def dense(state: State, name: str, x: Array) -> Array:
    result = x @ state[f"{name}.weight"].T
    return result + state[f"{name}.bias"] if f"{name}.bias" in state else result


def dcgan_generator(state: State, vectors: Array, training: bool) -> Array:
    """Two doublings: linear, norm, relu, transposed convolution, norm, relu, transposed convolution, tanh."""
    norm = layers.batch_norm(state, training=training)
    h = dense(state, "stem", vectors).reshape(len(vectors), 4, 3, 3)
    h = layers.relu(norm(h, "body.0"))
    h = layers.convolve_transposed(h, state["body.2.weight"], None, 2, 1)
    h = layers.relu(norm(h, "body.3"))
    h = layers.convolve_transposed(h, state["body.5.weight"], state["body.5.bias"], 2, 1)
    return np.tanh(h)


def dcgan_maps(state: State, images: Array, training: bool) -> Array:
    """Two halvings: convolution, leaky relu, convolution, norm, leaky relu."""
    norm = layers.batch_norm(state, training=training)
    h = layers.leaky_relu(layers.convolve(images, state["body.0.weight"], state["body.0.bias"], 2, 1))
    return layers.leaky_relu(norm(layers.convolve(h, state["body.2.weight"], None, 2, 1), "body.3"))


def residual_generator(state: State, latents: Array, norm: Norm) -> Array:
    """Linear, two blocks up (channels 4, 4, 2), norm, relu, 3x3 convolution, tanh."""
    h = dense(state, "stem", latents).reshape(len(latents), 4, 3, 3)
    for step in range(2):
        h = layers.pre_activation_block(state, f"body.{step}.", h, norm, resample="up")
    h = layers.relu(norm(h, "body.2"))
    return np.tanh(layers.convolve(h, state["body.4.weight"], state["body.4.bias"], padding=1))


def residual_maps(state: State, images: Array) -> Array:
    """A 3x3 convolution and two blocks down (channels 2, 4, 4) with layer norm."""
    h = layers.convolve(images, state["body.0.weight"], state["body.0.bias"], padding=1)
    for step in (1, 2):
        h = layers.pre_activation_block(state, f"body.{step}.", h, layers.layer_norm(state), resample="down")
    return h


def scores(state: State, maps: Array, condition: Array | None) -> Array:
    """A linear layer of all maps; with a condition, the projection of their sum over positions."""
    if condition is None:
        return dense(state, "end.score", maps.reshape(len(maps), -1))[:, 0]
    summed = maps.sum(axis=(2, 3))
    fit = np.sum((condition @ state["end.score.project.weight"].T) * summed, axis=1)
    return dense(state, "end.score.linear", summed)[:, 0] + fit


def classes(state: State, maps: Array, counts: tuple[int, ...]) -> list[Array]:
    """Logits of each attribute, computed from all maps."""
    logits = dense(state, "end.classes.logits", maps.reshape(len(maps), -1))
    return np.split(logits, np.cumsum(counts)[:-1], axis=1)


def critic_output(name: str, state: State, maps: Array, labels: list[torch.Tensor]) -> list[Array]:
    """Scores of the named critic, and the logits of its classes if it has class heads."""
    condition = None
    if labels:
        condition = one_hot(labels[0]) if name.endswith("embedder") else looked_up(state, labels[0])
    return [
        scores(state, maps, condition),
        *(classes(state, maps, CLASSES) if name.endswith(("classes", "both")) else []),
    ]
