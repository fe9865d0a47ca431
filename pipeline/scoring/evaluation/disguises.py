"""Ways in which people hide words from a model, as pure functions of a text and a seeded source of chance.

Written for measuring, from what is seen on platforms, and not from what pipeline.scoring.normalise can undo: several of these it cannot.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from random import Random

Disguise = Callable[[str, Random], str]

HIDDEN = 0.6
"""Share of the words that are changed: who hides words does not know which the model minds, and leaves the text readable."""

_WORD = re.compile(r"[^\W\d_]{3,}|[\u3400-\u9fff\uac00-\ud7af]{2,}")
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\u00ad\ufeff"
_EMOJI = "🔥😂💀🤡🙂❤✨👀🐍🍆"
_MARKS = ".-_*'|~/"
_ABOVE = "\u0300\u0301\u0302\u0303\u0308\u030a"
_STACKED = "\u0316\u0323\u0324\u0330\u0332\u0334\u0336\u035c\u0361\u0489"

_LOOKS = {
    "a": "аαɑ", "c": "сϲᴄ", "e": "еҽ", "i": "іιı", "o": "оοօ", "p": "рρ", "s": "ѕꜱ", "x": "хχ", "y": "уγ", "j": "ј", "h": "һհ", "k": "кκ",
    "m": "м", "t": "тτ", "b": "Ьʙ", "d": "ԁ", "l": "ӏ", "n": "ո", "u": "υս", "v": "νѵ", "w": "ѡԝ", "r": "г", "g": "ɡ", "q": "ԛ", "f": "ƒ",
    "A": "АΑ", "B": "ВΒ", "C": "С", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "K": "КΚ", "M": "МΜ", "O": "ОΟ", "P": "РΡ", "T": "ТΤ", "X": "ХΧ",
    "а": "a", "с": "c", "е": "e", "о": "o", "р": "p", "х": "x", "у": "y", "і": "i", "к": "k", "м": "m", "т": "t", "н": "h", "в": "b",
}  # fmt: skip
_LEET = {
    "a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1|", "b": "8", "g": "9", "z": "2", "а": "@4", "о": "0", "е": "3",
}  # fmt: skip
_ALPHABETS = (0xFF41, 0x1D41A, 0x1D4EA, 0x1D5EE, 0x24D0)  # `a` in full width, bold, bold script, bold sans-serif, circles

# Common words and what bilinguals put for them. No insult is among them: the words around it change their language.
_SWITCHED = {
    "you": ("du", "jij", "tu", "sen", "você"), "are": ("sind", "bent", "es", "eres"), "and": ("und", "en", "et", "y", "ve"),
    "the": ("el", "die", "le", "de"), "is": ("ist", "est", "é", "es"), "all": ("alle", "todos", "tous", "hepsi"),
    "people": ("gente", "mensen", "Leute", "insanlar"), "und": ("and", "ve", "et"), "die": ("the", "de"), "der": ("the", "el"),
    "ist": ("is", "est"), "nicht": ("not", "değil"), "alle": ("all", "tous"), "que": ("that", "dass", "dat"), "não": ("not", "nicht"),
    "você": ("you", "du"), "est": ("is", "ist"), "les": ("the", "die"), "des": ("of the", "der"), "bir": ("one", "ein"),
    "ve": ("and", "und"), "bu": ("this", "das"), "çok": ("very", "sehr"), "yang": ("that", "die"), "dan": ("and", "und"),
    "anda": ("you", "du"),
    "en": ("and", "und"), "het": ("the", "das"), "een": ("a", "ein"), "jij": ("you", "du"), "je": ("you", "tu"),
}  # fmt: skip


def zero_width(text: str, chance: Random) -> str:
    """Characters without width between some letters."""
    return _in_words(text, chance, lambda word: _between(word, chance, _ZERO_WIDTH, 0.4))


def homoglyphs(text: str, chance: Random) -> str:
    """Letters of another script, or phonetic ones, that look alike."""
    return _in_words(text, chance, lambda word: _letters(word, chance, _LOOKS, 0.5))


def other_alphabets(text: str, chance: Random) -> str:
    """Full-width, mathematical or circled letters, one kind a word."""

    def written(word: str) -> str:
        start = chance.choice(_ALPHABETS)
        return "".join(chr(start + ord(letter) - ord("a")) if "a" <= letter <= "z" else letter for letter in word.lower())

    return _in_words(text, chance, written)


def spaces(text: str, chance: Random) -> str:
    """The letters of a word apart."""
    return _in_words(text, chance, " ".join)


def dots(text: str, chance: Random) -> str:
    """A mark between all letters of a word."""
    return _in_words(text, chance, lambda word: chance.choice(_MARKS).join(word))


def a_mark_inside(text: str, chance: Random) -> str:
    """One mark somewhere in a word."""
    return _in_words(text, chance, lambda word: _split(word, chance, chance.choice(_MARKS)))


def a_space_inside(text: str, chance: Random) -> str:
    """A word in two."""
    return _in_words(text, chance, lambda word: _split(word, chance, " "))


def emoji(text: str, chance: Random) -> str:
    """An emoji between all letters of a word."""
    return _in_words(text, chance, lambda word: chance.choice(_EMOJI).join(word))


def leet(text: str, chance: Random) -> str:
    """Digits and signs for letters."""
    return _in_words(text, chance, lambda word: _letters(word, chance, _LEET, 0.6))


def long_letters(text: str, chance: Random) -> str:
    """One letter of a word many times; in Arabic a kashida."""

    def written(word: str) -> str:
        place = chance.randrange(1, len(word))
        arabic = "\u0620" <= word[place] <= "\u064a"
        return word[:place] + ("\u0640" if arabic else word[place]) * chance.randint(3, 9) + word[place:]

    return _in_words(text, chance, written)


def dropped_letters(text: str, chance: Random) -> str:
    """A letter inside a word left out."""

    def written(word: str) -> str:
        place = chance.randrange(1, max(2, len(word) - 1))
        return word[:place] + word[place + 1 :]

    return _in_words(text, chance, written)


def swapped_letters(text: str, chance: Random) -> str:
    """Two neighbours inside a word, the other way round."""

    def written(word: str) -> str:
        place = chance.randrange(1, max(2, len(word) - 2))
        return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]

    return _in_words(text, chance, written)


def mixed_case(text: str, chance: Random) -> str:
    """Capitals at random."""
    return _in_words(text, chance, lambda word: "".join(chance.choice((letter.lower(), letter.upper())) for letter in word))


def accents(text: str, chance: Random) -> str:
    """Accents that do not belong there, as a keyboard gives them."""

    def written(word: str) -> str:
        accented = "".join(c + (chance.choice(_ABOVE) if chance.random() < 0.4 else "") for c in word)
        return unicodedata.normalize("NFC", accented)

    return _in_words(text, chance, written)


def stacks(text: str, chance: Random) -> str:
    """Strokes and stacks of marks on the letters."""
    return _in_words(text, chance, lambda word: "".join(c + "".join(chance.choices(_STACKED, k=chance.randint(1, 3))) for c in word))


def switched_words(text: str, chance: Random) -> str:
    """Common words in another language."""
    return re.sub(r"[^\W\d_]+", lambda match: chance.choice(_SWITCHED.get(match[0].lower(), (match[0],))), text)


def backwards(text: str, chance: Random) -> str:
    """Words written backwards behind an override of direction, so that they are shown forwards."""
    return _in_words(text, chance, lambda word: word if "\u0590" <= word[0] <= "\u08ff" else f"\u202e{word[::-1]}\u202c")


DISGUISES: dict[str, Disguise] = {
    "zero width": zero_width, "look-alikes": homoglyphs, "other alphabets": other_alphabets, "spaces": spaces, "dots": dots,
    "a mark inside": a_mark_inside, "a space inside": a_space_inside, "emoji": emoji, "leet": leet, "long letters": long_letters,
    "dropped letters": dropped_letters, "swapped letters": swapped_letters, "mixed case": mixed_case, "accents": accents, "stacks": stacks,
    "switched words": switched_words, "backwards": backwards,
}  # fmt: skip
"""All of them, by the name in tables."""


def _in_words(text: str, chance: Random, written: Callable[[str], str]) -> str:
    """`text` with HIDDEN of its words of three letters or more in another form."""
    return _WORD.sub(lambda match: written(match[0]) if chance.random() < HIDDEN else match[0], text)


def _letters(word: str, chance: Random, looks: dict[str, str], share: float) -> str:
    return "".join(chance.choice(looks[letter]) if letter in looks and chance.random() < share else letter for letter in word)


def _between(word: str, chance: Random, marks: Sequence[str], share: float) -> str:
    return word[0] + "".join((chance.choice(marks) if chance.random() < share else "") + letter for letter in word[1:])


def _split(word: str, chance: Random, mark: str) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + mark + word[place:]
