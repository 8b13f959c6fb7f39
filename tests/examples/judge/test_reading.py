"""Running the kept networks over pictures."""

import numpy as np
import pytest
import torch

from examples.anime_faces.judge import (
    BINARY_HEADS,
    CLASS_HEADS,
    NUMBER_HEADS,
    encode,
    encode_with,
    load_encoder,
    load_judge,
    prepare,
    read,
    render_fresh,
)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return render_fresh(5, seed=0).images


def test_readings_are_probabilities_and_numbers(images: torch.Tensor):
    readings = read(load_judge(), images)
    for name, classes in CLASS_HEADS.items():
        assert readings[name].shape == (5, classes)
        np.testing.assert_allclose(readings[name].sum(axis=1), 1.0, rtol=1e-4)
    for name in BINARY_HEADS:
        assert readings[name].shape == (5,)
        assert ((readings[name] >= 0) & (readings[name] <= 1)).all()
    for name in NUMBER_HEADS:
        assert readings[name].shape == (5,)


def test_batches_change_nothing(images: torch.Tensor, monkeypatch: pytest.MonkeyPatch):
    encoder = load_encoder()
    whole = encode(encoder, images)
    monkeypatch.setattr("examples.anime_faces.judge._reading.BATCH", 2)
    torch.testing.assert_close(encode(encoder, images), whole, atol=1e-4, rtol=1e-4)


def test_the_encoder_is_one_feature_network_of_many(images: torch.Tensor):
    encoder = load_encoder()
    torch.testing.assert_close(encode_with(lambda batch: encoder(prepare(batch)), images), encode(encoder, images))
    assert encode_with(lambda batch: batch.float().mean(dim=(2, 3)), images).shape == (5, 3)


@pytest.mark.parametrize("network", [lambda batch: batch.float(), lambda batch: torch.zeros(2, 7)])
def test_refuses_what_is_not_one_vector_a_picture(network, images: torch.Tensor):
    with pytest.raises(ValueError, match="one vector for each picture"):
        encode_with(network, images)


def test_reads_in_float32_whatever_the_processor(images: torch.Tensor):
    """It was bfloat16, which takes ten times as long where the processor has none."""
    judge = load_judge()
    with torch.no_grad():
        expected = judge(prepare(images))["hair"].softmax(dim=1)
    np.testing.assert_allclose(read(judge, images)["hair"], expected.numpy(), rtol=1e-5)
