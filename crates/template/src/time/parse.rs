//! Times from texts in a layout.

use super::{
    Civil, Time, Zone,
    duration::{MONTHS, WEEKDAYS, digits, leading},
    layout::{self, Offset, Part},
};

/// What was read so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    is_afternoon: bool,
    is_morning: bool,
    is_utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

impl Time {
    /// Reads a time. Without a zone it is in the local one. Nothing where Go refuses.
    pub(crate) fn parse(layout: &[u8], text: &[u8]) -> Option<Self> {
        let mut read = Read::default();
        let (mut layout, mut text) = (layout, text);
        loop {
            let (before, part, after) = layout::next(layout);
            text = skipped(text, before)?;
            let Some(part) = part else {
                return text.is_empty().then(|| read.time())?;
            };
            layout = after;
            text = read.part(part, text, layout)?;
        }
    }
}

impl Read {
    /// Reads a part, and gives what follows it.
    fn part<'a>(&mut self, part: Part, text: &'a [u8], layout: &[u8]) -> Option<&'a [u8]> {
        let fixed = matches!(
            part,
            Part::ZeroMonth
                | Part::ZeroDay
                | Part::ZeroYearDay
                | Part::ZeroHour12
                | Part::ZeroMinute
                | Part::ZeroSecond
        );
        match part {
            Part::Year => {
                let (digits, rest) = text.split_at_checked(2)?;
                let year = signed(digits)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                Some(rest)
            }
            Part::LongYear => {
                let (digits, rest) = text.split_at_checked(4)?;
                self.year = signed(digits).filter(|_| digits[0].is_ascii_digit())?;
                Some(rest)
            }
            Part::Month | Part::LongMonth => {
                let (index, rest) = looked_up(&MONTHS, text, part == Part::LongMonth)?;
                self.month = Some(index + 1);
                Some(rest)
            }
            Part::NumberMonth | Part::ZeroMonth => {
                let (month, rest) = number(text, fixed)?;
                self.month = Some(month).filter(|month| (1..=12).contains(month));
                self.month.map(|_| rest)
            }
            Part::Weekday | Part::LongWeekday => {
                let (_, rest) = looked_up(&WEEKDAYS, text, part == Part::LongWeekday)?;
                Some(rest)
            }
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let text = match text {
                    [b' ', rest @ ..] if part == Part::UnderDay => rest,
                    _ => text,
                };
                let (day, rest) = number(text, fixed)?;
                self.day = Some(day);
                Some(rest)
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                let mut text = text;
                for _ in 0..2 {
                    if part == Part::UnderYearDay {
                        text = text.strip_prefix(b" ").unwrap_or(text);
                    }
                }
                let found = digits(&text[..text.len().min(3)]);
                if found.is_empty() || (fixed && found.len() != 3) {
                    return None;
                }
                self.year_day = Some(leading(found)? as i64);
                Some(&text[found.len()..])
            }
            Part::Hour => {
                let (hour, rest) = number(text, false)?;
                self.hour = hour;
                (hour < 24).then_some(rest)
            }
            Part::Hour12 | Part::ZeroHour12 => {
                let (hour, rest) = number(text, fixed)?;
                self.hour = hour;
                (hour <= 12).then_some(rest)
            }
            Part::Minute | Part::ZeroMinute => {
                let (minute, rest) = number(text, fixed)?;
                self.minute = minute;
                (minute < 60).then_some(rest)
            }
            Part::Second | Part::ZeroSecond => {
                let (second, rest) = number(text, fixed)?;
                self.second = second;
                if second >= 60 {
                    return None;
                }
                self.fraction_without_part(rest, layout)
            }
            Part::Noon | Part::SmallNoon => {
                let (word, rest) = text.split_at_checked(2)?;
                match (part == Part::Noon, word) {
                    (true, b"PM") | (false, b"pm") => self.is_afternoon = true,
                    (true, b"AM") | (false, b"am") => self.is_morning = true,
                    _ => return None,
                }
                Some(rest)
            }
            Part::Offset(form) => self.offset(form, text),
            Part::ZoneName => {
                if let Some(rest) = text.strip_prefix(b"UTC") {
                    self.is_utc = true;
                    return Some(rest);
                }
                let (name, rest) = text.split_at(zone_name(text)?);
                self.zone = Some(String::from_utf8_lossy(name).into_owned());
                Some(rest)
            }
            Part::Fraction {
                digits: count,
                is_trimmed: false,
                ..
            } => {
                let (fraction, rest) = text.split_at_checked(1 + count)?;
                self.nanoseconds = nanoseconds(fraction)?;
                Some(rest)
            }
            Part::Fraction { .. } => match text {
                [b'.' | b',', digit, ..] if digit.is_ascii_digit() => self.fraction(text),
                _ => Some(text),
            },
        }
    }

    /// Seconds may have a fraction that the layout does not have.
    fn fraction_without_part<'a>(&mut self, text: &'a [u8], layout: &[u8]) -> Option<&'a [u8]> {
        match text {
            [b'.' | b',', digit, ..] if digit.is_ascii_digit() => {
                if matches!(layout::next(layout).1, Some(Part::Fraction { .. })) {
                    return Some(text);
                }
                self.fraction(text)
            }
            _ => Some(text),
        }
    }

    fn fraction<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let length = 1 + digits(&text[1..]).len();
        self.nanoseconds = nanoseconds(&text[..length])?;
        Some(&text[length..])
    }

    fn offset<'a>(&mut self, form: Offset, text: &'a [u8]) -> Option<&'a [u8]> {
        if form.z
            && let Some(rest) = text.strip_prefix(b"Z")
        {
            self.is_utc = true;
            return Some(rest);
        }
        let (sign, mut rest) = text.split_first()?;
        let mut parts = [0; 3];
        let count = 1 + usize::from(form.minutes) + usize::from(form.seconds);
        for (index, part) in parts.iter_mut().take(count).enumerate() {
            if index > 0 && form.colons {
                rest = rest.strip_prefix(b":")?;
            }
            let (two, after) = rest.split_at_checked(2)?;
            *part = number(two, true)?.0;
            rest = after;
        }
        let [hours, minutes, seconds] = parts;
        if hours > 24 || minutes > 60 || seconds > 60 {
            return None;
        }
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match sign {
            b'+' => offset,
            b'-' => -offset,
            _ => return None,
        });
        Some(rest)
    }

    fn time(mut self) -> Option<Time> {
        if self.is_afternoon && self.hour < 12 {
            self.hour += 12;
        } else if self.is_morning && self.hour == 12 {
            self.hour = 0;
        }
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(year_day) => {
                let (month, day) = in_month(&lengths, year_day)?;
                let fits = self.month.is_none_or(|known| known == month)
                    && self.day.is_none_or(|known| known == day);
                fits.then_some((month, day))?
            }
        };
        let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
        if !(1..=length).contains(&day) {
            return None;
        }
        let date = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            year_day: 0,
            weekday: 0,
        };
        let at = |zone| Time::of_date(&date, self.nanoseconds, zone);
        if self.is_utc {
            return Some(at(Zone::Utc));
        }
        let name = self.zone.unwrap_or_default();
        // An offset of one second west counts as none.
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            if offset == 0 && name.is_empty() {
                return Some(at(Zone::Local));
            }
            return Some(at(Zone::fixed(name, offset)));
        }
        if name.is_empty() {
            return Some(at(Zone::Local));
        }
        // Nobody knows what zone a name is; it only is shown again.
        let hours = name.strip_prefix("GMT").filter(|hours| !hours.is_empty());
        let offset = hours
            .and_then(|hours| signed(hours.as_bytes()))
            .unwrap_or(0)
            * 3600;
        Some(at(Zone::Utc).within(Zone::fixed(name, offset)))
    }
}

