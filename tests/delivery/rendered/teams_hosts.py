"""The colours and sizes that Teams gives to Adaptive Cards, light and dark, as its host configurations
in Microsoft's designer of cards have them (microsoft/AdaptiveCards, samples/HostConfig)."""

from __future__ import annotations

from typing import Any

PAGES = {"light": "#ffffff", "dark": "#2d2c2c"}
LINKS = {"light": "#6264a7", "dark": "#a6a7dc"}
_GROUNDS = {"accent": "#C7DEF9", "good": "#CCFFCC", "attention": "#FFC5B2", "warning": "#FFE2B2"}
_LIGHT = {
    "default": ("#ff252424", "#bf252424"),
    "dark": ("#252424", "#bf252424"),
    "light": ("#ffffff", "#fff3f2f1"),
    "accent": ("#6264a7", "#8b8cc7"),
    "good": ("#92c353", "#e592c353"),
    "warning": ("#f8d22a", "#e5f8d22a"),
    "attention": ("#c4314b", "#e5c4314b"),
}
_DARK = {
    "default": ("#ffffffff", "#bfffffff"),
    "dark": ("#ff201f1f", "#ff2d2c2c"),
    "light": ("#ffffffff", "#bfffffff"),
    "accent": ("#ffa6a7dc", "#ff8b8cc7"),
    "good": ("#ff92c353", "#e592c353"),
    "warning": ("#fff8d22a", "#e5f8d22a"),
    "attention": ("#ffd74654", "#e5d74654"),
}
_DARK_ON_COLOUR = _DARK | {"default": ("#ff201f1f", "#ff2d2c2c")}


def host_config(theme: str) -> dict[str, Any]:
    plain = _LIGHT if theme == "light" else _DARK
    on_colour = _LIGHT if theme == "light" else _DARK_ON_COLOUR
    emphasis = "#fff9f8f7" if theme == "light" else "#ff292828"
    sizes = {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24}
    return {
        "supportsInteractivity": True,
        "fontFamily": "'Segoe UI', 'DejaVu Sans', sans-serif",
        "fontSizes": sizes,
        "fontWeights": {"lighter": 200, "default": 400, "bolder": 600},
        "spacing": {
            "small": 8,
            "default": 12,
            "medium": 16,
            "large": 20,
            "extraLarge": 24,
            "padding": 16,
        },
        "separator": {"lineThickness": 1, "lineColor": "#EEEEEE"},
        "containerStyles": {
            "default": _style(plain, PAGES[theme]),
            "emphasis": _style(plain, emphasis),
            **{name: _style(on_colour, ground) for name, ground in _GROUNDS.items()},
        },
        "actions": {
            "maxActions": 6,
            "spacing": "Default",
            "buttonSpacing": 8,
            "actionsOrientation": "Horizontal",
            "actionAlignment": "Left",
        },
        "adaptiveCard": {"allowCustomStyle": False},
    }


def _style(colours: dict[str, tuple[str, str]], ground: str) -> dict[str, Any]:
    return {
        "backgroundColor": ground,
        "foregroundColors": {
            name: {"default": whole, "subtle": subtle} for name, (whole, subtle) in colours.items()
        },
    }
