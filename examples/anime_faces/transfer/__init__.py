"""Changing given pictures: attributes by `stargan` or published weights of StarGAN, colors by `gray_then_color`."""

from examples.anime_faces.transfer._changer import Changer as Changer, changer_of_run as changer_of_run
from examples.anime_faces.transfer._coloring import colors_of as colors_of, draw_colored as draw_colored
from examples.anime_faces.transfer._labels import (
    complete as complete,
    known_numbers as known_numbers,
    what_labels_leave_open as what_labels_leave_open,
)
from examples.anime_faces.transfer._pictures import Given as Given, read_given as read_given
from examples.anime_faces.transfer._published import changer_of_weights as changer_of_weights
from examples.anime_faces.transfer._strip import draw_strip as draw_strip
