"""Search filters hard, ranks by all evidence, varies its answers and says why."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knowledge import index
from knowledge.catalogue import Catalogue
from knowledge.eligibility import Facts, judge
from knowledge.evaluate import evaluate, pool_metrics, rank_pool
from knowledge.queries import LabelledQuery, load_queries
from knowledge.search import Match, Query, Search, Settings
from tests.knowledge.small_catalogue import MONEY, Folder, letters_settings, letters_vector

EMERGENCY: dict[str, Any] = {
    "id": "jouren",
    "name": "Socialjouren",
    "kinds": ["socialjour"],
    "needs": ["parent_crisis"],
    "minimum_age": None,
    "maximum_age": None,
    "parent_says": ["jag klarar inte natten", "sonen går inte till skolan"],
}
SCHOOL = {"school_absence": 0.9}


def query(text: str = "min son går inte till skolan", **changes: Any) -> Query:
    return Query(text, letters_vector([text])[0], **changes)


def ids(matches: list[Match]) -> list[str]:
    return [match.service.id for match in matches]


def two_kinds(folder: Folder) -> Folder:
    return folder.put().put(**{**MONEY, "id": "budget", "name": "Budgetrådgivare"})


def test_the_words_of_the_parent_find_the_entry(folder: Folder) -> None:
    search = two_kinds(folder).search()
    assert ids(search.find("ekby", query("vi har skulder hos kronofogden")))[0] == "budget"
    assert ids(search.find("ekby", query()))[0] == "stodteamet"


def test_an_understood_kind_finds_the_entry_whatever_the_words(folder: Folder) -> None:
    search = two_kinds(folder).search()
    meant = query("hjälp mig", kinds={"budget_skuldradgivning": 0.9})
    assert ids(search.find("ekby", meant)) == ["budget"]


def test_what_a_danger_calls_for_comes_first(folder: Folder) -> None:
    search = folder.put().put(**EMERGENCY).search()
    asked = query(needs={"school_absence": 0.3}, dangers=("neglect_now",))
    assert ids(search.find("ekby", asked))[0] == "jouren"


def test_an_understood_need_finds_the_entry_whatever_the_words(folder: Folder) -> None:
    search = two_kinds(folder).search()
    found = search.find("ekby", query("hjälp mig", needs={"economy_housing": 0.95}))
    assert ids(found)[0] == "budget"


def test_a_faint_need_does_not_outweigh_the_words(folder: Folder) -> None:
    search = two_kinds(folder).search()
    faint = query("vi har skulder hos kronofogden", needs={"school_absence": 0.1})
    assert ids(search.find("ekby", faint))[0] == "budget"


def test_scores_are_probabilities_and_never_rise_down_the_list(folder: Folder) -> None:
    found = two_kinds(folder).search().find("ekby", query(needs=SCHOOL))
    assert all(0 <= match.score <= 1 for match in found)
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)


def test_a_message_about_something_else_gets_no_suggestion(folder: Folder) -> None:
    search = two_kinds(folder).search()
    assert search.find("ekby", query("kvantfysik på månens baksida")) == []
    assert search.find("ekby", query("sonen går till matchen i skolan")) != []
    assert (
        search.find("ekby", query("sonen går till matchen i skolan", needs={"out_of_scope": 0.9}))
        == []
    )


def test_an_unknown_municipality_is_an_error(folder: Folder) -> None:
    with pytest.raises(KeyError):
        folder.put().search().find("nowhere", query())


def test_a_municipality_without_entries_gives_nothing(folder: Folder) -> None:
    assert folder.put().search().find("alby", query(needs=SCHOOL)) == []


def test_a_child_outside_the_age_limits_excludes_and_an_unknown_age_does_not(
    folder: Folder,
) -> None:
    search = folder.put().search()
    assert ids(search.find("ekby", query(needs=SCHOOL))) == ["stodteamet"]
    assert search.find("ekby", query(needs=SCHOOL, child_ages=(3,))) == []


def test_what_was_tried_is_not_suggested_again(folder: Folder) -> None:
    search = folder.put().search()
    tried = query(needs=SCHOOL, avoid_kinds=frozenset({"skolsocialt_team"}))
    assert search.find("ekby", tried) == []


def test_a_proposed_entry_is_never_found(folder: Folder) -> None:
    folder.put().put(id="planerat", status="proposed")
    assert "planerat" not in ids(folder.search().find("ekby", query(needs=SCHOOL), k=10))


def test_an_entry_for_staff_alone_is_never_found(folder: Folder) -> None:
    folder.put().put(id="for-personal", for_whom=["professional"])
    assert "for-personal" not in ids(folder.search().find("ekby", query(needs=SCHOOL), k=10))


def test_an_urgent_kind_is_suggested_only_when_the_need_calls_for_it(folder: Folder) -> None:
    search = folder.put().put(**EMERGENCY).search()
    assert "jouren" not in ids(search.find("ekby", query(needs=SCHOOL)))
    assert "jouren" in ids(search.find("ekby", query(needs={**SCHOOL, "parent_crisis": 0.8})))


def test_the_first_three_are_of_different_kinds_where_possible(folder: Folder) -> None:
    for number in range(3):
        folder.put(id=f"team-{number}")
    folder.put(id="halsan", kinds=["elevhalsa"]).put(id="hab", kinds=["habilitering"])
    found = folder.search().find("ekby", query(needs=SCHOOL), k=3)
    kinds = [match.service.kinds[0] for match in found]
    assert sorted(kinds) == ["elevhalsa", "habilitering", "skolsocialt_team"]


def test_the_municipality_comes_before_the_nation_for_the_same_kind(folder: Folder) -> None:
    phrase = "min son går inte till skolan"
    folder.put("national", id="nationell", parent_says=[phrase]).put(id="lokal")
    assert ids(folder.search().find("ekby", query(phrase, needs=SCHOOL)))[0] == "lokal"


def test_a_nearer_entry_that_hardly_fits_does_not_replace_a_better_one(folder: Folder) -> None:
    phrase = "min son går inte till skolan"
    folder.put("national", id="nationell", parent_says=[phrase])
    folder.put(id="lokal", needs=["npf_child"], parent_says=["simning"], name="Simhallen")
    assert ids(folder.search().find("ekby", query(phrase, needs=SCHOOL)))[0] == "nationell"


def test_an_entry_past_its_review_comes_after_the_same_entry_reviewed(folder: Folder) -> None:
    folder.put(id="a-gammal", review_due="2000-01-01").put(id="b-ny")
    assert ids(folder.search().find("ekby", query(needs=SCHOOL)))[0] == "b-ny"


def test_an_edit_reaches_a_search_loaded_after_it(folder: Folder) -> None:
    folder.put().search()
    folder.put(**{**MONEY, "id": "budget"})
    found = folder.search().find("ekby", query("vi har skulder hos kronofogden"))
    assert ids(found)[0] == "budget"


def reasons(folder: Folder, asked: Query) -> dict[str, dict[str, Any]]:
    match = folder.search().find("ekby", asked)[0]
    assert len(match.reasons) <= 3
    return {reason.id: dict(reason.values) for reason in match.reasons}


def test_the_reasons_name_the_need_the_age_and_the_way_in(folder: Folder) -> None:
    assert reasons(folder.put(), query(needs=SCHOOL, child_ages=(9,), language="en")) == {
        "reason_need": {"need": "school_absence"},
        "reason_age": {"minimum": 6, "maximum": 16},
        "reason_no_referral": {},
    }


def test_an_age_nobody_told_is_no_reason(folder: Folder) -> None:
    assert "reason_age" not in reasons(folder.put(), query(needs=SCHOOL))


def test_an_unknown_upper_age_is_not_made_up(folder: Folder) -> None:
    folder.put(maximum_age=None)
    assert "reason_age" not in reasons(folder, query(needs=SCHOOL, child_ages=(9,)))


def test_what_needs_a_referral_does_not_say_that_it_needs_none(folder: Folder) -> None:
    folder.put(access_path="remiss")
    found = reasons(folder, query(needs=SCHOOL, language="en"))
    assert found == {
        "reason_need": {"need": "school_absence"},
        "reason_local": {"municipality": "Ekby"},
    }


def test_a_phrase_close_to_the_parents_words_is_a_reason_in_swedish_only(folder: Folder) -> None:
    phrase = "sonen går inte till skolan"
    folder.put()
    assert reasons(folder, query(phrase, needs=SCHOOL))["reason_like"] == {"phrase": phrase}
    assert "reason_like" not in reasons(folder, query(phrase, needs=SCHOOL, language="en"))


# --- the measure


def labelled(text: str, *kinds: str) -> LabelledQuery:
    return LabelledQuery(text, ("school_absence",), kinds)


def measure(folder: Folder, *queries: LabelledQuery) -> dict[str, Any]:
    search = two_kinds(folder).search()
    return evaluate(search, queries, lambda labelled: query(labelled.text), municipality="ekby")


def test_a_fitting_kind_first_is_a_full_score(folder: Folder) -> None:
    found = measure(folder, labelled("sonen går inte till skolan", "skolsocialt_team"))
    assert found["ours"]["recall@1"] == found["ours"]["mrr"] == found["ours"]["ndcg@10"] == 1
    assert found["failures"] == []


def test_a_kind_that_never_came_is_listed_as_a_failure(folder: Folder) -> None:
    folder.put(id="halsan", kinds=["elevhalsa"], maximum_age=3, parent_says=["qqq"])
    text = "vi har skulder hos kronofogden"
    found = measure(folder, labelled(text, "elevhalsa"))
    assert found["ours"]["recall@1"] == 0
    assert [failure["text"] for failure in found["failures"]] == [text]


def test_a_kind_the_municipality_lacks_is_counted_apart(folder: Folder) -> None:
    found = measure(folder, labelled("rullstol", "habilitering"))
    assert (found["queries"], found["no_such_kind"]) == (0, 1)


def test_a_pool_is_ranked_by_every_system_and_measured_by_the_place_of_the_answer() -> None:
    passages = ["skulder hos kronofogden", "barn som inte går till skolan", "cykel"]
    scores = rank_pool(["vi har skulder", "skolan"], passages, lambda t, _: letters_vector(t))
    assert set(scores) == {"ours", "bm25", "e5"}
    right = pool_metrics(scores["ours"], [0, 1])
    wrong = pool_metrics(scores["ours"], [2, 2])
    assert right == {"ndcg@10": 1, "recall@1": 1, "recall@3": 1, "mrr": 1}
    assert wrong["recall@1"] == 0
    assert wrong["mrr"] < 0.6


# --- the real catalogue

REAL = Catalogue.load()
MUNICIPALITIES = sorted(REAL.municipalities)


@pytest.fixture(scope="module")
def real_search() -> Search:
    artifacts = Path(tempfile.mkdtemp(prefix="catalogue-"))
    index.build(REAL, letters_vector, artifacts)
    return Search(index.load(artifacts, REAL), REAL, letters_settings())


@pytest.mark.parametrize("municipality", MUNICIPALITIES)
def test_every_real_entry_is_among_the_first_for_its_own_words_and_needs(
    municipality: str, real_search: Search
) -> None:
    calls = Settings.load().called_for
    missed = []
    for service in REAL.in_municipality(municipality):
        if judge(service, Facts(municipality=municipality)).outcome == "excluded":
            continue  # its region's, but not for who lives here
        urgent = [need for need in calls.get(service.kinds[0], []) if need not in service.needs]
        needs = {need: 0.9 for need in service.needs} | {need: 0.3 for need in urgent}
        asked = query(service.parent_says[0], needs=needs)
        if service.id not in ids(real_search.find(municipality, asked, k=10)):
            missed.append(service.id)
    assert missed == []


@pytest.mark.parametrize("municipality", MUNICIPALITIES)
def test_what_was_only_proposed_is_never_suggested(municipality: str, real_search: Search) -> None:
    suggestible = {service.id for service in REAL.in_municipality(municipality)}
    proposed = {s.id for s in REAL.services.values() if s.status == "proposed"}
    assert not suggestible & proposed
    for service in REAL.services.values():
        asked = query(service.parent_says[0], needs=dict.fromkeys(service.needs, 0.9))
        found = ids(real_search.find(municipality, asked, k=len(REAL.services)))
        assert set(found) <= suggestible


def test_the_labelled_queries_use_known_needs_and_kinds() -> None:
    queries = load_queries()
    assert len(queries) >= 120
    for labelled in queries:
        assert set(labelled.kinds) <= REAL.kinds, labelled.text
        assert set(labelled.needs) <= set(REAL.taxonomy.needs), labelled.text
        assert labelled.municipality in {None, *MUNICIPALITIES}


def test_the_labelled_queries_do_not_copy_the_entries() -> None:
    phrases: Callable[[str], str] = str.casefold
    known = {phrases(p) for service in REAL.services.values() for p in service.parent_says}
    assert not {q.text for q in load_queries() if phrases(q.text) in known}
