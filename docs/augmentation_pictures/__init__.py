"""Pictures of what each augmentation does to an image."""
