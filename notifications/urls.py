"""Pages under /notifications/, REST under /api/notifications/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from notifications import api, views

app_name = "notifications"

router = SimpleRouter()
router.register("notifications", api.NotificationViewSet, basename="notification")

urlpatterns = [
    path("notifications/orders/<str:number>/", views.order_fragment, name="order"),
    path("api/", include(router.urls)),
]
