from django.contrib.auth.models import AbstractUser


class Person(AbstractUser):  # C C: groups and permissions
    pass
