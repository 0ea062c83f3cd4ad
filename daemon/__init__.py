"""tocsin: mail and monitoring alerts become graded incidents, and the right people are told in time."""

__version__ = "0.1.0"
