"""The sender's own text apart from the rest: R25. Every line stands in one of the four, none is lost."""

from __future__ import annotations

import pytest

from bot.mail.quoting import name_words, split
from tests.mail.golden import pairs
from tests.mail.golden import read as golden
from tests.mail.writing import mail, read, words

OLD = "Hei Kari,\nTakk for søknaden.\nHilsen Mikrodata"
MARKED = "\n".join(f"> {line}" for line in OLD.split("\n"))
OWN = "Hei, hva koster det?"

ATTRIBUTIONS = [
    "Den man. 2. mar. 2026 kl. 09:00 skrev Mikrodata <mikrodata@ssb.example>:",
    "Den man. 2. mars 2026 kl. 09.00 skrev Mikrodata <\nmikrodata@ssb.example>:",
    "man. 2. mar. 2026 kl. 09:00 skrev Mikrodata <mikrodata@ssb.example>:",
    "På mandag 02. mars 2026 kl. 09:00:00, skrev Mikrodata <\nmikrodata@ssb.example <mailto:mikrodata@ssb.example>>:",
    "Den 2. mars 2026 klokka 09:00 skreiv Mikrodata <mikrodata@ssb.example>:",
    "Mikrodata <mikrodata@ssb.example> skrev (2. mars 2026 kl. 09:00):",
    "On Mon, Mar 2, 2026 at 9:00 AM Mikrodata\n<mikrodata@ssb.example> wrote:",
    "On Mar 2, 2026, at 9:00 AM, Mikrodata <mikrodata@ssb.example> wrote:",
    "Den mån 2 mars 2026 09:00Mikrodata <mikrodata@ssb.example> skrev:",
    "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Mikrodata <mikrodata@ssb.example>:",
    "Le lun. 2 mars 2026 à 09:00, Mikrodata <mikrodata@ssb.example> a écrit :",
    "Op 2 mrt. 2026, om 09:00 heeft Mikrodata <mikrodata@ssb.example> het volgende geschreven:",
    "ma 2. maalisk. 2026 klo 9.00 Mikrodata (mikrodata@ssb.example) kirjoitti:",
    '02.03.2026, 09:00, "Mikrodata" <mikrodata@ssb.example>:',
    "пн, 2 мар. 2026 г. в 09:00, Mikrodata <mikrodata@ssb.example>:",
]
BLOCKS = [
    "Fra: Mikrodata <mikrodata@ssb.example>\nSendt: mandag 2. mars 2026 09:00\nTil: Kari\nEmne: Tilgang",
    "Frå: Mikrodata\nSende: måndag 2. mars 2026\nTil: Kari\nEmne: Tilgang",
    "Från: Mikrodata\nSkickat: den 2 mars 2026\nTill: Kari\nÄmne: Tilgang",
    "Von: Mikrodata\nGesendet: Montag\nAn: Kari\nBetreff: Tilgang",
    "De : Mikrodata\nEnvoyé : lundi\nÀ : Kari\nObjet : Tilgang",
    "Van: Mikrodata\nVerzonden: maandag\nAan: Kari\nOnderwerp: Tilgang",
    "Lähettäjä: Mikrodata\nLähetetty: maanantai\nVastaanottaja: Kari\nAihe: Tilgang",
    "*From:* Mikrodata\n*Sent:* Monday\n*To:* Kari\n*Subject:* Tilgang",
    "________________________________\nFra: Mikrodata\nSendt: mandag\nTil: Kari\nEmne: Tilgang",
    "-----Opprinnelig melding-----\nFra: Mikrodata\nSendt: mandag\nTil: Kari\nEmne: Tilgang",
    "-----Original Message-----\nFrom: Mikrodata",
    "-----Itt az eredeti-----\nFrom: Mikrodata\nSent: x\nTo: Kari\nSubject: y",
    "----- På 2. mars. 2026, på 09:00, Mikrodata mikrodata@ssb.example skrev:",
]


def own(text: str, subject: str = "Re: Tilgang", sender: str = "Kari Nordmann") -> str:
    """The sender's own text."""
    return split(text, subject, sender).own


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_r25_attributions(attribution: str) -> None:
    """R25: with marked lines after it, and without."""
    assert own(f"{OWN}\n\n{attribution}\n\n{MARKED}") == OWN
    assert own(f"{OWN}\n\n{attribution}\n\n{OLD}") == OWN
    assert own(f"{attribution}\n{MARKED}\n\n{OWN}") == OWN  # the answer beneath


@pytest.mark.parametrize("block", BLOCKS)
def test_r25_header_blocks(block: str) -> None:
    """R25: Outlook, Notes, Zimbra, whatever the language."""
    parts = split(f"{OWN}\n\n{block}\n\n{OLD}", "Re: Tilgang", "Kari")
    assert (parts.own, parts.forwarded) == (OWN, "")
    assert parts.quoted.endswith(OLD)
    assert split(f"{OWN}\n\n{block}\n\n{OLD}", "VS: Tilgang", "Kari").own == OWN


