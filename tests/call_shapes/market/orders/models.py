from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=32)


class Tag(models.Model):
    word = models.CharField(max_length=32)


class Order(models.Model):
    number = models.CharField(max_length=32, unique=True)
    email = models.EmailField()
    is_paid = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag)
