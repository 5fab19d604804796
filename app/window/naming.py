"""Names for the parts that Qt makes inside a control: lists of choices, their scroll bars, editors.

Knows that a part without a name of its own is called as the control it belongs to. Knows no control.
"""

from PySide6.QtWidgets import QAbstractScrollArea, QAbstractSpinBox, QComboBox, QScrollArea, QWidget


def name_parts(control: QWidget) -> None:
    """Give every part of a control that has no name the control's."""
    if isinstance(control, QComboBox):
        control.view()  # made when it is first asked for
    for part in control.findChildren(QWidget):
        if not part.accessibleName():
            part.setAccessibleName(control.accessibleName())


def name_parts_within(panel: QWidget) -> None:
    """The same for every control in a panel that Qt makes of several parts."""
    for kind in (QComboBox, QAbstractSpinBox, QAbstractScrollArea):
        for control in panel.findChildren(kind):
            # What a scroll area shows has to have names of its own; lists and tables have only parts.
            if control.accessibleName() and not isinstance(control, QScrollArea):
                name_parts(control)
