//! Durations as Go's `time.ParseDuration` reads them: `720h`, `1h30m`, `1.5h`, `0`.

use jiff::SignedDuration;

const EXPECTED: &str = "must be a duration such as 720h, 1h30m or 0";

/// Reads a duration that is not negative.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, String> {
    if text == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    let mut total = SignedDuration::ZERO;
    while !rest.is_empty() {
        let (part, after) = first_part(rest).ok_or(EXPECTED)?;
        total = total
            .checked_add(part)
            .ok_or("is longer than can be counted")?;
        rest = after;
    }
    Ok(total)
}

/// Reads a duration that is longer than zero.
pub(crate) fn parse_positive(text: &str) -> Result<SignedDuration, String> {
    match parse(text)? {
        SignedDuration::ZERO => Err("must be longer than 0".to_owned()),
        duration => Ok(duration),
    }
}

/// The number and unit a text begins with, and what follows.
fn first_part(text: &str) -> Option<(SignedDuration, &str)> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(unit_at);
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let nanoseconds: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let digits = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i128>().ok()
        }
    };
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let total = digits(whole)? * nanoseconds + digits(fraction)? * nanoseconds / scale;
    let seconds = i64::try_from(total / 1_000_000_000).ok()?;
    let rest = i32::try_from(total % 1_000_000_000).ok()?;
    Some((SignedDuration::new(seconds, rest), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in [
            ("720h", 2_592_000.0),
            ("1h30m", 5_400.0),
            ("1.5h", 5_400.0),
            ("0", 0.0),
            ("0s", 0.0),
            ("300ms", 0.3),
            ("1m0.5s", 60.5),
            (".5s", 0.5),
        ] {
            let read = parse(text).expect("the text is a duration");
            assert!((read.as_secs_f64() - seconds).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "720",
            "h",
            "1d",
            "-1h",
            "1h-1m",
            ".s",
            "1..5h",
            "99999999999999999999h",
            "+",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_positive("0").is_err());
    }
}
