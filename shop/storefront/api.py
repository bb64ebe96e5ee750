"""Public REST of the storefront: the token that signs a customer in."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.views import TokenViewBase

from shop.limits import SignInThrottle
from shop.storefront import services


class CredentialsSerializer(serializers.Serializer):
    """Exchanges an e-mail address or user name and a password for an access token."""

    email = serializers.CharField(write_only=True, required=False, max_length=150)
    username = serializers.CharField(write_only=True, required=False, max_length=150)
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=128)
    access = serializers.CharField(read_only=True)

    def validate(self, entered):
        identifier = entered.get("email") or entered.get("username")
        if not identifier:
            raise serializers.ValidationError({"email": "Give an e-mail address or a username."})
        account = services.account_for(self.context["request"], identifier, entered["password"])
        if account is None:
            raise AuthenticationFailed("No active account has these credentials.")
        return {"access": str(services.token_for(account))}


@extend_schema(description="A token for the header `Authorization: Bearer …`, valid for an hour.")
class TokenView(TokenViewBase):
    serializer_class = CredentialsSerializer
    throttle_classes = [SignInThrottle]
