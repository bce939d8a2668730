"""Case references told apart from everything that looks like one: the rules of the archive standard's form and the words beside it."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.understanding import caserefs
from bot.understanding.caserefs import find, normalise

STATED = [
    ("Gjelder sak 23/1234.", "23/1234"),
    ("Gjeld sak 23/1234, takk", "23/1234"),
    ("saksnr. 2023/1234", "23/1234"),
    ("Saksnr.: 2023/1234", "23/1234"),
    ("saksnummer: 23/1234-17", "23/1234"),
    ("Saksnummeret vårt er 23/1234", "23/1234"),
    ("Saksnummer:\n23/1234", "23/1234"),
    ("sak nr 23/1234", "23/1234"),
    ("Sak 2023/01234", "23/1234"),
    ("sak 23/01234-2", "23/1234"),
    ("ref. 23-1234", "23/1234"),
    ("Ref: 2023-1234", "23/1234"),
    ("referanse 23/1234", "23/1234"),
    ("Referansenr. 23/1234", "23/1234"),
    ("deres ref. 23/1234", "23/1234"),
    ("Deres referanse: 2023/1234-5", "23/1234"),
    ("Dykkar ref. 23/1234", "23/1234"),
    ("Your ref.: 23/1234", "23/1234"),
    ("Our case number at Statistics Norway is 23/1234.", "23/1234"),
    ("Vårt saksnummer hos dere er 23/1234.", "23/1234"),
    ("Vi har fått faktura to ganger i 23/1234.", "23/1234"),
    ("Variabelen står i bestillingen i 23/1234-7.", "23/1234"),
    ("Invoice for 23/1234", "23/1234"),
    ("your reference 2023/1234", "23/1234"),
    ("your case number is 23/1234", "23/1234"),
    ("SSB 23/1234", "23/1234"),
    ("SSB-sak 23/1234", "23/1234"),
    ("case 23/1234", "23/1234"),
    ("Case no. 23/1234", "23/1234"),
    ("case number: 2023/1234-4", "23/1234"),
    ("(sak 23/1234)", "23/1234"),
    ("[23/1234] Levering", "23/1234"),
    ("23/1234: spørsmål om levering", "23/1234"),
    ("arkivsak 23/1234", "23/1234"),
    ("journalnr. 23/1234-3", "23/1234"),
    ("ärende 23/1234", "23/1234"),
    ("i vedtaket 23/1234 står det", "23/1234"),
    ("deres brev, vår ref. 23/1234", "23/1234"),
    ("SSB, vår ref. 23/1234", "23/1234"),
    ("i brev fra Statistisk sentralbyrå, vår ref 23/1234", "23/1234"),
    ("Vi viser til deres vedtak av 12.3.2023 (sak 23/1234).", "23/1234"),
    ("sak 99/1234", "99/1234"),
    ("sak 1999/1234", "99/1234"),
    ("sak 23 / 1234", "23/1234"),
    ("sak 23/12", "23/12"),
    ("sak 23–1234", "23/1234"),
    ("slettet i sak 23/1234 den 12/10", "23/1234"),
]

NOT_OURS = [
    "den 12/10",
    "12/10/2023",
    "12/10-2023",
    "10.12.2023",
    "2023-05-12",
    "frist 1/2",
    "frist 24/7",
    "om lag 2/3 av utvalget",
    "3/4 av respondentene",
    "studieåret 2023/24",
    "studieåret 2023/2024",
    "academic year 2023/2024",
    "skoleåret 23/24",
    "perioden 2010/2015",
    "årgang 2019/2020",
    "vinteren 2022/23",
    "REK 2018/1234",
    "REK sør-øst 2018/1234",
    "REK-godkjenning (2018/1234)",
    "NSD 54321",
    "NSD ref. 54321/3",
    "Sikt 2021/5678",
    "Datatilsynets ref. 14/00213",
    "Datatilsynet 14/00213-2",
    "FHI 22/1234",
    "NAV ref. 21/4567",
    "Helsedirektoratets sak 21/4567",
    "vår ref. 22/5678",
    "Vår referanse: 2022/5678-3",
    "Our ref: 22/5678",
    "our reference 2022/5678",
    "vårt saksnr. 22/5678",
    "(EU) 2016/679",
    "forordning (EU) 2016/679",
    "Regulation (EU) 2016/679",
    "direktiv 95/46/EF",
    "lov 2019/32",
    "LOV-2019-06-21-32",
    "Prop. 72 LS (2018–2019)",
    "NOU 2022/5",
    "§ 14",
    "§§ 14/15",
    "tlf. 22/123456",
    "telefon 21 09 46 42",
    "mobil 912/34567",
    "kontrakt nr. 22/5678",
    "Grant 2021/1234",
    "faktura 22/5678",
    "ISO 27001/2022",
    "https://example.example/2023/1234",
    "side 23/124",
    "delt 50/50",
    "12/100 poeng",
]


@pytest.mark.parametrize(("text", "wanted"), STATED)
def test_stated(text: str, wanted: str) -> None:
    assert find("", text).stated == (wanted,)


@pytest.mark.parametrize("text", NOT_OURS)
def test_not_ours(text: str) -> None:
    assert find("", text).stated == ()


def test_order_is_subject_then_text_then_attachments_each_once() -> None:
    told = find(
        "Sv: sak 22/300", "Gjelder sak 21/200 og sak 22/300, jf. sak 20/100.", [("23_400_sletting.pdf", "sak 24/500 og sak 21/200")]
    )
    assert told.stated == ("22/300", "21/200", "20/100", "23/400", "24/500")


def test_a_list_belongs_together() -> None:
    assert find("", "Dataene i sakene 21/100, 21/200 og 22/300 er slettet.").stated == ("21/100", "21/200", "22/300")


def test_the_senders_own_number_is_nobody_elses() -> None:
    told = find("Sak 22/5678", "Vår ref. 22/5678. Deres ref. 23/1234.")
    assert told.stated == ("23/1234",)


def test_columns_of_a_letter() -> None:
    assert find("", "Deres ref.:      Vår ref.:\n23/1234          22/5678\n").stated == ("23/1234",)


def test_the_letter_of_ssb_in_an_attachment_turns_ours_and_yours() -> None:
    letter = "Statistisk sentralbyrå\nDeres ref. 22/5678\nVår ref. 23/1234-2\n"
    assert find("", "Se vedlegg.", [("brev.pdf", letter)]).stated == ("23/1234",)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("slettebekreftelse_23-1234.pdf", ("23/1234",)),
        ("23_1234 slettebekreftelse.docx", ("23/1234",)),
        ("sak 23-45.pdf", ("23/45",)),
        ("tilbud 2023-1234.pdf", ("23/1234",)),
        ("notat 2023-05-12.pdf", ()),
        ("rapport_2019-2020.pdf", ()),
        ("IMG_20230512.jpg", ()),
    ],
)
def test_file_names(name: str, wanted: tuple[str, ...]) -> None:
    assert find("", "", [(name, "")]).stated == wanted


@pytest.mark.parametrize("text", ["sak 1234/2023", "Ref 1234/2023", "nr. 12345/2019"])
def test_turned_round_is_ambiguous_and_never_stated(text: str) -> None:
    told = find("", text)
    assert told.stated == ()
    assert len(told.ambiguous) == 1


def test_month_and_year_is_neither() -> None:
    assert find("", "fra 10/2023 til 12/2024").ambiguous == ()


def test_serial_numbers() -> None:
    assert find("", "Løpenummeret er w19_1234, og vi slettet W20-0815.").serial_numbers == ("w19_1234", "w20_0815")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("23/1234", "23/1234"), ("2023/01234", "23/1234"), (" 23/1234-5 ", "23/1234"), ("23-1234", "23/1234"), ("1234", ""), ("23/", ""),
        ("23/1234567", ""), ("abc", ""), ("", ""),
    ],
)  # fmt: skip
def test_normalised(text: str, wanted: str) -> None:
    assert normalise(text) == wanted


@given(
    st.integers(1990, 2035), st.integers(100, 999_999), st.sampled_from(["sak {}", "saksnr. {}", "deres ref. {}", "SSB {}", "case no. {}"])
)
@settings(max_examples=200, deadline=None)
def test_every_introduced_reference_is_found_and_normalised(year: int, number: int, frame: str) -> None:
    long, short = f"{year}/{number}", f"{year % 100:02d}/{number}"
    if year < number <= 2039:
        return  # 2010/2015 is a span of years, whoever writes it
    assert find("", frame.format(long)).stated == find("", frame.format(short)).stated == (short,)


ALPHABET = string.digits + "/-–_ .,:;()#§\n" + "saknref"


@given(st.text(ALPHABET, max_size=300), st.text(ALPHABET, max_size=60))
@settings(max_examples=300, deadline=None)
def test_total_and_normalised_on_any_text(text: str, subject: str) -> None:
    told = find(subject, text, [(subject, text)])
    for reference in told.stated:
        assert re.fullmatch(r"\d{2}/(?:0|[1-9]\d*)", reference)
        assert normalise(reference) == reference


@pytest.mark.parametrize(
    "unit",
    ["23/", "sak ", "ref. 23/1234 ", "1/2 ", "vår ref ", "Deres ref. Vår ref. ", "((((", "2023-", "REK ", "w19_", "\n", "løpenummer "],
)
def test_what_introduces_a_candidate_is_bounded_whatever_the_text(unit: str) -> None:
    """Counted, not clocked: what is looked at beside each candidate. That no pattern runs away is shown in test_understand, by a subprocess."""
    text = unit * (20_000 // len(unit))
    assert len(find("", text, [("vedlegg.txt", text)]).stated) <= 1
    seen = [len(caserefs._before(text, match.start(), 0)) for match in caserefs.CANDIDATE.finditer(text)]
    assert all(length <= caserefs.BESIDE + 1 for length in seen)


def test_no_more_is_read_than_the_bound() -> None:
    text = "x" * caserefs.READ + " sak 23/1234"
    assert find("", text).stated == ()