/// The month of a day of the year, and its day there.
fn in_month(lengths: &[i64; 12], year_day: i64) -> Option<(i64, i64)> {
    let mut day = year_day;
    if day < 1 {
        return None;
    }
    for (index, length) in lengths.iter().enumerate() {
        if day <= *length {
            return Some((index as i64 + 1, day));
        }
        day -= length;
    }
    None
}

/// What follows a text that stands in the layout; any number of spaces stands for any number.
fn skipped<'a>(text: &'a [u8], expected: &[u8]) -> Option<&'a [u8]> {
    let (mut text, mut expected) = (text, expected);
    while let Some((first, rest)) = expected.split_first() {
        if *first == b' ' {
            if text.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            expected = without_spaces(expected);
            text = without_spaces(text);
        } else {
            text = text.strip_prefix(std::slice::from_ref(first))?;
            expected = rest;
        }
    }
    Some(text)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|byte| **byte == b' ').count();
    &text[count..]
}

/// One or two digits; two where the layout has a zero.
fn number(text: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let found = digits(&text[..text.len().min(2)]);
    if found.is_empty() || (fixed && found.len() < 2) {
        return None;
    }
    Some((leading(found)? as i64, &text[found.len()..]))
}

/// Digits that may have a sign.
fn signed(text: &[u8]) -> Option<i64> {
    let (is_negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits(rest).len() != rest.len() {
        return None;
    }
    let number = leading(rest)? as i64;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// A name, long or cut to three letters, and what follows.
fn looked_up<'a>(names: &[&str], text: &'a [u8], is_long: bool) -> Option<(i64, &'a [u8])> {
    names.iter().enumerate().find_map(|(index, name)| {
        let name = if is_long { name } else { &name[..3] };
        let (start, rest) = text.split_at_checked(name.len())?;
        start
            .eq_ignore_ascii_case(name.as_bytes())
            .then_some((index as i64, rest))
    })
}

/// A sign and digits, of which nine count.
fn nanoseconds(text: &[u8]) -> Option<u32> {
    let (sign, rest) = text.split_first()?;
    if !matches!(sign, b'.' | b',') {
        return None;
    }
    let rest = &rest[..rest.len().min(9)];
    let number = u32::try_from(signed(rest)?).ok()?;
    Some(number * 10_u32.pow(9 - rest.len() as u32))
}

/// How long the name of a zone is.
fn zone_name(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + hours(rest));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(hours(text)).filter(|length| *length > 0);
    }
    let capitals = text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match capitals {
        5 if text[4] == b'T' => Some(5),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// How long an offset in hours is; zero if it is none.
fn hours(text: &[u8]) -> usize {
    let [b'+' | b'-', rest @ ..] = text else {
        return 0;
    };
    let found = digits(rest);
    match leading(found) {
        Some(0..=23) if !found.is_empty() => 1 + found.len(),
        _ => 0,
    }
}
