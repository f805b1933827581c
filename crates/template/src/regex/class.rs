//! Sets of code points as ranges.

use std::sync::LazyLock;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, HirKind};

/// Ranges of code points, sorted, with gaps between them.
#[derive(Clone, Default)]
pub(super) struct Ranges(Vec<(u32, u32)>);

const LAST: u32 = 0x0010_ffff;

/// What is the same to `(?i)`: of each code point that has others, these.
static FOLDED: LazyLock<Vec<(u32, Vec<u32>)>> = LazyLock::new(|| {
    let known = unicode("\\p{age=15.0}");
    let others = |letter: char| {
        let point = u32::from(letter);
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
        class.try_case_fold_simple().ok()?;
        let points = class
            .iter()
            .flat_map(|range| u32::from(range.start())..=u32::from(range.end()));
        let others: Vec<_> = points
            .filter(|other| *other != point && known.contains(*other))
            .collect();
        (!others.is_empty() && known.contains(point)).then_some((point, others))
    };
    ('A'..='\u{1e943}').filter_map(others).collect()
});

impl Ranges {
    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, point: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= point);
        after > 0 && point <= self.0[after - 1].1
    }

    pub(super) fn of(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut unsorted: Vec<_> = ranges.into_iter().collect();
        unsorted.sort_unstable();
        let mut sorted: Vec<(u32, u32)> = Vec::with_capacity(unsorted.len());
        for (first, last) in unsorted {
            match sorted.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => sorted.push((first, last)),
            }
        }
        Self(sorted)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().copied()
    }

    /// All code points that are not in it.
    pub(super) fn negated(&self) -> Self {
        let mut next = 0;
        let mut rest = Vec::with_capacity(self.0.len() + 1);
        for (first, last) in self.iter() {
            if next < first {
                rest.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            rest.push((next, LAST));
        }
        Self(rest)
    }

    /// A code point with what is the same to `(?i)`.
    pub(super) fn folded_point(point: u32) -> Self {
        let place = FOLDED.binary_search_by_key(&point, |(known, _)| *known);
        let others = place.map_or(&[][..], |place| &FOLDED[place].1);
        Self::of(others.iter().chain([&point]).map(|one| (*one, *one)))
    }

    /// With what is the same to `(?i)`.
    pub(super) fn folded(&self) -> Self {
        let added = FOLDED.iter().filter(|(point, _)| self.contains(*point));
        let added = added.flat_map(|(_, others)| others.iter().map(|other| (*other, *other)));
        Self::of(self.iter().chain(added))
    }
}

/// What a letter after a backslash stands for; capitals for all others.
pub(super) fn perl(letter: char) -> Option<(Ranges, bool)> {
    let ranges = match letter.to_ascii_lowercase() {
        'd' => posix("digit"),
        's' => Some(Ranges::of([(9, 10), (12, 13), (32, 32)])),
        'w' => posix("word"),
        _ => None,
    };
    Some((ranges?, letter.is_ascii_uppercase()))
}

/// What `[:name:]` stands for.
pub(super) fn posix(name: &str) -> Option<Ranges> {
    const DIGIT: (u32, u32) = (0x30, 0x39);
    const UPPER: (u32, u32) = (0x41, 0x5a);
    const LOWER: (u32, u32) = (0x61, 0x7a);
    let ranges: &[_] = match name {
        "alnum" => &[DIGIT, UPPER, LOWER],
        "alpha" => &[UPPER, LOWER],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(9, 9), (32, 32)],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => &[DIGIT],
        "graph" => &[(0x21, 0x7e)],
        "lower" => &[LOWER],
        "print" => &[(0x20, 0x7e)],
        "punct" => &[(0x21, 0x2f), (0x3a, 0x40), (0x5b, 0x60), (0x7b, 0x7e)],
        "space" => &[(9, 13), (32, 32)],
        "upper" => &[UPPER],
        "word" => &[DIGIT, UPPER, (0x5f, 0x5f), LOWER],
        "xdigit" => &[DIGIT, (0x41, 0x46), (0x61, 0x66)],
        _ => return None,
    };
    Some(Ranges::of(ranges.iter().copied()))
}

