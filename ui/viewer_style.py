"""Neutral greys around the picture: a coloured or bright surround shifts how its colours look (ISO 3664, clause 4)."""

STYLE = """
QWidget { background: #262626; color: #d0d0d0; }
QPushButton { background: #3a3a3a; border: 1px solid #4c4c4c; border-radius: 2px; padding: 3px 8px; }
QPushButton:hover { background: #454545; }
QPushButton:checked { background: #5d6b75; }
QPushButton:focus, QComboBox:focus { border: 1px solid #9fb4c2; }
QComboBox { background: #1e1e1e; border: 1px solid #4c4c4c; border-radius: 2px; padding: 2px 4px; }
QComboBox:disabled { color: #6a6a6a; }
QToolTip { background: #1e1e1e; color: #d0d0d0; border: 1px solid #4c4c4c; }
"""
