"""A page of this server that explains something about the API: no scripts, nothing from elsewhere."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

_STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;"
    "color:#1f2933;background:#fff}h1,h2,h3{line-height:1.25}body.wide{max-width:60rem}"
    "code{background:#eef1f4;padding:.1em .3em;overflow-wrap:anywhere}a{color:#0b5cad}"
    "pre{background:#eef1f4;padding:.8em;overflow-x:auto}pre code{padding:0;overflow-wrap:normal}"
    ".table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.93rem}"
    "th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;border-top:1px solid #d5dbe1}"
    "th{border-top:0}section{border-top:2px solid #d5dbe1;margin-top:2.5rem}"
    ".quiet{color:#5b6773}:target{scroll-margin-top:1rem}"
    "@media(prefers-color-scheme:dark){body{color:#e4e7eb;background:#14181d}"
    "code,pre{background:#262d35}a{color:#7ab8ff}th,td,section{border-color:#3a434d}"
    ".quiet{color:#a3adb8}}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=3600",
}


def plain_page(title: str, content: str, *, wide: bool = False) -> HTMLResponse:
    """`content` is HTML, in which everything is escaped."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} · Tocsin</title><style>{_STYLE}</style>"
        f"<body{' class=wide' if wide else ''}><main>{content}</main></body></html>",
        headers=_HEADERS,
    )
