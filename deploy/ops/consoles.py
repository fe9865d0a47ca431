"""Pages for Prometheus' own console templates: the same panels as in Grafana, drawn by deploy/prometheus/console_libraries/sluice.lib."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from deploy.ops.panels import Page, Panel, Query

PAGE = """\
{{{{/* Made from deploy/ops/pages.py by `python -m deploy.ops`; do not edit. */}}}}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
{{{{ template "sluice-style" }}}}
</head>
<body>
<nav>{links} <span id="spans"></span></nav>
<h1>{title}</h1>
<p>{text}</p>
<main></main>
<script type="application/json" id="rows">
{rows}
</script>
{{{{ template "sluice-script" }}}}
</body>
</html>
"""


def render(page: Page, pages: Sequence[Page]) -> str:
    """The file of a page, with links to all of them."""
    links = " ".join(f'<a href="{each.name}.html">{html.escape(each.title)}</a>' for each in pages)
    rows = [{"title": row.title, "panels": [_panel(each) for each in row.panels]} for row in page.rows]
    content = json.dumps(rows, indent=1).replace("<", "\\u003c")  # so that no script ends within it
    return PAGE.format(title=html.escape(page.title), text=html.escape(page.text), links=links, rows=content)


def _panel(panel: Panel) -> dict[str, object]:
    return {
        "title": panel.title,
        "kind": panel.kind.value,
        "unit": panel.unit.value,
        "text": panel.text,
        "width": panel.width,
        "limit": panel.limit and {"value": panel.limit.value, "below": panel.limit.below},
        "queries": [_query(each) for each in panel.queries],
    }


def _query(query: Query) -> dict[str, object]:
    return {
        "expr": query.expr,
        "name": query.name,
        "unit": query.unit and query.unit.value,
        "limit": query.limit and {"value": query.limit.value, "below": query.limit.below},
    }