/// The categories of code points by the names that they have beside their short ones.
const CATEGORIES: &str = "Casedletter=LC Closepunctuation=Pe Cntrl=Cc Combiningmark=M Connectorpunctuation=Pc Control=Cc \
    Currencysymbol=Sc Dashpunctuation=Pd Decimalnumber=Nd Digit=Nd Enclosingmark=Me Finalpunctuation=Pf Format=Cf \
    Initialpunctuation=Pi Letter=L Letternumber=Nl Lineseparator=Zl Lowercaseletter=Ll Mark=M Mathsymbol=Sm \
    Modifierletter=Lm Modifiersymbol=Sk Nonspacingmark=Mn Number=N Openpunctuation=Ps Other=C Otherletter=Lo \
    Othernumber=No Otherpunctuation=Po Othersymbol=So Paragraphseparator=Zp Privateuse=Co Punct=P Punctuation=P \
    Separator=Z Spaceseparator=Zs Spacingmark=Mc Surrogate=Cs Symbol=S Titlecaseletter=Lt Unassigned=Cn \
    Uppercaseletter=Lu Lc=LC C=C Cc=Cc Cf=Cf Cn=Cn Co=Co Cs=Cs L=L Ll=Ll Lm=Lm Lo=Lo Lt=Lt Lu=Lu M=M Mc=Mc Me=Me Mn=Mn \
    N=N Nd=Nd Nl=Nl No=No P=P Pc=Pc Pd=Pd Pe=Pe Pf=Pf Pi=Pi Po=Po Ps=Ps S=S Sc=Sc Sk=Sk Sm=Sm So=So Z=Z Zl=Zl Zp=Zp \
    Zs=Zs";

/// The scripts that Go 1.26 finds by their names: none that has two words.
const SCRIPTS: &str = "Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille \
    Buginese Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari \
    Dogra Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hanunoo \
    Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi Lao Latin \
    Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao Modi Mongolian \
    Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene Phoenician Rejang Runic \
    Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac Tagalog Tagbanwa Takri Tamil \
    Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Yezidi Yi";

/// What `\p{name}` stands for, and with `(?i)`.
pub(super) fn named(name: &str, ignores_case: bool) -> Option<Ranges> {
    let name = canonical(name);
    let ranges = of_name(&name)?;
    // Go adds nothing to letters that have case, not even the iota that is a mark.
    let is_closed = matches!(name.as_str(), "Lc" | "Casedletter");
    Some(if ignores_case && !is_closed {
        ranges.folded()
    } else {
        ranges
    })
}

/// The form in which Go looks names up.
fn canonical(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '))
        .enumerate()
        .map(|(index, letter)| {
            if index == 0 {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}

fn of_name(name: &str) -> Option<Ranges> {
    match name {
        "Any" => return Some(Ranges::of([(0, LAST)])),
        "Ascii" => return posix("ascii"),
        "Assigned" => return Some(category("Cn").negated()),
        _ => {}
    }
    let mut categories = CATEGORIES
        .split(' ')
        .filter_map(|pair| pair.split_once('='));
    if let Some((_, short)) = categories.find(|(known, _)| *known == name) {
        return Some(category(short));
    }
    let is_script = SCRIPTS.split(' ').any(|known| known == name);
    is_script.then(|| unicode(&format!("[\\p{{script={name}}}&&\\p{{age=15.0}}]")))
}

fn category(short: &str) -> Ranges {
    match short {
        // Never read from a text.
        "Cs" => Ranges::of([(0xd800, 0xdfff)]),
        "Cn" => unicode("[\\P{Cn}&&\\p{age=15.0}]").negated(),
        "C" => unicode("[\\P{C}&&\\p{age=15.0}]").negated(),
        // U+1171E moved from one to the other later.
        "Mc" => unicode("[\\p{Mc}&&\\p{age=15.0}--\\x{1171e}]"),
        "Mn" => unicode("[\\p{Mn}\\x{1171e}&&\\p{age=15.0}]"),
        _ => unicode(&format!("[\\p{{{short}}}&&\\p{{age=15.0}}]")),
    }
}

/// A class in the syntax of the tables' crate. Go 1.26 has Unicode 15.
fn unicode(class: &str) -> Ranges {
    let parsed = regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind);
    match parsed {
        Ok(HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => Ranges::of(
            class
                .iter()
                .map(|range| (u32::from(range.start()), u32::from(range.end()))),
        ),
        // Of one code point, or none.
        Ok(HirKind::Literal(text)) => {
            let text = str::from_utf8(&text.0).unwrap_or_default();
            Ranges::of(
                text.chars()
                    .map(|letter| (u32::from(letter), u32::from(letter))),
            )
        }
        _ => Ranges::default(),
    }
}
