"""Letter tables of alphabetic scripts but the Arabic one, by scheme and source script; their
sources: `schemes.py`.

Look-alikes, combining marks and the many apostrophes are written as escapes: \\u02bb turned comma
(part of the Uzbek letters o and g), \\u02bc modifier apostrophe, \\u0315 comma above right, \\u02b9
and \\u02ba prime and double prime.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stages.transliteration.letter_rules import LetterRules, swapped

APOSTROPHES = "'\u0060\u00b4\u02bb\u02bc\u2018\u2019"
ONE_APOSTROPHE = r"[\u0027\u0060\u00B4\u02BB\u02BC\u2018\u2019] > \u02BC ;"

CAMEL_CASE = (
    r"\p{Ll}{2}\p{Lu}"  # a capital inside a word: a name of another language, such as PostScript
)
# The same, and of iPhone and McDonald; the English genitive; Roman numerals that could be letters
# of an abbreviation.
_NOT_SERBIAN = CAMEL_CASE + r"|^(?:\p{Ll}|Mc)\p{Lu}|[\x27\x{2019}]s$|^I{2,3}(?:$|[\-.])"

_SERBIAN = (
    "а a б b в v г g д d ђ đ е e ж ž з z и i ј j к k л l љ lj м m н n њ nj о o п p р r с s т t ћ ć у u ф f х h ц c "
    "ч č џ dž ш š з\u0301 ź с\u0301 ś"
)
# Where n and j, or d and ž, are two letters: in Latin roots, between a prefix and a root, in
# borrowed names. Of 194,438 words of Debian's hunspell-sr, 13 do not come back through Latin: 11
# second spellings, and two likely misspellings. What follows decides if it is a prefix or part of a
# root: nadživeti, but Nadžib; odžaliti, but odžak. No rule ends in half a letter.
_SERBIAN_TWO_LETTERS = """
injekc > инјекц
injekt > инјект
konjug > конјуг
konjunk > конјунк
konjunt > конјунт
konjukt > конјукт
konjukc > конјукц
konjekt > конјект
disjunk > дисјунк
injunk > инјунк
$start { injic > инјиц
$start { injur > инјур
$start { anjon > анјон
tanjug > танјуг
vanjezi > ванјези
vanjedar > ванједар
$start { vanjužn > ванјужн
šenjang > шенјанг
šenjen > шенјен
manjogan > манјоган
onjlajn > онјлајн
nadživ > наджив
nadžet > наджет
nadžup > наджуп
nadžnj > наджњ
nadžanj > наджањ
nadždre > надждре
$start { odžali > оджали
$start { odžalj > оджаљ
$start { odžar > оджар
$start { odžet > оджет
odživ > оджив
$start { odžvak > оджвак
$start { odžu > оджу
podžup > поджуп
podžanr > поджанр
$start { podže > подже
$start { podžig > поджиг
$start { podžiž > поджиж
$start { podživ > поджив
$start { podžar > поджар
$start { podžnj > поджњ
podždre > подждре
predžalb > преджалб
predželu > преджелу
predžet > преджет
predživ > преджив
feldžandar > фелджандар
andžej > анджеј
"""

_UZBEK = (
    "а a б b в v г g д d е e ё yo ж j з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х x ц s ъ \u02bc ы i ь - "
    "э e ю yu я ya қ q ҳ h "
)
_UZBEK_CONTEXTS = """
сентябр > sentabr
октябр > oktabr
бюджет > budjet
$vowel { ъе > \u02bcye
$vowel { ъё > \u02bcyo
$vowel { ъю > \u02bcyu
$vowel { ъя > \u02bcya
ъе > ye
ье > ye
ъё > yo
ьо > yo
ъю > yu
ъя > ya
$start { е > ye
$vowel { е > ye
$vowel { ц > ts
$hushing { ю > u
"""
_UZBEK_BACK = "a а b б d д e е f ф g г h ҳ i и j ж k к l л m м n н o о p п q қ r р s с t т u у v в x х y й z з "
# Loans whose Latin spelling hides a letter of the Cyrillic one: ь and ц, and й before о. Roots that
# the dictionary of hunspell-uz (97,000 forms, Cyrillic) has, and others of their kind. The soft
# sign at the end of a word is dropped before a suffix (апрель, апрелда). After o\u02bb Latin writes
# no hard sign: the last list.
_UZBEK_ROOTS = (
    "film фильм kompyuter компьютер fakultet факультет multf мультф bolshevi большеви menshevi меньшеви "
    "albom альбом folklor фольклор konsulta консульта sulf сульф volfram вольфрам asfalt асфальт insult инсульт "
    "apelsin апельсин intervyu интервью stokgolm стокгольм kalsiy кальций kultur культур batalyon батальон "
    "medalyon медальон pavilyon павильон bulyon бульон bilyard бильярд vyetnam вьетнам budjet бюджет "
    "mayor майор mayonez майонез tsiya ция tsion цион nksiya нкция aksiya акция eksiya екция uksiya укция "
    "ansiya анция ensiya енция insiya инция nsion нцион ksion кцион epilepsiya эпилепсия psiya пция inersiya инерция "
    "kommersi коммерци konsorsium консорциум proporsi пропорци konsert концерт konsentra концентра konsepsi концепци "
    "konsern концерн konslager концлагер potensial потенциал prinsip принцип kansler канцлер kanselyar канцеляр "
    "fransuz француз ssena сцена vaksina вакцина pinset пинцет abzas абзац "
    "litsenz лиценз litsey лицей ofitser офицер ssotsi ссоци genotsid геноцид sotsial социал sotsiol социол "
    "dotsent доцент protse проце retsept рецепт retsenz реценз detsi деци spetsi специ defitsit дефицит "
    "koeffitsi коэффици publitsist публицист medits медиц tsikl цикл tsirk цирк etsk ецк "
    "gersegovina герцеговина shveysariya швейцария bryussel брюссель kalkul калькул adyutant адъютант palto пальто "
    "balzam бальзам filtr фильтр pyesa пьеса atelye ателье kuryer курьер premyer премьер karyera карьера "
    "interyer интерьер relyef рельеф alyans альянс pochtalyon почтальон kulmin кульмин alternativ альтернатив "
    "alpinis альпинис falsif фальсиф delfin дельфин galvan гальван"
)
_UZBEK_FIRST_ROOTS = (
    "sex цех vals вальс pult пульт ultra ультра delta дельта "
    "rayon район ensiklop энциклоп alfa альфа volt вольт pensi пенси sikl цикл silindr цилиндр sement цемент senz ценз "
    "sellyuloz целлюлоз "
    "sitrus цитрус sivil цивил sirk цирк sistern цистерн sentner центнер vitse вице natsi наци york йорк"
)
_UZBEK_LAST_SOFT = (
    "sentabr сентябрь oktabr октябрь noyabr ноябрь dekabr декабрь yanvar январь fevral февраль aprel апрель "
    "iyun июнь iyul июль gospital госпиталь medal медаль parol пароль "
    "neft нефть detal деталь mebel мебель rubl рубль rol роль model модель stil стиль festival фестиваль "
    "spektakl спектакль ansambl ансамбль avtomobil автомобиль kalendar календарь lager лагерь kreml кремль "
    "panel панель otel отель tunnel туннель portfel портфель pedal педаль sirkul циркуль vertikal вертикаль "
    "diagonal диагональ gorizontal горизонталь magistral магистраль gastrol гастроль akvarel акварель barrel баррель"
)
_UZBEK_SILENT = (
    "mo\u02bcjiza мўъжиза mo\u02bctabar мўътабар mo\u02bctadil мўътадил "
    "mo\u02bcjaz мўъжаз sho\u02bcba шўъба"
)


def _uzbek_roots() -> Iterator[str]:
    """Write the lists of roots as contexts, longer roots first."""
    lists = (
        (_UZBEK_LAST_SOFT, "$start { {} } $end > {}"),
        (_UZBEK_FIRST_ROOTS, "$start { {} > {}"),
        (_UZBEK_ROOTS + " sentabr сентябр oktabr октябр " + _UZBEK_SILENT, "{} > {}"),
    )
    for roots, form in lists:
        words = roots.split()
        for latin, cyrillic in sorted(
            zip(words[::2], words[1::2], strict=True), key=lambda pair: -len(pair[0])
        ):
            yield form.replace("{}", latin, 1).replace("{}", cyrillic, 1)


_UZBEK_SYLLABLES = """
$hard { ye > ъе
$consonant { ye > ье
ye > е
yo > ё
yu > ю
ya > я
$start { e > э
$vowel { e > э
$letter { \u02bc } $letter > ъ
"""
_UZBEK_BACK_CONTEXTS = "\n".join(_uzbek_roots()) + _UZBEK_SYLLABLES
# Foreign names: a capital inside, an apostrophe after a consonant that begins the word, an English
# genitive, a suffix on an abbreviation.
_NOT_UZBEK = "|".join(
    (
        CAMEL_CASE,
        rf"^[A-Za-z--AEGIOUaegiou][{APOSTROPHES}]",
        rf"[^GOgo][{APOSTROPHES}]s$",
        rf"\p{{Lu}}{{2}}[{APOSTROPHES}]\p{{Ll}}",
    )
)
_UZBEK_SETS = {
    "vowel": "аоуэеиёюяўыaoueiõ\u02bb",
    "hushing": "жшщjhş",
    "hard": "бвд",
    "consonant": "гжзйклмнпрстфхцчшқғҳ",
    "letter": "абвгдеёжзийклмнопрстуфхцчшқғҳўэюяabdefghijklmnopqrstuvxyzõğşc",
}

_AZERBAIJANI = (
    "а a б b в v г q ғ ğ д d е e ә ə ж j з z и i ы ı ј y к k ҝ g л l м m н n о o ө ö п p р r с s т t у u ү ü ф f х x "
    "һ h ч ç ҹ c ш ş"
)
# Of the alphabet before 1958, and of Russian names.
_AZERBAIJANI_OLD = " э e ю yu я ya ё yo й y ц s щ ş ъ - ь -"

_KAZAKH = (
    "а a ә ä б b в v г g ғ ğ д d е e ё io ж j з z и i й i к k қ q л l м m н n ң ñ о o ө ö п p р r с s т t у u ұ ū ү ü "
    "ф f х h һ h ц ts ч tş ш ş щ ştş ъ - ы y і ı ь - э e ю iu я ia"
)
_TURKMEN = (
    "а a б b в w г g д d е e ё \u00fdo ж ž җ j з z и i й ý к k л l м m н n ң ň о o ө ö п p р r с s т t у u ү ü ф f х h "
    "ц s ч ç ш ş щ şç ъ - ы y ь - э e ә ä ю ýu я ýa"
)

_ISO_9 = (
    "а a ӑ ă ӓ ä ӕ æ б b в v г g ґ g\u0300 ѓ ǵ ғ ġ ҕ ğ д d ђ đ е e ӗ ĕ ё ë є ê ж ž җ ž\u0326 ӝ z\u0304 ӂ z\u0306 з z "
    "ӟ z\u0308 ӡ ź ѕ ẑ и i ӣ ī ӥ î й j і ì ї ï ј ǰ к k ќ ḱ қ ķ ҡ ǩ л l љ l\u0302 м m н n њ n\u0302 ң ņ ҥ ṅ о o ӧ ö ө ô "
    "п p ҧ ṕ р r с s т t ћ ć ҭ ț у u ў ŭ ӯ ū ӱ ü ӳ ű ү ù ұ u\u0307 ф f х h ҳ ḩ һ ḥ ц c ҵ c\u0304 ч č ҷ ç џ d\u0302 ш š "
    "щ ŝ ъ \u02ba ы y ӹ ÿ ь \u02b9 э è ә a\u030b ю û я â ѣ ě ѫ ǎ ѳ f\u0300 ѵ ỳ"
)
_ALA_LC_RUSSIAN = (
    "а a б b в v г g д d е e ё ë ж zh з z и i й ĭ к k л l м m н n о o п p р r с s т t у u ф f х kh ц t\u0361s ч ch "
    "ш sh щ shch ъ \u02ba ы y ь \u02b9 э ė ю i\u0361u я i\u0361a і ī ѣ i\u0361e ѳ ḟ ѵ ẏ"
)
_ALA_LC_UKRAINIAN = (
    "а a б b в v г h ґ g д d е e є i\u0361e ж z\u0361h з z и y і i ї ï й ĭ к k л l м m н n о o п p р r с s т t у u ф f "
    "х kh ц t\u0361s ч ch ш sh щ shch ь \u02b9 ю i\u0361u я i\u0361a \u02bc -"
)

_BELARUSIAN = (
    "а a б b в v г h ґ g д d ж ž з z і i й j к k л l м m н n о o п p р r с s т t у u ў ŭ ф f х ch ц c ч č ш š ы y э e "
    "ь - е ie ё io ю iu я ia \u02bc - "
)
_IOTATED = {"е": "je", "ё": "jo", "ю": "ju", "я": "ja"}
_BELARUSIAN_CONTEXTS = "\n".join(
    [
        *(f"\u02bc{letter} > {latin}" for letter, latin in _IOTATED.items()),
        *(f"$start {{ {letter} > {latin}" for letter, latin in _IOTATED.items()),
        *(f"$open {{ {letter} > {latin}" for letter, latin in _IOTATED.items()),
        *(f"{cyrillic}ь > {latin}" for cyrillic, latin in ("зź", "сś", "нń", "цć")),
    ]
)
_BELARUSIAN_SETS = {"open": "аоуэыіеёюяўaoueiyŭ", "soft": "еёіюяь"}
# The Latin that Belarusians write has two letters for l, and no i between it and a vowel.
_LACINKA_CONTEXTS = "\n".join(
    [
        _BELARUSIAN_CONTEXTS,
        *(f"л{letter} > l{latin[1:]}" for letter, latin in _IOTATED.items()),
        "ль > l",
        "л } $soft > l",
        "л > ł",
    ]
)

_ARMENIAN = (
    "ա a բ b գ g դ d ե e զ z է ē ը ë թ t\u0315 ժ ž ի i լ l խ x ծ ç կ k հ h ձ j ղ ġ ճ č\u0323 մ m յ y ն n շ š ո o չ č "
    "պ p ջ ǰ ռ ṙ ս s վ v տ t ր r ց c\u0315 ւ w փ p\u0315 ք k\u0315 օ ò ֆ f"
)
_GEORGIAN = (
    "ა a ბ b გ g დ d ე e ვ v ზ z თ t\u0315 ი i კ k ლ l მ m ნ n ო o პ p ჟ ž რ r ს s ტ t უ u ფ p\u0315 ქ k\u0315 ღ ḡ "
    "ყ q შ š ჩ č\u0315 ც c\u0315 ძ j წ c ჭ č ხ x ჯ ǰ ჰ h"
)
_TIFINAGH = (
    "ⴰ a ⴱ b ⴳ g ⴷ d ⴹ ḍ ⴻ e ⴼ f ⴽ k ⵀ h ⵃ ḥ ⵄ ɛ ⵅ x ⵇ q ⵉ i ⵊ j ⵍ l ⵎ m ⵏ n ⵓ u ⵔ r ⵕ ṛ ⵖ ɣ ⵙ s ⵚ ṣ ⵛ c ⵜ t ⵟ ṭ "
    "ⵡ w ⵢ y ⵣ z ⵥ ẓ ⵯ ʷ"
)

_GREEK = (
    "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o "
    "ά á έ é ή í ί í ό ó ύ ý ώ ó ϊ ï ϋ ÿ ΐ ḯ ΰ y\u0308\u0301 γγ ng γξ nx γχ nch ου ou ού oú"
)
_GREEK_CONTEXTS = "\n".join(
    [
        *(
            f"{first}{second}{context} > {latin}{end}"
            for first, plain, accented in (("α", "a", "á"), ("ε", "e", "é"), ("η", "i", "í"))
            for second, latin in (("υ", plain), ("ύ", accented))
            for context, end in ((" } $voiced", "v"), ("", "f"))
        ),
        "$start { μπ > b",
        "μπ } $end > b",
    ]
)

ALPHABETS: Mapping[tuple[str, str], LetterRules] = {
    ("serbian", "Cyrl"): LetterRules(_SERBIAN),
    ("serbian", "Latn"): LetterRules(
        swapped(_SERBIAN) + " ǆ џ ǉ љ ǌ њ ǅ Џ ǈ Љ ǋ Њ", _SERBIAN_TWO_LETTERS, foreign=_NOT_SERBIAN
    ),
    ("uzbek_1995", "Cyrl"): LetterRules(
        _UZBEK + "ў o\u02bb ғ g\u02bb ч ch ш sh щ sh",
        "сҳ > s\u02bch\nўъ > o\u02bb\n" + _UZBEK_CONTEXTS.strip(),
        _UZBEK_SETS,
    ),
    ("uzbek_1995", "Latn"): LetterRules(
        _UZBEK_BACK + "o\u02bc ў g\u02bc ғ sh ш ch ч",
        "s\u02bch > сҳ\nyo\u02bc > йў\n" + _UZBEK_BACK_CONTEXTS.strip(),
        _UZBEK_SETS,
        first=ONE_APOSTROPHE,
        more=APOSTROPHES,
        foreign=_NOT_UZBEK,
    ),
    ("uzbek_2023", "Cyrl"): LetterRules(
        _UZBEK + "ў õ ғ ğ ч c ш ş щ ş", "ўъ > õ\n" + _UZBEK_CONTEXTS.strip(), _UZBEK_SETS
    ),
    ("uzbek_2023", "Latn"): LetterRules(
        _UZBEK_BACK + "õ ў ğ ғ c ч ş ш",
        _UZBEK_BACK_CONTEXTS.replace("o\u02bc", "õ")
        .replace("shvey", "şvey")
        .replace("shevi", "şevi")
        .replace("shõba", "şõba"),
        _UZBEK_SETS,
        first=ONE_APOSTROPHE,
        more=APOSTROPHES,
        foreign=_NOT_UZBEK,
    ),
    ("azerbaijani_1991", "Cyrl"): LetterRules(
        _AZERBAIJANI + _AZERBAIJANI_OLD + " \u02bc -",
        first=ONE_APOSTROPHE,
        more=APOSTROPHES,
        turkic=True,
    ),
    ("azerbaijani_1991", "Latn"): LetterRules(swapped(_AZERBAIJANI), turkic=True),
    ("kazakh_2021", "Cyrl"): LetterRules(_KAZAKH, turkic=True),
    ("turkmen_1993", "Cyrl"): LetterRules(
        _TURKMEN,
        "ъе > ýe\nье > ýe\n$start { е > ýe\n$vowel { е > ýe",
        {"vowel": "аоуэеиёюяәөүыaoueiäöüy"},
    ),
    ("iso9", "Cyrl"): LetterRules(_ISO_9),
    ("iso9", "Latn"): LetterRules(swapped(_ISO_9)),
    ("ala_lc_rus", "Cyrl"): LetterRules(_ALA_LC_RUSSIAN),
    ("ala_lc_ukr", "Cyrl"): LetterRules(_ALA_LC_UKRAINIAN, first=ONE_APOSTROPHE, more=APOSTROPHES),
    ("belarusian_2007", "Cyrl"): LetterRules(
        _BELARUSIAN,
        _BELARUSIAN_CONTEXTS + "\nль > ĺ",
        _BELARUSIAN_SETS,
        first=ONE_APOSTROPHE,
        more=APOSTROPHES,
    ),
    ("lacinka", "Cyrl"): LetterRules(
        _BELARUSIAN, _LACINKA_CONTEXTS, _BELARUSIAN_SETS, first=ONE_APOSTROPHE, more=APOSTROPHES
    ),
    ("iso9985", "Armn"): LetterRules(_ARMENIAN + " և ew"),
    ("iso9985", "Latn"): LetterRules(swapped(_ARMENIAN) + " ew և"),
    ("iso9984", "Geor"): LetterRules(_GEORGIAN, caseless=True),
    ("iso9984", "Latn"): LetterRules(swapped(_GEORGIAN), caseless=True),
    ("ircam", "Tfng"): LetterRules(_TIFINAGH),
    ("ircam", "Latn"): LetterRules(swapped(_TIFINAGH), caseless=True),
    ("elot_743", "Grek"): LetterRules(
        _GREEK, _GREEK_CONTEXTS, {"voiced": "βγδζλμνραεηιουωάέήίόύώϊϋ"}
    ),
}
