"""Datasets for people: what there is, what was asked, and every statement that ran."""