def test_r25_answers_between_the_lines() -> None:
    """R25: inline answers are the sender's, what they answer is not."""
    text = f"Hei\n\n{ATTRIBUTIONS[0]}\n> Er det dere?\n\nJa, det stemmer.\n\n> Når?\n\nI mars.\n\nKari"
    assert own(text) == "Hei\n\nJa, det stemmer.\n\nI mars."


@pytest.mark.parametrize(
    "text",
    [
        "Hei, i brevet av 3. mars skrev dere følgende:\nprisen er 1000. Stemmer det?",
        "Dere skrev:\n\n«Vi kan ikke gi data.»\n\nHva menes?",
        "Som Hansen (2019) skrev i sin artikkel:\n«Data mangler.» Finnes de nå?",
        "Vi ønsker data:\nFra: 2015\nTil: 2020\nRegister: utdanning",
        "Jeg har fått e-post fra: Ola Hansen\nSendt: i går\nKan dere sjekke?",
        "Spørsmål 1: Hva koster det?\n-----\nSpørsmål 2: Hvor lang tid tar det?",
        "Vi har lest tilbudet fra dere nøye.\nTakk, vi aksepterer tilbudet.",
        "God dag, jeg lurer på hva det koster.",
        "Prisen ble\nKr. 12 000 per år, og det er greit for oss.",
        "Prosjektleder er\nKari Nordmann\nog medarbeider er Ola. Begge trenger tilgang.",
        "Takk!",
        "Tusen takk for hjelpen!",
        "On the whole we agree. Is that fine?",
        "Med hilsen fra styret ber vi om svar innen fredag?",
        "Sent from my desk, this is much easier than from my telephone.",
        "På vegne av prosjektgruppen ber vi om utsettelse.",
        "I work at a university in Italy. Can institutions abroad get access?",
        "Jeg jobber utenfor Norge, men i et norsk prosjekt. Får jeg tilgang?",
    ],
)
def test_r25_nothing_of_the_senders_is_cut(text: str) -> None:
    """R25: a sentence that only looks like a client's line stays."""
    assert own(text, "Tilgang") == text
    assert own(f"{text}\n\nMvh\nKari Nordmann\nForsker, NIFU\nTlf. 22 00 00 00", "Tilgang") == text


@pytest.mark.parametrize(
    "signature",
    [
        "Mvh Kari",
        "mvh kari",
        "Vennlig hilsen\n\nKari Nordmann\nForsker\nNIFU\nTlf. 22 00 00 00",
        "Med vennlig hilsen / Best regards\nKari Nordmann",
        "Beste helsing\nKari",
        "Med venleg helsing\nKari Nordmann\nHøgskulen på Vestlandet",
        "Hilsen oss i NIFU",
        "Kari",
        "– Kari",
        "KN",
        "Ha en fin dag!\n\nMvh Kari",
        "-- \nKari Nordmann",
        "---\nKari Nordmann\nseniorforsker",
        "På vegne av prosjektgruppen\nKari Nordmann",
        "Med vennlig hilsen\n\nKari Nordmann\nSeniorforsker\n+47 55 00 00 00\n\nVi arbeider for bedre folkehelse.\nwww.uni.example",
        "Vennlig hilsen\nfor rektor\n\nKari Nordmann\nseksjonssjef\n\nDokumentet er elektronisk godkjent og har derfor ingen signatur",
        "_______________________________________________\nforsk mailing list\nforsk@lists.example",
        "Sendt fra min iPhone",
        "Hent Outlook for iOS<https://aka.ms.example/o>",
        "Med vänliga hälsningar\nKari",
        "Venlig hilsen\nKari",
        "Mit freundlichen Grüßen\nKari",
        "Cordialement,\nKari",
        "Ystävällisin terveisin\nKari",
        "Best regards\nKari\n\nI work at odd hours and do not expect an answer outside yours.",
        "Mvh Kari\n\nInformasjonen i denne e-posten er konfidensiell.",
        "This email and any files are confidential and intended solely for the addressee.\nIf you got it by mistake, is that our fault? Tell us.",
    ],
)
def test_r25_signatures_and_footers(signature: str) -> None:
    """R25: name, title, telephone numbers and the lawyer's paragraph are not what the sender says."""
    parts = split(f"{OWN} Vi er tre forskere.\n\n{signature}", "Tilgang", "Kari Nordmann")
    assert parts.own == f"{OWN} Vi er tre forskere."
    assert words(parts.signature) == words(signature)


def test_a_postscript_is_the_senders() -> None:
    assert own(f"{OWN}\n\nMvh Kari\n\nPS: Det haster!") == f"{OWN}\n\nPS: Det haster!"


def test_what_follows_a_greeting_and_asks_is_the_senders() -> None:
    assert own("Hei\n\nHilsen Kari\n\nEr det mulig å få svar i dag?").endswith("Er det mulig å få svar i dag?")


@pytest.mark.parametrize(
    "banner",
    [
        "Du får ikke ofte e-post fra kari@uni.example. Finn ut hvorfor dette er viktig",
        "[EKSTERN E-POST]",
        "ADVARSEL: Denne e-posten kommer fra en ekstern avsender.",
        "CAUTION: This email originated from outside of the organization.\n________________________________",
        "[You don't often get email from kari@uni.example. Learn why this is important at https://aka.ms.example/L ]",
    ],
)
def test_banners_are_not_the_senders(banner: str) -> None:
    assert own(f"{banner}\n\n{OWN}") == OWN


