"""What each scheme makes of real words, each beside a neighbour that must be otherwise; and what it
leaves alone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stages.transliteration.schemes import scheme_for
from stages.transliteration.transliterate import transliterate

pytest.importorskip("icu", reason="the schemes need glotmill[icu]")

# "scheme language_Script: fact" -> (text, transliterated)
FACTS = {
    "serbian srp_Cyrl: a letter that becomes two is written as its neighbours are": (
        "Његош, ЊЕГОШ, Љиљана, ЏЕП, Ђорђе",
        "Njegoš, NJEGOŠ, Ljiljana, DŽEP, Đorđe",
    ),
    "serbian srp_Cyrl: alone it is a capital and a small letter": ("Љ.", "Lj."),
    "serbian cnr_Cyrl: Montenegrin has two letters more": (
        "с\u0301утра, з\u0301еница",
        "śutra, źenica",
    ),
    "serbian srp_Latn: nj and dž are one letter": (
        "konj, džep, Njegoš, NJEGOŠ",
        "коњ, џеп, Његош, ЊЕГОШ",
    ),
    "serbian srp_Latn: nj are two letters in Latin words": (
        "injekcija, Konjugacija, konjunktura, Tanjug",
        "инјекција, Конјугација, конјунктура, Танјуг",
    ),
    "serbian srp_Latn: dž are two letters behind a prefix": (
        "nadživeti, nadžeti",
        "надживети, наджети",
    ),
    "serbian srp_Latn: and one in the like words": (
        "budžet, hadžija, panj, unjkav",
        "буџет, хаџија, пањ, уњкав",
    ),
    "serbian srp_Latn: nj behind a prefix or in a borrowed name": (
        "vanjezički, Vanjedarni, Tanjuga, konjektura, mikroinjekcija",
        "ванјезички, Ванједарни, Танјуга, конјектура, микроинјекција",
    ),
    "serbian srp_Latn: and nj as one letter in words that begin alike": (
        "vanjski, Vanja, vanjština, konjušar, inje, anjel, konjunkcija",
        "вањски, Вања, вањштина, коњушар, иње, ањел, конјункција",
    ),
    "serbian srp_Latn: dž behind nad, od, pod, pred": (
        "nadživeti, NADŽIVLJENA, nadžupnik, odžudeti, odžaliti, odžaljen, odžvakati, podžeti, podžupan, predželudac",
        "надживети, НАДЖИВЉЕНА, наджупник, оджудети, оджалити, оджаљен, оджвакати, поджети, поджупан, преджелудац",
    ),
    "serbian srp_Latn: and dž as one letter in words that begin alike": (
        "Nadžib, nadžak, menadžer, odžak, Odžaci, hodža, hodžin, džep, MENADŽER",
        "Наџиб, наџак, менаџер, оџак, Оџаци, хоџа, хоџин, џеп, МЕНАЏЕР",
    ),
    "serbian srp_Latn: no part of a foreign word is converted": (
        "Sainsbury's, PostScript, _Sačuvaj, O'Brien, k'o, Wi-Fi, Wi-Fi-jem, Novo-Selo, crno-beli",
        "Sainsbury's, PostScript, _Sačuvaj, О'Бриен, к'о, Wi-Fi, Wi-Fi-јем, Ново-Село, црно-бели",
    ),
    "serbian srp_Latn: nor of a name with a capital inside or an English genitive, nor a number": (
        "iPhone-a, McDonald's, Levi\u2019s, Petar II, III, Tesla, MI",
        "iPhone-а, McDonald's, Levi\u2019s, Петар II, III, Тесла, МИ",
    ),
    "serbian srp_Latn: two capitals are an abbreviation, and its ending": (
        "BiH, SAD, NATO-a",
        "БиХ, САД, НАТО-а",
    ),
    "serbian hrv_Latn: ligatures of old encodings": (
        "\u01c9ubav, \u01c8ubav, \u01c7UBAV",
        "љубав, Љубав, ЉУБАВ",
    ),
    "uzbek_1995 uzb_Cyrl: e is ye where it begins a word or syllable": (
        "ер, Елена, поезд, объект, мен",
        "yer, Yelena, poyezd, obyekt, men",
    ),
    "uzbek_1995 uzb_Cyrl: э is e": ("эл, элак", "el, elak"),
    "uzbek_1995 uzb_Cyrl: ц is ts behind a vowel and s elsewhere": (
        "милиция, цирк, акция",
        "militsiya, sirk, aksiya",
    ),
    "uzbek_1995 uzb_Cyrl: an apostrophe keeps s and h apart": (
        "Исҳоқ, шаҳар",
        "Is\u02bchoq, shahar",
    ),
    "uzbek_1995 uzb_Cyrl: the hard sign is an apostrophe, the soft sign nothing": (
        "маъно, қалъа, альбом",
        "ma\u02bcno, qal\u02bca, albom",
    ),
    "uzbek_1995 uzb_Cyrl: capitals": (
        "ЎЗБЕКИСТОН, Ўзбекистон, ЁШ, Ёш",
        "O\u02bbZBEKISTON, O\u02bbzbekiston, YOSH, Yosh",
    ),
    "uzbek_1995 uzb_Cyrl: months are respelled": ("сентябрь, октябрь", "sentabr, oktabr"),
    "uzbek_1995 uzb_Latn: any apostrophe makes the letter": (
        "o'zbek, o\u2018zbek, o\u02bbzbek, o\u2019zbek, o`zbek",
        "ўзбек, ўзбек, ўзбек, ўзбек, ўзбек",
    ),
    "uzbek_1995 uzb_Latn: between letters it is the hard sign": (
        "ma'no, yo'l, ye\u02bcl",
        "маъно, йўл, еъл",
    ),
    "uzbek_1995 uzb_Latn: the hard sign among capitals is one": (
        "SAN'AT, San'at, MA\u2019NO, QUR\u02bbON",
        "САНЪАТ, Санъат, МАЪНО, ҚУРЪОН",
    ),
    "uzbek_1995 uzb_Latn: a soft sign that Latin does not write": (
        "iyun, iyul, intervyu, kompyuterlar, film, albom",
        "июнь, июль, интервью, компьютерлар, фильм, альбом",
    ),
    "uzbek_1995 uzb_Latn: in more loans, and not where native words look alike": (
        "rubl, rol, model, festival, palto, kuryer, sex, yulduz, rolda, sekin",
        "рубль, роль, модель, фестиваль, пальто, курьер, цех, юлдуз, ролда, секин",
    ),
    "uzbek_1995 uzb_Latn: at the end of a month alone": (
        "sentabr, sentabrda, iyunda",
        "сентябрь, сентябрда, июнда",
    ),
    "uzbek_1995 uzb_Latn: and not in native words": (
        "jarayon, kiyun, qilmoq, filial, olma, ketsin, jannatsiz",
        "жараён, киюн, қилмоқ, филиал, олма, кетсин, жаннатсиз",
    ),
    "uzbek_1995 uzb_Latn: ц where Latin has s or ts": (
        "konsert, stansiya, sotsial, sotsin, sikl, silindr, sinf, pensiya, versiya",
        "концерт, станция, социал, сотсин, цикл, цилиндр, синф, пенсия, версия",
    ),
    "uzbek_1995 uzb_Latn: a sign after ў that Latin does not write": (
        "mo'jiza, mo\u02bbtabar, bo'lim",
        "мўъжиза, мўътабар, бўлим",
    ),
    "uzbek_1995 uzb_Cyrl: nor is it written from Cyrillic": (
        "мўъжиза, меъёр, объект",
        "mo\u02bbjiza, me\u02bcyor, obyekt",
    ),
    "uzbek_1995 uzb_Latn: foreign names stay whole": (
        "L'Oreal, Martin's, DVD'da, ko's",
        "L'Oreal, Martin's, DVD'da, кўс",
    ),
    "uzbek_1995 uzb_Latn: e begins a word as э": ("elektr, yer, men", "электр, ер, мен"),
    "uzbek_1995 uzb_Latn: ts is ц in loans and two letters in verbs": (
        "militsiya, ketsa",
        "милиция, кетса",
    ),
    "uzbek_1995 uzb_Latn: what has a letter of no Uzbek word stays": (
        "WhatsApp va Facebook",
        "WhatsApp ва Facebook",
    ),
    "uzbek_2023 uzb_Cyrl: four letters of their own": (
        "ўзбек шаҳар чўл ғоз",
        "õzbek şahar cõl ğoz",
    ),
    "uzbek_2023 uzb_Latn: and back": ("õzbek şahar cõl ğoz", "ўзбек шаҳар чўл ғоз"),
    "kazakh_2021 kaz_Cyrl: dotted and dotless i": (
        "Қазақстан тілі, ИТ, іс, Іс",
        "Qazaqstan tılı, İT, ıs, Is",
    ),
    "kazakh_2021 kaz_Cyrl: й is i as well": ("үйіне, сөйлесіп, Юрий", "üiıne, söilesıp, İurii"),
    "azerbaijani_1991 aze_Cyrl: each letter has one": (
        "Азәрбајҹан, ИСТИГЛАЛ, Ҝәнҹә",
        "Azərbaycan, İSTİQLAL, Gəncə",
    ),
    "azerbaijani_1991 aze_Latn: dotted and dotless capitals": (
        "İSTİQLAL, ISIQ, ışıq",
        "ИСТИГЛАЛ, ЫСЫГ, ышыг",
    ),
    "turkmen_1993 tuk_Cyrl: e is ýe where it begins a word or syllable": (
        "ер, ЕР, аел, мен",
        "ýer, ÝER, aýel, men",
    ),
    "turkmen_1993 tuk_Cyrl: j and ž": ("җан, жорнал, ягшы", "jan, žornal, ýagşy"),
    "belarusian_2007 bel_Cyrl: je at the beginning, ie behind a consonant": (
        "Ельск, зямля, яе, п\u2019еса, уюн",
        "Jeĺsk, ziamlia, jaje, pjesa, ujun",
    ),
    "belarusian_2007 bel_Cyrl: softness is an acute": (
        "Беларусь, дзень, соль",
        "Bielaruś, dzień, soĺ",
    ),
    "lacinka bel_Cyrl: two letters for l": (
        "лодка, ліст, зямля, соль, любіць",
        "łodka, list, ziamla, sol, lubić",
    ),
    "iso9 rus_Cyrl: a letter for a letter": ("Щёлочь, объект, Юг", "Ŝëločʹ, obʺekt, Ûg"),
    "iso9 ukr_Cyrl: whatever the language": ("Київ, їжак, Україна", "Kiïv, ïžak, Ukraïna"),
    "iso9 srp_Cyrl: not the Latin of Serbia": ("Његош", "N\u0302egoš"),
    "iso9 bul_Latn: ъ may begin a word": ("ʺgʺl", "ъгъл"),
    "ala_lc rus_Cyrl: ties": ("Юность, ЮНОСТЬ, щека, цель", "I͡unostʹ, I͡UNOSTʹ, shcheka, t͡selʹ"),
    "ala_lc ukr_Cyrl: и is y and г is h": ("Київ, гора, ґанок", "Kyïv, hora, ganok"),
    "bgn_pcgn rus_Cyrl: English readers' letters": ("Юля, Щукин", "Yulya, Shchukin"),
    "bgn_pcgn ukr_Cyrl: г is h": ("гора", "hora"),
    "bgn_pcgn hye_Armn: e begins as ye": ("երկիր", "yerkir"),
    "iso9985 hye_Armn: a letter for a letter": (
        "Հայաստան, երկիր, ճանապարհ",
        "Hayastan, erkir, č̣anaparh",
    ),
    "iso9985 hye_Latn: the ligature comes back": ("Hayastan ew t\u0315e", "Հայաստան և թե"),
    "iso9984 kat_Geor: aspirates have a comma": (
        "საქართველო, ჭყინტი",
        "sak\u0315art\u0315velo, čqinti",
    ),
    "iso9984 kat_Latn: no capitals": ("Sak\u0315art\u0315velo", "საქართველო"),
    "ircam zgh_Tfng: emphatics": ("ⵜⴰⵎⴰⵣⵉⵖⵜ, ⴰⴹⵔⴰⵔ", "tamaziɣt, aḍrar"),
    "elot_743 ell_Grek: upsilon by what follows": (
        "αυτός, αύριο, ευχαριστώ, ευρώ",
        "aftós, ávrio, efcharistó, evró",
    ),
    "elot_743 ell_Grek: mp begins as b": (
        "μπύρα, λάμπα, Θεσσαλονίκη, ΨΩΜΙ",
        "býra, lámpa, Thessaloníki, PSOMI",
    ),
    "uly uig_Arab: hamza is written inside a word alone": (
        "ئۇيغۇر, سائەت, مەسئۇل",
        "uyghur, sa'et, mes'ul",
    ),
    "uly uig_Arab: an apostrophe keeps n and gh apart": (
        "باشلانغۇچ, ئاڭلىدى",
        "bashlan'ghuch, anglidi",
    ),
    "uly uig_Arab: punctuation": ("تىلى، ئۇيغۇر؟", "tili, uyghur?"),
    "uly uig_Latn: numbers keep their commas": ("tili, 1,000 uyghur", "تىلى، 1,000 ئۇيغۇر"),
    "hawar ckb_Arab: w and u, y and î": (
        "کوردستان, دەوڵەت, زیندوو, یەک",
        "kurdstan, dewlet, zîndû, yek",
    ),
    "urdu_hindi urd_Arab: aspirates, commonest words whole": (
        "یہ کتاب اور پانی ہے۔",
        "यह किताब और पानी है।",
    ),
    "urdu_hindi hin_Deva: and the other way": ("भारत", "بھارت"),
    "urdu_hindi hin_Deva: a dot below is a letter of its own, typed as one or two": (
        "ज़मीन बाज\u093cार \u0958लम ग़ज़ल ख़बर फ़ोन लड़का पढ़ना",
        "زمین بازار قلم غزل خبر فون لڑکا پڑھنا",
    ),
    "urdu_hindi hin_Deva: and without it another": ("जमीन खबर फल डाल", "جمین کھبر پھل ڈال"),
    "urdu_hindi hin_Deva: vowels next to each other": (
        "हुआ हुई हुए जाओ भाई किए दिया चाहिए",
        "ہوا ہوئی ہوئے جاؤ بھائی کیے دیا چاہیے",
    ),
    "urdu_hindi hin_Deva: a long consonant is written once, a joiner never": (
        "अच्छा सच्चा शुद्ध क्\u200dया।",
        "اچھا سچا شدھ کیا۔",
    ),
    "urdu_hindi hin_Deva: nasals at the end, before a lip sound, elsewhere": (
        "माँ में लंबा हिंदी",
        "ماں میں لمبا ہندی",
    ),
    "urdu_hindi hin_Deva: words of Arabic spelling": ("ज़रूर सिर्फ़ औरत ओर", "ضرور صرف عورت اور"),
    "iso15919 hin_Deva: nukta letters, candrabindu, candra o": (
        "क़लम, ज़रूर, हूँ, ऑफ़िस, लड़का",
        "qalama, zarūra, hūm̐, ôfisa, laṛakā",
    ),
    "iso15919 hin_Deva: a and i are kept from reading as ai": ("कइ, कै, गई", "ka:i, kai, gaī"),
    "iso15919 hin_Deva: k and h are kept from reading as kh": ("क्हा, खा", "k:hā, khā"),
    "iso15919 ben_Beng: ba is b": ("বাংলা, বাড়ি, সৎ", "bāṁlā, bāṛi, saṯ"),
    "iso15919 asm_Beng: Assamese has its own r": ("অসমীয়া, ৰাম", "asamīẏā, rāma"),
    "iso15919 tam_Taml: ta is t, three n": ("தமிழ், அவன், நான்", "tamiḻ, avaṉ, nāṉ"),
    "iso15919 pan_Guru: addak doubles, tippi is no bindi": (
        "ਸਿੱਖ, ਪੰਜਾਬੀ, ਬਾਂ",
        "sikkha, paṃjābī, bāṁ",
    ),
    "iso15919 mal_Mlym: letters without a vowel": ("അവൻ, മലയാളം", "avan, malayāḷaṁ"),
    "iso15919 ori_Orya: y with a dot": ("ଓଡ଼ିଆ", "ōṛiā"),
    "iso15919 tel_Telu: short and long e": ("తెలుగు, తేనె", "telugu, tēne"),
    "iso15919 kan_Knda: e is short": ("ಕನ್ನಡ, ಭಾಷೆ", "kannaḍa, bhāṣe"),
    "iso15919 guj_Gujr: candra e": ("ગુજરાતી, ઍપ", "gujarātī, êpa"),
    "iso15919 sin_Sinh: Sinhala": ("සිංහල", "siṁhala"),
    "iso15919 sin_Sinh: a joiner shapes letters and cuts no word": (
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3, සිරි",
        "śrī, siri",
    ),
    "iso15919 hin_Deva: a letter with its dot is one whether typed as one or two": (
        "\u0958\u0932\u092e \u0915\u093c\u0932\u092e",
        "qalama qalama",
    ),
    "iso15919 hin_Deva: a word with a letter of another language stays whole": (
        "कॶर कमल",
        "कॶर kamala",
    ),
    "iso15919 mar_Deva: candra a, om, and a letter typed with a sign": (
        "ॲप, अ\u0945प, बॅट, ॐ",
        "êpa, êpa, bêṭa, ōṁ",
    ),
    "iso15919 mar_Latn: Marathi writes candra a": ("êpa", "ॲप"),
    "iso15919 hin_Latn: Hindi writes candra e": ("êpa", "ऍप"),
    "iso15919 mal_Mlym: three ways to write au": ("ഗൗരി, ഗ\u0d4cരി, ഔ", "gauri, gauri, au"),
    "iso15919 mal_Mlym: letters without a vowel, old and new": (
        "അവന\u0d4d\u200d, അവൻ, \u0d7f",
        "avan, avan, k",
    ),
    "iso15919 tam_Taml: au in one part or two, Grantha letters, om": (
        "கௌ, க\u0bd7, ஸ்ரீ, ௐ",
        "kau, kau, srī, ōm",
    ),
    "iso15919 kan_Knda: two Vedic letters and the old ḻ": ("ೱ, ೞ", "ẖ, ḻa"),
    "iso15919 tel_Telu: the dental affricates": ("ౘ, ౙ, చ", "ĉa, ẑa, ca"),
    "iast pli_Deva: ḷ is a consonant in Pali": ("कीळति, दळ्हं", "kīḷati, daḷhaṃ"),
    "iast pli_Latn: and back": ("kīḷati, daḷhaṃ", "कीळति, दळ्हं"),
    "iast san_Deva: in Sanskrit a vowel; the Vedic consonant has a line": ("कॢप्त, ईळे", "kḷpta, īḻe"),
    "iast san_Deva: Vedic tones stay on their syllable": (
        "अ\u0952ग्निमी\u0951ळे",
        "a\u0952gnimī\u0951ḻe",
    ),
    "iast san_Deva: vocalic r is a dot, e has no macron": ("संस्कृतम्, वेदः", "saṃskṛtam, vedaḥ"),
    "wylie bod_Tibt: syllables, shad, a space": ("བཀྲ་ཤིས་བདེ་ལེགས། བོད", "bkra shis bde legs/_bod"),
    "wylie bod_Latn: and back": ("bkra shis bde legs/_bod", "བཀྲ་ཤིས་བདེ་ལེགས། བོད"),
    "wylie dzo_Tibt: Dzongkha as well": ("རྫོང་ཁ", "rdzong kha"),
    "sera amh_Ethi: two word spaces are a full stop": ("ሰላም፡፡", "selam::"),
    "sera amh_Ethi: one is not": ("ሰላም፡ማር", "selam:mar"),
    "sera tir_Latn: and back": ("selam tgrNa::", "ሰላም ትግርኛ።"),
    "revised_romanization_letters kor_Kore: letter by letter": (
        "한국어, 독립문",
        "hangug-eo, doglibmun",
    ),
    "revised_romanization kor_Kore: official examples of 3.1": (
        "백마 신문로 종로 왕십리 별내 신라 학여울 알약 해돋이 같이 굳히다 좋고 놓다 잡혀 낳지 묵호 집현전",
        "baengma sinmunno jongno wangsimni byeollae silla hangnyeoul allyak haedoji gachi guchida joko nota japyeo "
        "nachi mukho jiphyeonjeon",
    ),
    "revised_romanization kor_Kore: tense sounds are not written": (
        "압구정 낙동강 죽변 낙성대 합정 팔당 샛별 울산",
        "apgujeong nakdonggang jukbyeon nakseongdae hapjeong paldang saetbyeol ulsan",
    ),
    "revised_romanization kor_Kore: official examples of 2.2": (
        "구미 영동 백암 옥천 합덕 호법 월곶 벚꽃 한밭 구리 설악 칠곡 임실 울릉 대관령",
        "gumi yeongdong baegam okcheon hapdeok hobeop wolgot beotkkot hanbat guri seorak chilgok imsil ulleung "
        "daegwallyeong",
    ),
    "revised_romanization kor_Kore: two finals, and h that falls silent": (
        "값이 닭이 앉아 많아 싫어 않는 잃는 밝혀 독립문",
        "gapsi dalgi anja mana sireo anneun illeun balkyeo dongnimmun",
    ),
    "revised_romanization kor_Kore: two finals before k, of verbs and of nouns, and one verb in p": (
        "읽고 맑게 닭과 흙과 밟다 밟는 밟아 넓다",
        "ilgo malge dakgwa heukgwa bapda bamneun balba neolda",
    ),
    "revised_romanization kor_Kore: nothing assimilates across a space": (
        "백 마, 백마",
        "baek ma, baengma",
    ),
    "revised_romanization kor_Kore: letters that are no syllable stay": (
        "ㅋㅋ 한국",
        "ㅋㅋ hanguk",
    ),
    "mns_5217 mon_Cyrl: Mongolian": ("Монгол хэл, Өвөрхангай", "Mongol khel, Övörkhangai"),
    "pinyin zho_Hans: tones": ("中国", "zhōng guó"),
    "bgn_pcgn div_Thaa: Dhivehi": ("ދިވެހި", "dhivehi"),
    "hans zho_Hant: by the word": ("頭髮，發展", "头发，发展"),
    "hant zho_Hans: one letter becomes two, by the word": ("头发，发展", "頭髮，發展"),
    "hant_tw zho_Hans: words of Taiwan": ("鼠标", "滑鼠"),
    "uroman ukr_Cyrl: the language counts": ("гора", "hora"),
    "uroman rus_Cyrl: here it is another": ("гора", "gora"),
    "uroman khm_Khmr: any script": ("ភាសាខ្មែរ", "phaasaakhmaero"),
    "uroman bod_Tibt: as it is heard": ("སྐད", "skad"),
    "maltese_arabic mlt_Latn: words as Arabic spells them": (
        "kelb, ktieb, dar, kbir, qalb, lejl, sena, għajn, ħobż",
        "كلب, كتاب, دار, كبير, قلب, ليل, سنة, عين, حبز".replace(",", "\u060c"),
    ),
    "maltese_arabic mlt_Latn: the article is joined, and keeps its l before sun letters": (
        "il-kelb id-dar l-omm bil-lejl fid-dar",
        "الكلب الدار الام بالليل فالدار",
    ),
    "maltese_arabic mlt_Latn: a final apostrophe is ayn, one inside is none": (
        "ta' sema' x'inhu",
        "تاع سمع شنهو",
    ),
    "maltese_arabic mlt_Arab: sun letters take the article": (
        "الشمس الكلب الدار",
        "ix-xems il-kelb id-dar",
    ),
    "maltese_arabic apc_Arab: a as in Maltese, by its neighbours": (
        "كتاب قال ناس باب",
        "ktieb qal nies bieb",
    ),
    "maltese_arabic ara_Arab: vowel marks are read": ("\u0643\u064e\u062a\u064e\u0628", "katab"),
}


def transliterated(name: str, label: str, text: str) -> str:
    made: str = transliterate(pa.array([text]), scheme_for(name, *label.split("_")))[0].as_py()
    return made


@pytest.mark.parametrize(
    ("fact", "text", "expected"), [(k, *v) for k, v in FACTS.items()], ids=FACTS.keys()
)
def test_transliterate(fact: str, text: str, expected: str) -> None:
    name, label = fact.split(":")[0].split()
    assert transliterated(name, label, text) == expected


LEFT_ALONE = {
    "an address": "https://uz.wikipedia.org/wiki/Тошкент?x=ў#ё",
    "an address without a scheme": "www.kun.uz/янги",
    "a domain": "kun.uz.com/page",
    "an e-mail address": "bobur.mirzo@mail.uz",
    "code": "`o'zgaruvchi = kitob`",
    "a block of code": "```\nkitob o'qi\n```",
    "a placeholder": "{kitob} ${ism} %s %(soni)d %1$s {0}",
    "a tag": '<a href="kitob">',
    "an entity": "&nbsp; &#1105;",
    "a name with digits or underscores": "kitob_soni covid19 _ism",
    "a user's name": "@bobur",
    "numbers": "1,000.5 12:30 \u0661\u0662",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1fa\U0001f1ff \u2764\ufe0f",
    "a mark without a letter": "\u0301 \u0308",
    "private use": "\ue000\U000f0000",
    "an unassigned code point": "\u0378\U000e0fff",
    "another script": "Ελλάδα 漢字 हिन्दी",
    "an override of direction": "\u202e\u202c",
    "white space and line ends": " \t\r\n\u00a0\u2028",
    "nothing": "",
}


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
@pytest.mark.parametrize("label", ["uzb_Latn", "uzb_Cyrl"])
def test_what_is_written_for_machines_or_in_no_script_is_left_alone(text: str, label: str) -> None:
    word, expected = ("kitob", "китоб") if label == "uzb_Latn" else ("китоб", "kitob")
    around = f"{word} {text} {word}"
    assert transliterated("uzbek_1995", label, around) == f"{expected} {text} {expected}"


def test_ten_thousand_marks_on_a_letter_stay_on_it() -> None:
    text = "и" + "\u0301\u0323" * 5000
    made = transliterated("iso9", "rus_Cyrl", text)
    assert made.startswith("\u1ecb")
    assert len(made) == 10_000, "the letter takes one of them in, the others follow it"


def test_a_hostile_text_takes_linear_time() -> None:
    for piece in ("a.", "<a", "{", "`", "%1", "a@", "http://", "&", "```x", "a-", "\\"):
        text = piece * 100_000
        assert len(transliterated("serbian", "srp_Cyrl", text)) == len(text)


def test_null_stays_null() -> None:
    made = transliterate(pa.array(["да", None, ""]), scheme_for("iso9", "rus", "Cyrl"))
    assert made.type == pa.large_string()
    assert made.to_pylist() == ["da", None, ""]


def test_a_slice_is_read_from_its_beginning() -> None:
    texts = pa.array(["не", "да", "он"]).slice(1, 1)
    assert transliterate(texts, scheme_for("iso9", "rus", "Cyrl")).to_pylist() == ["da"]


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.transliteration.engines import engine_for

    engine_for.cache_clear()
    for module, scheme in (("icu", "iso9"), ("opencc", "hans")):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        found = scheme_for(scheme, *(("rus", "Cyrl") if scheme == "iso9" else ("zho", "Hant")))
        with pytest.raises(
            ImportError,
            match=rf"the module {module}, which is not installed: .*`pip install (py)?{module}`",
        ):
            engine_for(found)
