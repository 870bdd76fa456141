"""What is told once."""

import threading

from loadtester.live.once import Once


def test_only_the_first_is_told():
    """Whatever comes after it, and from whichever thread."""
    said = []
    once = Once(said.append)
    threads = [threading.Thread(target=once.say, args=(f"from {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    once.say("later")
    assert len(said) == 1
    assert said[0] != "later"
