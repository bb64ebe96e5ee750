from importlib import import_module


def get_class(module, name):
    return getattr(import_module(module), name)


def get_classes(module, names):
    return [get_class(module, name) for name in names]
