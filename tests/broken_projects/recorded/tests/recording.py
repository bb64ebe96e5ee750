from carveout.carving.recorder.django_runner import Runner


class Recording(Runner):
    """For TEST_RUNNER: records whenever tests run."""
