"""Draw all strips again: ``python -m docs.augmentation_pictures``."""

from PIL import Image

from docs.augmentation_pictures.strips import FOLDER, PARTS, strip

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, part in PARTS.items():
        Image.fromarray(strip(part)).save(FOLDER / f"{name}.png", optimize=True)
    print(f"drew {len(PARTS)} strips into {FOLDER}")
