"""The losses of TF-GAN, called on the example. They need TensorFlow 2.15."""

from typing import Any

from docs.different_numbers.example import Example
from docs.different_numbers.peer_modules import take
from docs.different_numbers.peer_scores import Check
from docs.different_numbers.scores import TF_GAN


def _losses() -> Any:
    return take("tensorflow_gan.python.losses", "losses_impl")


def _of_scores(name: str, **options: float) -> Check:
    def call(e: Example) -> Any:
        tf = take("tensorflow", "compat")
        with tf.v1.Graph().as_default(), tf.v1.Session() as session:
            loss = getattr(_losses(), name)(e.real_scores.numpy(), e.fake_scores.numpy(), **options)
            return session.run(loss)

    return call


def _relativistic(e: Example) -> Any:
    tf = take("tensorflow", "compat")
    with tf.v1.Graph().as_default(), tf.v1.Session() as session:
        real, fake = (tf.v1.constant(scores.numpy()) for scores in (e.real_scores, e.fake_scores))
        return session.run(_losses().relativistic_discriminator_loss(real, fake))


def _classes(e: Example) -> Any:
    tf = take("tensorflow", "compat")
    with tf.v1.Graph().as_default(), tf.v1.Session() as session:
        one_hot = tf.v1.one_hot(e.classes.numpy(), 7)
        loss = _losses().acgan_discriminator_loss(e.real_logits.numpy(), e.fake_logits.numpy(), one_hot)
        return session.run(loss)


def _penalty(**options: float) -> Check:
    def call(e: Example) -> Any:
        tf = take("tensorflow", "compat")
        with tf.v1.Graph().as_default(), tf.v1.Session() as session:
            first, last, share = (
                tf.v1.constant(part.detach().numpy(), tf.v1.float32) for part in (e.first_layer, e.last_layer, e.mix)
            )

            def critic(images: Any, _: Any) -> Any:
                hidden = tf.v1.tanh(tf.v1.reshape(images, [5, 147]) @ first)
                return tf.v1.linalg.matvec(hidden, last)

            own = tf.v1.random.uniform
            take("tensorflow", "random").uniform = lambda shape: tf.v1.reshape(share, shape)
            try:
                real, fake = (part.float().numpy() for part in (e.real, e.fake))
                loss = _losses().wasserstein_gradient_penalty(real, fake, None, critic, "critic", **options)
            finally:
                take("tensorflow", "random").uniform = own
            return session.run(loss)

    return call


CHECKS: dict[tuple[str, str, str], Check] = {
    ("hinge", TF_GAN, ""): _of_scores("wasserstein_hinge_discriminator_loss"),
    ("logistic", TF_GAN, "the default"): _of_scores("minimax_discriminator_loss"),
    ("logistic", TF_GAN, "label_smoothing=0"): _of_scores("minimax_discriminator_loss", label_smoothing=0.0),
    ("least_squares", TF_GAN, ""): _of_scores("least_squares_discriminator_loss"),
    ("wasserstein", TF_GAN, ""): _of_scores("wasserstein_discriminator_loss"),
    ("relativistic_average", TF_GAN, ""): _relativistic,
    ("soft_labels", TF_GAN, ""): _of_scores("minimax_discriminator_loss", label_smoothing=0.1),
    ("class_terms", TF_GAN, ""): _classes,
    ("wgan_gp", TF_GAN, ""): _penalty(),
    ("wgan_gp_target", TF_GAN, ""): _penalty(target=2.0),
}
"""Functions to call, by table, program and the end of the place (if a program occurs twice in a table)."""
