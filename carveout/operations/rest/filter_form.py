"""Offers the parameters of a list as a form on the browsable pages."""

from typing import Any

from django.template import loader
from rest_framework.renderers import BrowsableAPIRenderer, HTMLFormRenderer
from rest_framework.request import Request


class FilteredPages(BrowsableAPIRenderer):
    """Browsable pages. Those of a view with a `query`, a serializer, offer its fields."""

    def get_filter_form(self, data: Any, view: Any, request: Request) -> str | None:
        if view.query is None or view.action != "list":
            return None
        given = view.query(data=request.query_params)
        given.fields.pop("before")  # another filter begins with the newest rows
        if not given.is_valid():
            return None
        fields = HTMLFormRenderer().render(given.data, renderer_context={})
        form = loader.render_to_string("carveout/rest_filters.html", {"fields": fields})
        return loader.render_to_string(self.filter_template, {"elements": [form]})
