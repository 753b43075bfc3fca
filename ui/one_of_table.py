"""A table of which one row is chosen: consents, waivers."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget


def one_of_table(model: QAbstractItemModel, name: str, letters: tuple[int, ...], parent: QWidget) -> QTableView:
    """Return the table. name: for a screen reader; letters: how many fit into each column, the last takes the rest."""
    table = QTableView(parent)
    table.setModel(model)
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setStretchLastSection(True)
    header.setHighlightSections(False)
    for column, count in enumerate(letters):
        table.setColumnWidth(column, table.fontMetrics().averageCharWidth() * count)
    return table
