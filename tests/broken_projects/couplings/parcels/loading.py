from importlib import import_module


def get_class(module, name):
    return getattr(import_module(module), name)
