"""`python -m exectrail`: the console script."""

from exectrail.launch import main

if __name__ == "__main__":
    raise SystemExit(main())