def test_a_forward_is_told_from_a_reply() -> None:
    block = BLOCKS[0]
    assert split(f"{block}\n\n{OLD}", "VS: Tilgang").forwarded.endswith(OLD)
    assert split(f"{block}\n\n{OLD}", "SV: Tilgang").quoted.endswith(OLD)
    marked = "---------- Videresendt melding ---------\nFra: Ola\n\nHei"
    assert split(f"Se under.\n\n{marked}", "Tilgang").forwarded == marked


def test_nothing_is_lost() -> None:
    """Of every golden mail: the words of the whole text are those of the four parts together."""
    for pair in pairs():
        message = golden(pair.name)
        apart = words(" ".join((message.own, message.quoted, message.forwarded, message.signature))).split()
        assert sorted(apart) == sorted(message.text.split()), pair.name


def test_long_texts_are_read_to_their_end() -> None:
    text = "\n".join(f"Linje {number} om søknaden." for number in range(6000))
    assert own(text) == text


def test_words_of_a_name() -> None:
    assert {"kari", "nordmann", "k", "n", "kn"} <= name_words("Kari Nordmann")
    assert name_words("") == frozenset()


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "page",
    [
        '<div>{}</div><div class="gmail_quote"><div class="gmail_attr">Den 2. mars 2026 skrev M &lt;m@ssb.example&gt;:</div><blockquote>Gammelt</blockquote></div>',
        '<div>{}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Fra:</b> M<br><b>Sendt:</b> x</div>Gammelt',
        '<div>{}</div><div id="x_divRplyFwdMsg"><b>Fra:</b> M</div>Gammelt',
        '<p>{}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>Fra:</b> M<br><b>Sendt:</b> x<br><b>Til:</b> K</p></div>Gammelt',
        '<p>{}</p><blockquote type="cite">Gammelt</blockquote>',
        '<p>{}</p><BLOCKQUOTE style="BORDER-LEFT: #000 2px solid; MARGIN-LEFT: 5px">Gammelt</BLOCKQUOTE>',
        '<p>{}</p><div class="yahoo_quoted">Gammelt</div>',
        '<p>{}</p><div class="protonmail_quote">Gammelt</div>',
        '<p>{}</p><hr id="zwchr">Gammelt',
        '<p>{}</p><div class="moz-cite-prefix">Den 02.03.2026 09:00, skrev M:</div><blockquote cite="mid:x">Gammelt</blockquote>',
        "<style>p {{ color: red }}</style><!-- Skjult --><p>{}</p><blockquote>Gammelt</blockquote><script>var x</script>",
    ],
)
def test_r25_html_only(page: str) -> None:
    """R25: mail without a plain part."""
    message = read(mail(page.format(OWN), kind="text/html; charset=utf-8", subject="Re: x"))
    assert message.own == OWN
    assert "Gammelt" in message.text and "Gammelt" not in message.own
    assert not {"Skjult", "color", "var"} & set(message.text.replace(":", " ").split())


def test_indented_own_text_stays() -> None:
    page = '<p>Vi vil:</p><blockquote style="margin:0 0 0 40px;border:none">koble to registre</blockquote><p>Går det?</p>'
    assert words(read(mail(page, kind="text/html")).own) == "Vi vil: koble to registre Går det?"
    nested = '<p>Ja</p><blockquote type="cite">gammelt<blockquote style="margin-left:40px">eldre</blockquote>gammelt igjen</blockquote>'
    assert read(mail(nested, kind="text/html")).own == "Ja"


def test_older_mail_inside_a_table_cell() -> None:
    page = f'<table><tr><td>{OWN}<div id="divRplyFwdMsg"><b>Fra:</b> M</div>Gammelt</td><td>Logo</td></tr></table>'
    message = read(mail(page, kind="text/html"))
    assert message.own == OWN
    assert not {"\ue000", "\ue001", "\ue002"} & set(message.text + message.own + message.quoted)


def test_tables_are_read_row_by_row() -> None:
    page = "<table><tr><td>Variabel</td><td>År</td></tr><tr><td>Inntekt</td><td>2015</td></tr></table>"
    lines = read(mail(page, kind="text/html")).text.split("\n")
    assert [words(line) for line in lines] == ["Variabel År", "Inntekt 2015"]


@pytest.mark.parametrize(
    "page", ["<", "<!--", "<style>", "<script>a</script", "<p" * 50, "&#xD800;&#0;&amp", "<a href='", "<![endif", "<?xml", "\x00<p>", ""]
)
def test_broken_pages_are_read(page: str) -> None:
    message = read(mail(f"Hei {page} der", kind="text/html"))
    message.text.encode("utf-8")
    assert "Hei" in message.text


def test_an_unclosed_comment_hides_nothing() -> None:
    assert "hva koster det?" in read(mail("<!-- <p>Hei, hva koster det?</p>", kind="text/html")).text
