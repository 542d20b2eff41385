"""Kinds of prompt in words, and the tint of each."""

KINDS = {"red_team": "Red team", "helpful": "Helpful", "look_alike": "Look-alike"}
KIND_TINTS = {"red_team": "red", "helpful": "green", "look_alike": "blue"}
