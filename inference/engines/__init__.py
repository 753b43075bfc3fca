"""One engine a file, behind the door of door.py."""
