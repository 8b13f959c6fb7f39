"""Draws all pictures again: ``python -m docs.block_pictures``."""

from docs.block_pictures.drawing import draw
from docs.block_pictures.pictures import FOLDER, PICTURES

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(picture), encoding="utf-8")
    print(f"drew {len(PICTURES)} pictures into {FOLDER}")
