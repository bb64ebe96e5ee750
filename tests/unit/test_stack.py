"""What the page of a delivery shows of its stack."""

import json

from carveout.admin import stack
from tests.copies import ROOT

KIT = f'''  File "{stack.KIT}/deliveries/attempt.py", line 72, in _ran_well
    call_handler(subscription, [event], fetched)
    ~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
'''
LIBRARY = f'''  File "{json.__file__}", line 346, in loads
    return _default_decoder.decode(s)
  [Previous line repeated 996 more times]
  File "/srv/venv/lib/python3.13/site-packages/rq/job.py", line 8, in run
    job()
  File "<string>", line 1, in <module>
'''
OURS = f'''  File "{ROOT}/notifications/subscribers.py", line 26, in tell
    send(order)
  File "{ROOT}/notifications/mail.py", line 44, in send
    open(
    ~~~~^
        order,
'''
SHOWN = OURS.replace(f"{ROOT}/", "")
ERROR = "ValueError: two lines,\n    the second with a margin\n"
CAUSED = "\nDuring handling of the above exception, another exception occurred:\n\n"


def test_only_frames_of_the_project_stay_and_every_error_in_between():
    first = "Traceback (most recent call last):\n"
    whole = first + KIT + OURS + LIBRARY + ERROR + CAUSED + first + KIT + ERROR
    kept = first + SHOWN + ERROR + CAUSED + first + ERROR
    assert stack.own_part(whole) == kept.rstrip("\n")


def test_the_line_is_that_of_the_innermost_own_frame():
    frame = stack.own_frame(KIT + OURS + LIBRARY + ERROR + CAUSED + KIT + LIBRARY + ERROR)
    assert frame is not None
    assert (frame.place, frame.function) == ("notifications/mail.py:44", "send")
    assert frame.source == "open("


def test_a_stack_without_own_frames_names_no_line():
    assert stack.own_frame(KIT + LIBRARY + ERROR) is None
    assert stack.own_frame("") is None
    assert stack.own_part("") == ""


def test_frames_inside_a_group_of_errors_are_found():
    group = "".join(f"    | {line}\n" for line in (KIT + OURS + LIBRARY + ERROR).splitlines())
    kept = "".join(f"    | {line}\n" for line in (SHOWN + ERROR).splitlines())
    assert stack.own_part(group) == kept.rstrip("\n")
    frame = stack.own_frame(group)
    assert frame is not None
    assert (frame.place, frame.source) == ("notifications/mail.py:44", "open(")
