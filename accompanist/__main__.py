"""``python -m accompanist`` is the console script."""

from accompanist.app.cli import run

if __name__ == "__main__":
    run()
