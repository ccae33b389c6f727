"""What a mixture costs an adapter of it, told beforehand from the weights alone.

``interference``  how the rest of a mixture bears on one adapter, as a few numbers
``model``         the share of its gain that this costs, with an interval, from measured mixtures
``remedies``      smaller weights and other merges, judged by the same numbers
"""
