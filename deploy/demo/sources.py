"""What the demo's posts are drawn from: files of rows, their licences and whom to name; languages, their share and their markets."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """A published data set. `licence` is what its publisher states."""

    address: str
    licence: str
    attribution: str


SOURCES = {
    "pemistahl/lingua-py": Source(
        "https://github.com/pemistahl/lingua-py",
        "Apache-2.0; its sentences, of the Leipzig Corpora Collection, CC-BY-4.0",
        "Peter M. Stahl; D. Goldhahn, T. Eckart and U. Quasthoff, Leipzig University (LREC 2012)",
    ),
    "mesolitica/malaysian-dataset supervised-twitter": Source(
        "https://github.com/mesolitica/malaysian-dataset", "Apache-2.0", "Mesolitica, Malaysian-Dataset"
    ),
    "thu-coai/COLDataset": Source(
        "https://github.com/thu-coai/COLDataset",
        "Apache-2.0",
        "J. Deng et al., COLD: A Benchmark for Chinese Offensive Language Detection (EMNLP 2022)",
    ),
    "amandacurry/convabuse": Source(
        "https://github.com/amandacurry/convabuse", "CC-BY-4.0", "A. Cercas Curry, G. Abercrombie and V. Rieser, ConvAbuse (EMNLP 2021)"
    ),
    "t-davidson/hate-speech-and-offensive-language": Source(
        "https://github.com/t-davidson/hate-speech-and-offensive-language",
        "MIT",
        "T. Davidson, D. Warmsley, M. Macy and I. Weber (ICWSM 2017)",
    ),
    "rewire-online/edos": Source(
        "https://github.com/rewire-online/edos", "CC0-1.0", "H. R. Kirk, W. Yin, B. Vidgen and P. Röttger, SemEval-2023 Task 10"
    ),
    "jagol/gahd": Source("https://github.com/jagol/gahd", "CC-BY-4.0", "J. Goldzycher, P. Röttger and G. Schneider, GAHD (NAACL 2024)"),
    "uds-lsv/GermEval-2018-Data": Source(
        "https://github.com/uds-lsv/GermEval-2018-Data", "CC-BY-4.0", "M. Wiegand, M. Siegel and J. Ruppenhofer, GermEval 2018"
    ),
    "HannahKirk/Hatemoji": Source(
        "https://github.com/HannahKirk/Hatemoji",
        "CC-BY-4.0",
        "H. R. Kirk, B. Vidgen, P. Röttger, T. Thrush and S. A. Hale, Hatemoji (NAACL 2022)",
    ),
    "ucberkeley-dlab/measuring-hate-speech": Source(
        "https://huggingface.co/datasets/ucberkeley-dlab/measuring-hate-speech",
        "CC-BY-4.0",
        "C. J. Kennedy, G. Bacon, A. Sahn and C. von Vacano (2020)",
    ),
    "HKUST-KnowComp/MLMA_hate_speech": Source(
        "https://github.com/HKUST-KnowComp/MLMA_hate_speech", "MIT", "N. Ousidhoum, Z. Lin, H. Zhang, Y. Song and D.-Y. Yeung (EMNLP 2019)"
    ),
    "coltekin/offensive-turkish (OffensEval-2020 TR)": Source(
        "https://github.com/coltekin/offensive-turkish", "CC-BY-2.0", "Ç. Çöltekin, A Corpus of Turkish Offensive Language (LREC 2020)"
    ),
    "UCI SMS Spam Collection": Source(
        "https://archive.ics.uci.edu/dataset/228/sms+spam+collection", "CC-BY-4.0", "T. A. Almeida and J. M. Gómez Hidalgo (2011)"
    ),
    "AxelDlv00/ToxiFrench": Source("https://github.com/AxelDlv00/ToxiFrench", "MIT", "AxelDlv00, ToxiFrench"),
}
"""Left out on purpose: CC-BY-SA sets, and comments from Wikipedia, whose text is CC-BY-SA whatever the labels are."""

LABELLED = (
    "convabuse.en", "davidson.en", "edos.en", "gahd.de", "germeval18.de", "hatemojibuild.en", "measuring_hate.en", "mlma.ar", "mlma.fr",
    "offenseval_tr.tr", "sms_spam.en", "toxifrench_agree.fr", "cold.zh",
)  # fmt: skip
BENIGN = ("lingua_sentences", "lingua_short", "malay_tweets")


class Share(NamedTuple):
    """A language in the demo: posts, how many of them harmful, and markets, those named more often drawn more often."""

    posts: int
    harmful: int
    markets: str


# No Spanish: nearly all of its sentences in the source have lost their accented letters.
LANGUAGES = {
    "nl": Share(460, 0, "NL NL NL NL BE BE SR"),
    "en": Share(420, 100, "GB GB US US IE NL IN"),
    "de": Share(330, 55, "DE DE DE AT CH"),
    "fr": Share(260, 35, "FR FR FR BE CH CA"),
    "tr": Share(240, 40, "TR TR TR DE NL"),
    "zh": Share(180, 30, "SG TW HK NL"),
    "ar": Share(180, 25, "SA EG MA AE FR"),
    "ms": Share(140, 0, "MY MY SG"),
    "it": Share(110, 0, "IT IT CH"),
    "pt": Share(110, 0, "BR BR PT"),
    "pl": Share(80, 0, "PL PL GB"),
    "uk": Share(50, 0, "UA PL DE"),
    "hi": Share(50, 0, "IN IN GB"),
    "ja": Share(50, 0, "JP"),
    "ko": Share(50, 0, "KR"),
    "id": Share(40, 0, "ID ID NL"),
    "vi": Share(40, 0, "VN FR"),
    "cs": Share(40, 0, "CZ"),
    "el": Share(40, 0, "GR CY"),
    "fi": Share(30, 0, "FI"),
    "sv": Share(30, 0, "SE FI"),
    "ro": Share(30, 0, "RO MD IT"),
    "th": Share(20, 0, "TH"),
    "bn": Share(20, 0, "BD IN"),
}

EMOJI = (
    "😂😂😂", "❤️", "👍", "🙏🏽🙏🏽", "🔥🔥🔥", "😭", "🎉🎂🎉", "⚽️🏆", "👏👏👏👏", "😍", "🤔", "🇳🇱🇳🇱🇳🇱", "☀️🏖️", "🐱", "🤣🤣", "💪",
    "🥳", "😡😡", "🖕", "🙈", "🌧️☔️", "🍕🍺", "👀", "💔", "✅",
)  # fmt: skip
"""Written for the demo."""
