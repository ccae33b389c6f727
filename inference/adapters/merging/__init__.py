"""Ways to merge adapters other than the exact sum of their deltas.

``settings``  which method, with which parameters     ``spaces``  one module's factors, merged
``rules``     what a method does to aligned tensors   ``writer``  a merged package, written module by module
"""
