"""From tokens to a Qt style sheet.

Knows the roles that widgets name in their "role" property, and how each looks. Knows no widget of its own, and not
when the style is applied.
"""

from collections.abc import Callable

from app.theme.tokens import (
    BODY_TEXT_PX,
    CONTROL_HEIGHT_PX,
    CORNER_PX,
    FOCUS_RING_PX,
    HEADING_TEXT_PX,
    ICON_PX,
    SMALL_TEXT_PX,
    SPACE_4,
    SPACE_8,
    SPACE_12,
    SPACE_16,
    Palette,
    mix,
)


def control_height_px(scale: float) -> int:
    """Height of buttons and fields: room for one line of scaled text."""
    return round(CONTROL_HEIGHT_PX + (scale - 1) * 20)


def style_sheet(palette: Palette, scale: float, drawing: Callable[[str, str], str]) -> str:
    """The whole program's style for a palette and a text scale (1.0-2.0); `drawing` names an icon in a colour."""
    p = palette
    body, small, heading = (round(px * scale) for px in (BODY_TEXT_PX, SMALL_TEXT_PX, HEADING_TEXT_PX))
    control = control_height_px(scale)
    accent_hover = mix(p.accent, p.on_accent, 0.12)
    accent_pressed = mix(p.accent, p.on_accent, 0.22)
    disabled = mix(p.panel, p.text, 0.45)
    icon = round(ICON_PX * scale)
    arrow = round(14 * scale)
    field_line = mix(p.line, p.text, 0.35)
    down, up, right, tick = (
        drawing("chevron-down", p.text),
        drawing("chevron-up", p.text),
        drawing("chevron-right", p.text),
        drawing("tick", p.on_accent),
    )
    return f"""
* {{ font-size: {body}px; color: {p.text}; }}
QWidget[role="window"], QDialog {{ background: {p.window}; }}
QFrame[role="bar"] {{ background: {p.panel}; border: 0px solid {p.line}; }}
QFrame[role="bar"][edge="bottom"] {{ border-bottom-width: 1px; }}
QFrame[role="bar"][edge="top"] {{ border-top-width: 1px; }}
QFrame[role="panel"] {{ background: {p.panel}; border: 0px solid {p.line}; border-left-width: 1px; }}
QFrame[role="card"] {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: {CORNER_PX}px; }}
QFrame[role="message"] {{ background: {p.panel}; border: 0px solid {p.line}; border-bottom-width: 1px;
    border-left: {SPACE_4}px solid {p.accent}; }}
QFrame[role="separator"] {{ background: {p.line}; border: none; }}

QLabel {{ background: transparent; }}
QLabel[role="heading"] {{ font-size: {heading}px; font-weight: 600; }}
QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="quiet"] {{ color: {p.quiet_text}; }}
QLabel[role="small"] {{ color: {p.quiet_text}; font-size: {small}px; }}
QLabel[role="chip"] {{ color: {p.text}; background: {p.panel}; border: 1px solid {p.line};
    border-radius: {SPACE_4}px; font-size: {small}px; padding: 2px {SPACE_8}px; }}
QLabel[role="state"] {{ font-weight: 600; }}

QPushButton {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: {CORNER_PX}px;
    min-height: {control - 2}px; max-height: {control - 2}px; padding: 0 {SPACE_12}px; }}
QPushButton:hover {{ background: {p.hover}; }}
QPushButton:pressed, QPushButton:open {{ background: {p.pressed}; }}
QPushButton:disabled {{ color: {disabled}; background: {p.panel}; }}
QPushButton[role="filled"] {{ background: {p.accent}; border-color: {p.accent}; color: {p.on_accent};
    font-weight: 600; padding: 0 {SPACE_16}px; }}
QPushButton[role="filled"]:hover {{ background: {accent_hover}; border-color: {accent_hover}; }}
QPushButton[role="filled"]:pressed {{ background: {accent_pressed}; border-color: {accent_pressed}; }}
QPushButton[role="filled"]:disabled {{ background: {p.hover}; border-color: {p.line}; color: {disabled}; }}
QPushButton[role="ghost"] {{ border-color: transparent; background: transparent; padding: 0 {SPACE_8}px; }}
QPushButton[role="ghost"]:hover {{ background: {p.hover}; }}
QPushButton[role="ghost"]:pressed, QPushButton[role="ghost"]:open {{ background: {p.pressed}; }}
QPushButton[role="icon"] {{ border-color: transparent; background: transparent; padding: 0;
    min-width: {control - 2}px; max-width: {control - 2}px; }}
QPushButton[role="icon"]:hover {{ background: {p.hover}; }}
QPushButton[role="icon"]:pressed, QPushButton[role="icon"]:open {{ background: {p.pressed}; }}
QPushButton[role="small-icon"] {{ padding: 0; }}
QPushButton[role="field"] {{ border-color: {field_line}; text-align: left; padding: 0 {SPACE_8}px; }}
QPushButton[role="card"] {{ min-height: 0; max-height: 100000px; padding: 0; text-align: left; }}
QPushButton::menu-indicator {{ image: none; width: 0; }}

QLineEdit {{ background: {p.window}; border: 1px solid {p.line}; border-radius: {CORNER_PX}px;
    min-height: {control - 2}px; max-height: {control - 2}px; padding: 0 {SPACE_8}px;
    selection-background-color: {p.accent}; selection-color: {p.on_accent};
    placeholder-text-color: {p.quiet_text}; }}
QLineEdit:hover {{ border-color: {mix(p.line, p.text, 0.35)}; }}
QLineEdit QToolButton {{ background: transparent; border: none; }}

QTextEdit, QPlainTextEdit {{ background: transparent; border: none;
    selection-background-color: {p.accent}; selection-color: {p.on_accent};
    placeholder-text-color: {p.quiet_text}; }}
QPlainTextEdit[role="details"] {{ background: {p.window}; border: 1px solid {p.line};
    border-radius: {CORNER_PX}px; padding: {SPACE_8}px; font-size: {small}px; }}

QCheckBox {{ spacing: {SPACE_8}px; min-height: {control}px; }}
QCheckBox::indicator {{ width: {icon}px; height: {icon}px; border: 2px solid {field_line};
    border-radius: {SPACE_4}px; background: {p.panel}; }}
QCheckBox::indicator:checked {{ background: {p.accent}; border-color: {p.accent}; image: {tick}; }}
QCheckBox:disabled {{ color: {disabled}; }}

QComboBox, QAbstractSpinBox {{ background: {p.panel}; border: 1px solid {field_line};
    border-radius: {CORNER_PX}px; min-height: {control - 2}px; max-height: {control - 2}px;
    padding: 0 {SPACE_8}px; selection-background-color: {p.accent}; selection-color: {p.on_accent}; }}
QComboBox:hover, QAbstractSpinBox:hover {{ background: {p.hover}; }}
QComboBox:disabled, QAbstractSpinBox:disabled {{ color: {disabled}; border-color: {p.line}; }}
QComboBox::drop-down {{ border: none; width: {arrow + SPACE_12}px; }}
QComboBox::down-arrow {{ image: {down}; width: {arrow}px; height: {arrow}px; }}
QComboBox QAbstractItemView {{ background: {p.panel}; border: 1px solid {p.line}; outline: none;
    selection-background-color: {p.accent}; selection-color: {p.on_accent}; padding: {SPACE_4}px; }}
QAbstractSpinBox QLineEdit {{ background: transparent; border: none; padding: 0 {SPACE_8}px; min-height: 0; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; background: transparent;
    width: {arrow + SPACE_8}px; subcontrol-origin: border; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; top: 2px; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; bottom: 2px; }}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {p.pressed};
    border-radius: {SPACE_4}px; }}
QAbstractSpinBox::up-arrow {{ image: {up}; width: {arrow}px; height: {arrow}px; }}
QAbstractSpinBox::down-arrow {{ image: {down}; width: {arrow}px; height: {arrow}px; }}

QScrollArea {{ background: transparent; border: none; }}
QListWidget, QTreeWidget {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: {CORNER_PX}px;
    outline: none; padding: {SPACE_4}px; }}
QListWidget[role="pages"] {{ background: transparent; border: none; }}
QListWidget::item {{ padding: {SPACE_8}px; border-radius: {SPACE_4}px; border: {FOCUS_RING_PX}px solid transparent; }}
QListWidget::item:hover, QTreeWidget::item:hover {{ background: {p.hover}; }}
QListWidget::item:selected {{ background: {p.pressed}; color: {p.text}; border-color: {p.accent}; }}
QTreeWidget::item {{ padding: {SPACE_4}px {SPACE_8}px {SPACE_4}px 0; min-height: {round(24 * scale)}px; }}
QTreeWidget::item:selected {{ background: {p.accent}; color: {p.on_accent}; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{ background: transparent; color: {p.quiet_text}; border: none;
    border-bottom: 1px solid {p.line}; padding: {SPACE_4}px {SPACE_8}px {SPACE_4}px {SPACE_4}px; }}
QProgressBar {{ background: {p.pressed}; border: 1px solid {p.line}; border-radius: {SPACE_4}px;
    text-align: center; min-height: {round(18 * scale)}px; }}
QProgressBar::chunk {{ background: {p.accent}; border-radius: 3px; }}

QMenu {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: {CORNER_PX}px; padding: {SPACE_4}px; }}
QMenu::item {{ padding: {SPACE_8}px {SPACE_16}px {SPACE_8}px {SPACE_8}px; border-radius: {SPACE_4}px;
    background: transparent; border: 2px solid transparent; }}
QMenu::item:selected {{ background: {p.hover}; border-color: {p.accent}; }}
QMenu::item:disabled {{ color: {p.quiet_text}; }}
QMenu::icon {{ padding-left: {SPACE_8}px; }}
QMenu::icon:checked {{ background: transparent; border: none; }}
QMenu::indicator {{ width: 0; height: 0; }}
QMenu::right-arrow {{ image: {right}; width: {arrow}px; height: {arrow}px; right: {SPACE_8}px; }}
QMenu::separator {{ height: 1px; background: {p.line}; margin: {SPACE_4}px {SPACE_8}px; }}

QScrollBar:vertical {{ background: transparent; width: {SPACE_12}px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {mix(p.panel, p.text, 0.3)}; border-radius: {SPACE_4}px;
    min-height: {SPACE_16 * 2}px; margin: 2px; }}
QScrollBar::handle:vertical:hover {{ background: {mix(p.panel, p.text, 0.5)}; }}
QScrollBar:horizontal {{ background: transparent; height: {SPACE_12}px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {mix(p.panel, p.text, 0.3)}; border-radius: {SPACE_4}px;
    min-width: {SPACE_16 * 2}px; margin: 2px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QToolTip {{ background: {p.text}; color: {p.window}; border: 1px solid {p.text};
    padding: {SPACE_4}px {SPACE_8}px; font-size: {small}px; }}
"""
