"""What a run found out of its quotas, from the lines of its requests.csv."""

import pytest

from loadtester.analysis.quotas.calls import call_log
from loadtester.analysis.quotas.quota import quota_of

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
WEIGHTY = "anthropic.claude-haiku-4-5-20251001-v1:0"
HEAD = (
    "model,answered_by,query,outcome,due_ns,sent_ns,done_ns,kind,input_tokens,output_tokens,cache_read_tokens,"
    "cache_write_tokens,detail"
)


def line(outcome="ok", due_s=0.0, *, model=HAIKU, tokens=(100, 50, 0, 0), answered_by=None, took_s=1.0, detail=""):
    by = answered_by if answered_by is not None else ("" if outcome == "throttled" else model)
    ns = round(due_s * 1e9)
    moments = f"{ns},," if outcome == "dropped" else f"{ns},{ns},{ns + round(took_s * 1e9)}"
    counts = ",".join(map(str, tokens)) if by else ",,,"
    return f"{model},{by},greeting,{outcome},{moments},ai,{counts},{detail}"


def manifest(**scenario):
    return {
        "plan": {"duration_s": 120.0},
        "scenario": {"max_tokens": 500, "target": {"url": "https://x.example"}, **scenario},
    }


def _one(lines, **scenario):
    return quota_of(manifest(**scenario), call_log([HEAD, *lines])).by_model[HAIKU]


def test_a_call_holds_its_prompt_and_max_tokens_and_is_charged_what_it_used():
    """Cache reads are held and not charged, writes both; a weighty model's answers count five times."""
    for model, burndown in ((HAIKU, 1), (WEIGHTY, 5)):
        calls = call_log([HEAD, line(model=model, tokens=(100, 50, 30, 7))]).by_model(500)[model]
        assert calls.held.tolist() == [100 + 30 + 7 + 500]
        assert calls.charged.tolist() == [100 + 7 + 50 * burndown]


def test_a_refused_call_is_as_long_as_the_others():
    """Its prompt is not on record: the mean of its query type stands in, and the call is charged nothing."""
    calls = call_log([HEAD, line(), line(tokens=(200, 5, 0, 0)), line("throttled", 1.0)]).by_model(500)[HAIKU]
    assert calls.held.tolist() == [600, 700, 650]
    assert calls.charged[2] == 0
    assert calls.is_refused.tolist() == [False, False, True]


def test_what_asks_no_model_is_no_call():
    """Plain requests, and answers from the target's own cache, meet no quota."""
    plain = line(model="", answered_by="")
    assert call_log([HEAD, plain, line(answered_by="")]).by_model(500) == {}
    assert quota_of(manifest(), call_log([HEAD, plain])) is None


def _wide(text, cache="", attempts=1):
    """A line of a run that says whether a cache answered, and at which attempt."""
    return f"{text},{cache},{attempts}"


def test_a_hit_that_names_its_model_is_no_call():
    """The target's cache gave the answer: it met no quota, whichever model had written it once."""
    hit = line(due_s=1.0, tokens=(0, 0, 0, 0), took_s=0.01)
    rows = [_wide(line()), _wide(hit, "exact"), _wide(hit, "semantic")]
    calls = call_log([HEAD + ",cache,attempts", *rows]).by_model(500)
    assert {model: len(one) for model, one in calls.items()} == {HAIKU: 1}
    assert call_log([HEAD + ",cache,attempts", *rows[1:]]).by_model(500) == {}


def test_a_call_let_in_later_was_refused_at_first():
    """Throttling began with it; it is admitted all the same, and what it waited for is no service time."""
    rows = [_wide(line(due_s=float(second))) for second in range(30)]
    rows += [_wide(line(due_s=30.0, took_s=20.0), attempts=3), _wide(line("throttled", 31.0), attempts=4)]
    found = quota_of(manifest(), call_log([HEAD + ",cache,attempts", *rows]))
    one = found.by_model[HAIKU]
    assert (one.offered, one.admitted, one.throttled, one.retried) == (32, 31, 1, 1)
    assert one.began.at_s == pytest.approx(30.0)
    assert found.knees.quota.at_s == pytest.approx(30.0)
    calm = _one([line(due_s=float(second)) for second in range(32)])
    assert one.needed_tokens_per_minute == pytest.approx(calm.needed_tokens_per_minute)


def test_lines_of_no_run():
    """A column that is not there is said, by its name."""
    with pytest.raises(ValueError, match="no column detail"):
        call_log([HEAD.removesuffix(",detail"), line().removesuffix(",")]).by_model(500)


def test_offered_admitted_and_completed_by_second():
    """A dropped call was offered only; sums over the course are the model's own counts."""
    one = _one([line(due_s=0.5), line("throttled", 1.2), line(due_s=2.9), line("dropped", 3.0), line("truncated", 4.0)])
    assert (one.offered, one.admitted, one.throttled, one.completed) == (5, 3, 1, 2)
    course = one.course
    assert course.width_s == 1.0
    assert course.offered[:5] == (1, 1, 1, 1, 1)
    assert course.admitted[:5] == (1, 0, 1, 0, 1)
    assert course.throttled[:5] == (0, 1, 0, 0, 0)
    assert course.completed[:5] == (0, 1, 0, 1, 0)
    for name in ("offered", "admitted", "throttled", "completed"):
        assert sum(getattr(course, name)) == getattr(one, name)


def test_when_throttling_began_and_what_had_been_used():
    """The minute before it alone counts; what was still under way is reserved, not used."""
    one = _one([line(due_s=0.0), line(due_s=30.0), line(due_s=69.5), line("throttled", 70.0)])
    assert one.began.at_s == 70.0
    assert one.began.reserved_tokens == 1200
    assert one.began.used_tokens == 150


def test_the_busiest_minute_and_its_headroom():
    """Sixty seconds, wherever they begin; the headroom is to what the scenario states."""
    lines = [line(due_s=float(second)) for second in (0, 50, 70, 80, 100)]
    one = _one(lines, quota={"tokens_per_minute": 1_000})
    assert (one.busiest.start_s, one.busiest.requests, one.busiest.used_tokens) == (50.0, 4, 600.0)
    assert one.busiest.reserved_tokens == 2400
    assert one.headroom == pytest.approx(0.4)
    assert _one(lines).headroom is None


def test_the_bundled_targets_limits_are_stated_by_its_own_section():
    """0 is no limit; a quota of the user's is no business of the bundled target."""
    scenario = {"target": {"url": None}, "quota": {"tokens_per_minute": 5}}
    assert _one([line()], **scenario, bundled={"tokens_per_minute": 7}).stated_tokens_per_minute == 7
    assert _one([line()], **scenario, bundled={"tokens_per_minute": 0}).stated_tokens_per_minute is None


def test_what_would_have_let_all_in():
    """Calls of the busiest minute times what they use, and what those under way hold beyond (rate x time)."""
    one = _one([line(due_s=float(second), took_s=2.0) for second in range(61)])
    assert one.asked_tokens_per_minute == pytest.approx(60 * 150)
    assert one.needed_tokens_per_minute == pytest.approx(60 * 150 + 2 * 450)


def test_a_long_run_has_a_course_that_fits_a_page():
    """Three hours are shown in spans of more than a second; nothing is lost."""
    one = _one([line(due_s=float(second)) for second in range(0, 10_800, 10)])
    assert len(one.course.offered) <= 301
    assert sum(one.course.offered) == one.offered


def test_lines_of_another_file_are_refused():
    """A file without the columns is an error of its own kind, not a run without calls."""
    with pytest.raises(ValueError, match="model"):
        call_log(["a,b", "1,2"])
