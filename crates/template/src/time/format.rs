//! Times as texts.

use super::{
    Time,
    duration::{month, weekday},
    layout::{self, Offset, Part},
};

impl Time {
    /// Writes it in a layout. What it takes is asked for before it is taken.
    pub(crate) fn format<E>(
        &self,
        layout: &[u8],
        mut reserve: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let date = self.civil();
        let unix = self.unix();
        let (offset, zone) = (self.zone().offset(unix), self.zone().abbreviation(unix));
        let mut out = Vec::new();
        let mut rest = layout;
        loop {
            let (before, part, after) = layout::next(rest);
            rest = after;
            reserve(out.len() + before.len() + zone.len() + 32)?;
            out.extend_from_slice(before);
            let Some(part) = part else {
                return Ok(out);
            };
            let hour12 = match date.hour % 12 {
                0 => 12,
                hour => hour,
            };
            let noon = if date.hour >= 12 { "pm" } else { "am" };
            let text = match part {
                Part::LongMonth => month(date.month),
                Part::Month => month(date.month)[..3].to_owned(),
                Part::NumberMonth => date.month.to_string(),
                Part::ZeroMonth => padded(date.month, 2),
                Part::LongWeekday => weekday(date.weekday),
                Part::Weekday => weekday(date.weekday)[..3].to_owned(),
                Part::Day => date.day.to_string(),
                Part::UnderDay => format!("{:2}", date.day),
                Part::ZeroDay => padded(date.day, 2),
                Part::UnderYearDay => format!("{:3}", date.year_day),
                Part::ZeroYearDay => padded(date.year_day, 3),
                Part::Hour => padded(date.hour, 2),
                Part::Hour12 => hour12.to_string(),
                Part::ZeroHour12 => padded(hour12, 2),
                Part::Minute => date.minute.to_string(),
                Part::ZeroMinute => padded(date.minute, 2),
                Part::Second => date.second.to_string(),
                Part::ZeroSecond => padded(date.second, 2),
                Part::LongYear => padded(date.year, 4),
                Part::Year => padded(date.year.abs() % 100, 2),
                Part::Noon => noon.to_uppercase(),
                Part::SmallNoon => noon.to_owned(),
                Part::ZoneName if zone.is_empty() => with_offset(offset, PLAIN),
                Part::ZoneName => zone.clone(),
                Part::Offset(form) => with_offset(offset, form),
                Part::Fraction {
                    sign,
                    digits,
                    is_trimmed,
                } => fraction(self.nanoseconds(), sign, digits, is_trimmed),
            };
            out.extend_from_slice(text.as_bytes());
        }
    }
}

const PLAIN: Offset = Offset {
    z: false,
    colons: false,
    minutes: true,
    seconds: false,
};

/// With zeros before it; a sign is not counted.
fn padded(number: i64, width: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", number.unsigned_abs())
}

fn with_offset(offset: i64, form: Offset) -> String {
    if form.z && offset == 0 {
        return "Z".to_owned();
    }
    // The sign is that of the minutes.
    let is_negative = offset / 60 < 0;
    let (minutes, seconds) = if is_negative {
        (-(offset / 60), -offset % 60)
    } else {
        (offset / 60, offset % 60)
    };
    let sign = if is_negative { '-' } else { '+' };
    let colon = if form.colons { ":" } else { "" };
    let mut text = format!("{sign}{}", padded(minutes / 60, 2));
    if form.minutes {
        text.push_str(colon);
        text.push_str(&padded(minutes % 60, 2));
    }
    if form.seconds {
        text.push_str(colon);
        text.push_str(&padded(seconds, 2));
    }
    text
}

fn fraction(nanoseconds: u32, sign: u8, digits: usize, is_trimmed: bool) -> String {
    if is_trimmed && (digits == 0 || nanoseconds == 0) {
        return String::new();
    }
    let all = format!("{nanoseconds:09}");
    let mut shown = &all[..digits.min(9)];
    if is_trimmed {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return String::new();
        }
    }
    format!("{}{shown}", char::from(sign))
}
