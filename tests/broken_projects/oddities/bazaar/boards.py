from django.template.backends.base import BaseEngine


class Boards(BaseEngine):
    app_dirname = "boards"

    def __init__(self, params):
        super().__init__({key: params[key] for key in ("NAME", "DIRS", "APP_DIRS")})
