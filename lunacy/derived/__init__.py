"""What is made from the papers to answer faster, and may be deleted at any time: the answers stay the same."""
