"""The form under a product's reviews."""

from django import forms

from reviews.models import BEST_RATING, Review


class ReviewForm(forms.ModelForm):
    rating = forms.TypedChoiceField(
        coerce=int,
        choices=[
            ("", "Choose …"),
            *((n, "★" * n + "☆" * (BEST_RATING - n)) for n in range(BEST_RATING, 0, -1)),
        ],
        error_messages={"required": "Choose how many stars it gets."},
    )

    class Meta:
        model = Review
        fields = ["rating", "text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 4})}
        labels = {"text": "What do you think?"}
        error_messages = {"text": {"required": "Write what you think of it."}}
