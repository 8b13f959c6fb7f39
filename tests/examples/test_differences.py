import pytest

from examples.anime_faces.differences import differences_of

HAIR = {"name": "hair", "classes": ["red", "blue"]}
EYES = {"name": "eyes", "classes": ["gray"]}


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 4}}, [("x.b.d", "3", "4")]),
        ({"a": True}, {}, [("x.a", "True", "False")]),
        ({}, {"a": False}, [("x.a", "True", "False")]),
        ({}, {"a": "red"}, [("x.a", "not there", "red")]),
        ([HAIR, EYES], [EYES, HAIR], []),
        ([HAIR], [HAIR, EYES], [("x.eyes", "not there", "there (classes)")]),
        ([HAIR], [HAIR | {"classes": ["red", "green"]}], [("x.hair.classes", "with blue", "with green")]),
        ([HAIR], [HAIR | {"classes": ["red"]}], [("x.hair.classes", "with blue", "without")]),
        ([1, 2], [2, 1], [("x", "in another order", "2, 1")]),
        ("a", "b" * 60 + "c" * 60, [("x", "a", "b" * 38 + "..." + "c" * 38)]),
        (None, 3, [("x", "None", "3")]),
        ([1], [1], []),
    ],
)
def test_only_what_differs_is_named(was: object, now: object, expected: list[tuple[str, str, str]]) -> None:
    assert [tuple(one) for one in differences_of("x", was, now)] == expected
