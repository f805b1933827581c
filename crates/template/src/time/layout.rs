//! Go's layouts: a time, written in the form that is wanted.

/// What stands for a part of a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Noon,
    SmallNoon,
    ZoneName,
    Offset(Offset),
    /// So many digits after a point or comma.
    Fraction {
        sign: u8,
        digits: usize,
        is_trimmed: bool,
    },
}

/// How the offset of a zone is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for none.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Part {
    Part::Offset(Offset {
        z,
        colons,
        minutes,
        seconds,
    })
}

/// Those that start with the same letter in the order in which they are looked for.
const FIXED: &[(&[u8], Part)] = &[
    (b"January", Part::LongMonth),
    (b"Jan", Part::Month),
    (b"Monday", Part::LongWeekday),
    (b"Mon", Part::Weekday),
    (b"MST", Part::ZoneName),
    (b"01", Part::ZeroMonth),
    (b"02", Part::ZeroDay),
    (b"03", Part::ZeroHour12),
    (b"04", Part::ZeroMinute),
    (b"05", Part::ZeroSecond),
    (b"06", Part::Year),
    (b"002", Part::ZeroYearDay),
    (b"15", Part::Hour),
    (b"1", Part::NumberMonth),
    (b"2006", Part::LongYear),
    (b"2", Part::Day),
    (b"_2", Part::UnderDay),
    (b"__2", Part::UnderYearDay),
    (b"3", Part::Hour12),
    (b"4", Part::Minute),
    (b"5", Part::Second),
    (b"PM", Part::Noon),
    (b"pm", Part::SmallNoon),
    (b"-070000", offset(false, false, true, true)),
    (b"-07:00:00", offset(false, true, true, true)),
    (b"-0700", offset(false, false, true, false)),
    (b"-07:00", offset(false, true, true, false)),
    (b"-07", offset(false, false, false, false)),
    (b"Z070000", offset(true, false, true, true)),
    (b"Z07:00:00", offset(true, true, true, true)),
    (b"Z0700", offset(true, false, true, false)),
    (b"Z07:00", offset(true, true, true, false)),
    (b"Z07", offset(true, false, false, false)),
];

/// What stands before the first part, the part, and the rest.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Part>, &[u8]) {
    for at in 0..layout.len() {
        let rest = &layout[at..];
        // A line before a year is itself.
        if rest.starts_with(b"_2006") {
            return (&layout[..=at], Some(Part::LongYear), &rest[5..]);
        }
        if let Some((length, part)) = part(rest) {
            return (&layout[..at], Some(part), &rest[length..]);
        }
    }
    (layout, None, &[])
}

fn part(rest: &[u8]) -> Option<(usize, Part)> {
    match rest {
        [
            b'J' | b'M' | b'0'..=b'6' | b'_' | b'P' | b'p' | b'-' | b'Z',
            ..,
        ] => {
            let found = FIXED.iter().find(|(text, part)| {
                let is_word = matches!(part, Part::Month | Part::Weekday);
                // `Month` is not a day of the week.
                let goes_on = is_word && rest.get(3).is_some_and(u8::is_ascii_lowercase);
                rest.starts_with(text) && !goes_on
            });
            found.map(|(text, part)| (text.len(), *part))
        }
        [sign @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let digits = rest[1..].iter().take_while(|byte| *byte == digit).count();
            if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let part = Part::Fraction {
                sign: *sign,
                // Go keeps twelve bits.
                digits: digits & 0xfff,
                is_trimmed: *digit == b'9',
            };
            Some((1 + digits, part))
        }
        _ => None,
    }
}
