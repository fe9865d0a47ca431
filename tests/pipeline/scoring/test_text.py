from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.bundle import Normalisation, TextForm
from pipeline.scoring.text import prepare

LINKS_AND_NAMES = TextForm(normalisation=Normalisation.LINKS_AND_NAMES, max_characters=64)
NONE = TextForm(normalisation=Normalisation.NONE, max_characters=40)


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("see https://example.org/a?b=c#d now", "see http now"),
        ("http://example.org", "http"),
        ("www.example.org/x,y and more", "http and more"),
        ("xhttps://a", "xhttp"),
        ("@anna_1: hi @Jürgen and @李 @", "@user: hi @user and @user @"),
        ("@www.example.org", "@user"),
        ("name@example.org", "name@user.org"),
        ("first.last@mail-x.example.org", "first.last@user.example.org"),
        ("看看https://t.co/abc你这个蠢货去死吧", "看看http你这个蠢货去死吧"),
        ("https://t.co/xไอ้ควายไปตายซะ", "httpไอ้ควายไปตายซะ"),
        ("@anna你这个蠢货去死吧", "@user你这个蠢货去死吧"),
        ("你好@anna和@李", "你好@user和@user"),
        ("Https://a.b and WWW.a.b and Www.a.b", "http and http and http"),
        ("https://ru.wikipedia.org/wiki/Москва и https://пример.рф/путь", "http и http"),
        ("awww.cute wwww. www.", "awww.cute wwww. www."),
        ("@anna@bert#tag and @anna@example.social", "@user#tag and @user.social"),
        ("@李@anna @anna@李", "@user @user"),
        ("via@TheMail, RT@_anna and live@ann", "via@user, RT@user and live@ann"),
        ("f@ck you all", "f@ck you all"),
        ("you@are@a@stupid@idiot", "you@are@a@stupid@idiot"),
        ("  two\t\nlines \u3000 wide\u00a0", "two lines wide"),
        ("lone \ud800 surrogate \udfff", "lone surrogate"),
        ("", ""),
        ("\0\u202e\ufeff", "\0\u202e\ufeff"),
    ],
)
def test_links_names_and_space(text: str, prepared: str) -> None:
    assert prepare(text, LINKS_AND_NAMES) == (prepared, False)


def test_without_normalisation_only_surrogates_go() -> None:
    assert prepare(" @a  www.b\n\ud800", NONE) == (" @a  www.b\n", False)


def test_what_is_cut_is_said() -> None:
    assert prepare("a" * 40, NONE) == ("a" * 40, False)
    assert prepare("a" * 41, NONE) == ("a" * 40, True)


def test_the_bound_holds_for_the_prepared_text() -> None:
    assert prepare("https://example.org/" + "a" * 400, LINKS_AND_NAMES) == ("http", False)


def test_at_most_64_ki_characters_are_looked_at() -> None:
    assert prepare(" " * 65536 + "unseen", LINKS_AND_NAMES) == ("", True)


@given(st.text(st.characters(codec=None)), st.sampled_from([LINKS_AND_NAMES, NONE]))
def test_any_string_becomes_bounded_unicode(text: str, form: TextForm) -> None:
    prepared, _ = prepare(text, form)
    assert len(prepared) <= form.max_characters
    assert prepared.encode("utf-8").decode() == prepared
