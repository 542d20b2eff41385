"""People: one a browser or login, with a name that stands with versions."""

import pytest

from cai_core.errors import PersonError
from cai_core.store import people
from cai_core.store.workspace import Workspace


def test_a_key_is_one_person(opened: Workspace) -> None:
    with opened.writing() as session:
        assert people.find(session, "browser:1") is None
        one, two = people.add(session, "browser:1"), people.add(session, "browser:2")
        assert one != two
        assert people.add(session, "browser:1") == people.find(session, "browser:1") == one
        assert people.name_of(session, one) == ""


def test_a_name_is_kept_and_a_login_s_name_does_not_undo_it(opened: Workspace) -> None:
    with opened.writing() as session:
        one = people.add(session, "login:1", "From the login")
        assert people.name_of(session, one) == "From the login"
        assert people.rename(session, one, "  Ada Lovelace ") == "Ada Lovelace"
    with opened.writing() as session:
        assert people.add(session, "login:1", "From the login") == one
        assert people.name_of(session, one) == "Ada Lovelace"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "a\x00", "a\u202eb", "\ud800"])
def test_a_bad_name_is_refused(name: str, opened: Workspace) -> None:
    """Blank, too long, two lines, unprintable, turning what follows round."""
    with opened.writing() as session, pytest.raises(PersonError):
        people.rename(session, people.add(session, "k"), name)


@pytest.mark.parametrize("name", ["x" * 80, "<b>Ada</b> $1", "محمد", "👩\u200d🔬", "می\u200cخواهم"])
def test_a_name_may_be_written_in_any_script(name: str, opened: Workspace) -> None:
    with opened.writing() as session:
        assert people.rename(session, people.add(session, "k"), name) == name
