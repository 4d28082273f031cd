"""How changes fare over time: what is counted, in which days, and what is said of it.

Every figure is counted from rows that a page lists (`counted`), in days of the product's own zone,
so that everybody reads the same number; `shown` puts them into words beside those of as many days
just before.
"""
