"""Builds the JSON Schema of a lookup's answer from its serializer."""

import inspect
from typing import Any, get_type_hints

import msgspec
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers

from carveout.errors import DeclarationInvalid

Schema = dict[str, Any]

# The first match counts: subclasses come before their base classes.
SIMPLE: list[tuple[type[Any], Schema]] = [
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.FloatField, {"type": "number"}),
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.DateField, {"type": "string", "format": "date"}),
    (serializers.TimeField, {"type": "string", "format": "time"}),
    (serializers.DurationField, {"type": "string"}),
    (serializers.EmailField, {"type": "string", "format": "email"}),
    (serializers.URLField, {"type": "string", "format": "uri"}),
    (serializers.CharField, {"type": "string"}),
    (serializers.FileField, {"type": "string"}),
    (serializers.StringRelatedField, {"type": "string"}),
    (serializers.HyperlinkedRelatedField, {"type": "string", "format": "uri"}),
    (serializers.MultipleChoiceField, {"type": "array", "items": {}}),
]
KEYS: list[tuple[type[Any], Schema]] = [
    (models.IntegerField, {"type": "integer"}),
    (models.UUIDField, {"type": "string", "format": "uuid"}),
    (models.CharField, {"type": "string"}),
]


def schema_of(view: type[Any]) -> Schema:
    """The schema of one object in the lookup's answer.

    Raises: DeclarationInvalid: the lookup has no serializer.
    """
    if view.serializer_class is None:
        raise DeclarationInvalid(
            f"{view.__module__}.{view.__name__}: set serializer_class; its fields are the contract."
        )
    return {
        "title": view.__name__,
        "description": inspect.cleandoc(view.__doc__ or ""),
        **_object(view.serializer_class()),
    }


def _object(serializer: Any) -> Schema:
    readable = [field for field in serializer.fields.values() if not field.write_only]
    properties = {field.field_name: _nullable(field, _schema(field)) for field in readable}
    return {"type": "object", "properties": properties}


def _schema(field: Any) -> Schema:
    """The schema of one field; empty if it may be anything."""
    match field:
        case serializers.BaseSerializer() if hasattr(field, "fields"):
            return _object(field)
        case serializers.ListSerializer() | serializers.ListField():
            return {"type": "array", "items": _schema(field.child)}
        case serializers.ManyRelatedField():
            return {"type": "array", "items": _schema(field.child_relation)}
        case serializers.DictField():
            return {"type": "object", "additionalProperties": _schema(field.child)}
        case serializers.DecimalField():
            return _decimal(field)
        case serializers.UUIDField():
            kind = "integer" if field.uuid_format == "int" else "string"
            return {"type": kind, "format": "uuid"} if kind == "string" else {"type": kind}
        case serializers.PrimaryKeyRelatedField():
            return _key(field)
        case serializers.SerializerMethodField():
            return _method(field)
    return next(
        (dict(schema) for kind, schema in SIMPLE if isinstance(field, kind)), _choice(field)
    )


def _first(kinds: list[tuple[type[Any], Schema]], thing: Any) -> Schema:
    return next((dict(schema) for kind, schema in kinds if isinstance(thing, kind)), {})


def _choice(field: Any) -> Schema:
    if not isinstance(field, serializers.ChoiceField):
        return {}
    return {"type": "string"} if all(isinstance(each, str) for each in field.choices) else {}


def _decimal(field: Any) -> Schema:
    as_text = getattr(field, "coerce_to_string", True)
    return {"type": "string", "format": "decimal"} if as_text else {"type": "number"}


def _key(field: Any) -> Schema:
    if field.pk_field is not None:
        return _schema(field.pk_field)
    related = _model_field(field)
    return _first(KEYS, getattr(related, "target_field", None))


def _method(field: Any) -> Schema:
    """The schema of a method field, from the method's return annotation."""
    try:
        method = getattr(type(field.parent), field.method_name)
        schema = msgspec.json.schema(get_type_hints(method)["return"])
    except (AttributeError, KeyError, NameError, TypeError):
        return {}
    return {} if "$defs" in schema else schema


def _model_field(field: Any) -> Any:
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    try:
        return model._meta.get_field(field.source) if model else None
    except FieldDoesNotExist:
        return None


def _nullable(field: Any, schema: Schema) -> Schema:
    column = _model_field(field)
    nullable = field.allow_null or (isinstance(column, models.Field) and column.null)
    if nullable and "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return schema
