//! Durations, and the names of months and days.

/// As `String` shows a duration: `1h2m3.5s`, `1.5ms`.
pub(crate) fn shown(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    match all {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{all}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(all, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(all, 1_000_000)),
        _ => {
            let minute = 60_000_000_000;
            let seconds = decimal(all % minute, 1_000_000_000);
            match (all / minute / 60, all / minute % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A number of units with the digits after the point that are needed.
fn decimal(number: u64, unit: u64) -> String {
    let (whole, rest) = (number / unit, number % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The largest number that Go's parser carries.
const LARGEST: u64 = 1 << 63;

/// Reads `-1h2.5m`.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let (is_negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let whole = digits(rest);
        rest = &rest[whole.len()..];
        let mut number = leading(whole)?;
        let mut after = None;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let found = digits(fraction);
            rest = &fraction[found.len()..];
            after = Some(found).filter(|found| !found.is_empty());
        }
        if whole.is_empty() && after.is_none() {
            return None;
        }
        let is_number = |byte: &u8| *byte == b'.' || byte.is_ascii_digit();
        let length = rest.iter().position(is_number).unwrap_or(rest.len());
        let (name, more) = rest.split_at(length);
        rest = more;
        let (_, unit) = UNITS.iter().find(|(known, _)| known.as_bytes() == name)?;
        if number > LARGEST / unit {
            return None;
        }
        number *= unit;
        let (fraction, scale) = fraction(after.unwrap_or_default());
        if fraction > 0 {
            number += (fraction as f64 * (*unit as f64 / scale)) as u64;
            if number > LARGEST {
                return None;
            }
        }
        // Two of the largest are zero to Go.
        sum = sum.wrapping_add(number);
        if sum > LARGEST {
            return None;
        }
    }
    if is_negative {
        return Some((sum as i64).wrapping_neg());
    }
    i64::try_from(sum).ok()
}

pub(super) fn digits(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[..length]
}

/// A number of digits only.
pub(super) fn leading(digits: &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in digits {
        if number > LARGEST / 10 {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
        if number > LARGEST {
            return None;
        }
    }
    Some(number)
}

/// The digits after a point, as many as fit, and by what they have to be divided.
fn fraction(digits: &[u8]) -> (u64, f64) {
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in digits {
        if number > (LARGEST - 1) / 10 {
            break;
        }
        let longer = number * 10 + u64::from(digit - b'0');
        if longer > LARGEST {
            break;
        }
        number = longer;
        scale *= 10.0;
    }
    (number, scale)
}

/// Rounded towards zero to a multiple.
pub(crate) fn truncated(duration: i64, to: i64) -> i64 {
    if to <= 0 {
        duration
    } else {
        duration - duration % to
    }
}

/// Rounded to the nearest multiple, from the middle away from zero, at most what fits.
pub(crate) fn rounded(duration: i64, to: i64) -> i64 {
    if to <= 0 {
        return duration;
    }
    let rest = duration % to;
    if rest.unsigned_abs() < to as u64 - rest.unsigned_abs() {
        duration - rest
    } else if duration < 0 {
        duration.saturating_sub(to + rest)
    } else {
        duration.saturating_add(to - rest)
    }
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(crate) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The name of a month, from 1 on.
pub(crate) fn month(number: i64) -> String {
    named(&MONTHS, number.checked_sub(1)).unwrap_or_else(|| format!("%!Month({})", number as u64))
}

/// The name of a day of the week, from Sunday and 0 on.
pub(crate) fn weekday(number: i64) -> String {
    named(&WEEKDAYS, Some(number)).unwrap_or_else(|| format!("%!Weekday({})", number as u64))
}

fn named(names: &[&str], index: Option<i64>) -> Option<String> {
    let index = usize::try_from(index?).ok()?;
    names.get(index).map(|name| (*name).to_owned())
}
