"""Change requests from another tool's CSV file.

``mapping`` reads the map that says what the file's columns mean, ``reading`` the file itself,
``rows`` turns a line into values or into what is wrong with it, ``running`` goes through the
whole file and ``maps`` holds the maps that come with the product.
"""
