"""One short run of each loss, penalty and pair of networks on the same faces: the pictures of the guide's gallery."""
